//! Three key servers, an edge, and clients at a steady rate, while one key server after the other is killed, frozen, slowed down,
//! restarted, has a full disk, or gets another certificate. No handshake may fail.
//!
//! All of them are processes of the real binary. `cargo test -p keyward-cli --bench faults` is the short run that checks;
//! `cargo bench -p keyward-cli --bench faults` the long one that also draws `bench/faults.svg` and prints the table of
//! `bench/RESULTS.md`.

mod load;
mod phases;
mod plot;
mod process;
mod relay;
mod stand;
mod statistics;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use load::Load;
use phases::PHASES;
use plot::Plot;
use stand::Stand;
use statistics::{Span, Summary};

/// How long the short run is, as a part of the long one.
const SHORT: f64 = 0.4;

/// Handshakes a second.
const RATE_SHORT: f64 = 40.0;
const RATE_LONG: f64 = 80.0;

/// The name by which `cargo test NAME` finds it.
const NAME: &str = "faults: no handshake fails";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let long = arguments.iter().any(|argument| argument == "--bench");
    let mut filters = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"));
    if arguments.iter().any(|argument| argument == "--list") {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    if filters.clone().next().is_some() && !filters.any(|filter| NAME.contains(filter.as_str())) {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let passed = runtime.block_on(run(long));
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn run(long: bool) -> bool {
    let (scale, rate) = if long {
        (1.0, RATE_LONG)
    } else {
        (SHORT, RATE_SHORT)
    };
    let mut stand = Stand::start().await;
    let load = Load::start(stand.edge_address(), stand.client_config(), rate);
    // What is slow at the very first is not what is measured.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut spans = Vec::new();
    for phase in PHASES {
        let began = load.now();
        tokio::task::block_in_place(|| (phase.act)(&mut stand));
        tokio::time::sleep(Duration::from_secs_f64(phase.seconds * scale)).await;
        spans.push(Span {
            name: phase.name,
            fault: phase.fault,
            began,
            ended: load.now(),
            answers: stand.answers(),
        });
    }
    let samples = load.stop().await;
    let summaries: Vec<Summary> = spans
        .iter()
        .map(|span| Summary::new(span, &samples))
        .collect();
    println!("{}", statistics::table(&summaries));
    if long {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/faults.svg");
        let plot = Plot {
            samples: &samples,
            spans: &spans,
            summaries: &summaries,
        };
        std::fs::write(&path, plot.svg()).expect("bench/ is there");
        println!("drawn: bench/faults.svg");
    }
    let mut wrong: Vec<String> = summaries.iter().flat_map(Summary::problems).collect();
    // The samples of the moments before and after the phases as well.
    let failed = samples.iter().filter(|sample| sample.error.is_some());
    for sample in failed.take(20) {
        let cause = sample.error.as_deref().unwrap_or_default();
        wrong.push(format!("at {:.3} s: {cause}", sample.at.as_secs_f64()));
    }
    wrong.extend(phases::check(&spans));
    for problem in &wrong {
        eprintln!("{problem}");
    }
    if !wrong.is_empty() {
        eprintln!("{}", stand.logs());
    }
    println!(
        "{NAME}: {}, {} handshakes",
        if wrong.is_empty() { "ok" } else { "FAILED" },
        samples.len()
    );
    wrong.is_empty()
}
