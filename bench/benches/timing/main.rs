//! Does the time of an operation tell what is secret about its input?
//!
//! Each row compares two classes of input by the clock: thousands of pairs, one of each class in random order, and what
//! differs between the two is looked for in three ways (see [`statistics`]). The classes are those of Bleichenbacher's
//! attack on RSA key transport (Marvin is its form with a clock) and of Lucky 13 on CBC records. Rows named *control* are
//! there to show that the method sees a difference where there is one, and none where there is none.
//!
//! ```text
//! cargo bench -p keyward-bench --bench timing
//! cargo bench -p keyward-bench --bench timing -- CBC
//! ```
//!
//! `constant_time.rs` and `constant_trace.rs` in `crates/crypto/tests` ask the machine code the same question.

mod cbc;
mod leaky;
mod rsa;
mod sampling;
mod statistics;

use std::process::ExitCode;

use keyward_bench::table::Table;
use keyward_bench::{Result, is_measured, is_wanted, machine};

use sampling::{Subject, sample};
use statistics::{Interval, Verdict};

/// What a row is expected to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Ours: no difference.
    Same,
    /// A control: a difference.
    Different,
}

/// One row.
struct Case {
    name: String,
    expected: Expected,
    /// How many pairs are measured.
    pairs: usize,
    subject: Box<dyn Subject>,
    /// Inputs of both classes, all of one length.
    classes: [Vec<Vec<u8>>; 2],
}

fn main() -> Result<ExitCode> {
    println!("{}\n", machine::describe());
    let mut table = Table::new(&[
        "operation: first class, second class",
        "pairs",
        "median ns",
        "median of differences ns",
        "at the 10 % quantile ns",
        "rank sum z",
        "verdict",
    ]);
    let mut surprises = 0;
    for mut case in cases()? {
        if !is_wanted(&case.name) {
            continue;
        }
        // `cargo test` wants to see that it works, and has no use for figures.
        let pairs = if is_measured() { case.pairs } else { 40 };
        let samples = sample(case.subject.as_mut(), &case.classes, pairs)?;
        let verdict = Verdict::of(&samples);
        let as_expected = verdict.is_different() == (case.expected == Expected::Different);
        surprises += usize::from(!as_expected);
        table.row(vec![
            case.name,
            pairs.to_string(),
            format!("{:.0}", verdict.median),
            show(verdict.median_of_differences),
            show(verdict.at_low_quantile),
            format!("{:+.1}", verdict.rank_sum_z),
            match (verdict.is_different(), as_expected) {
                (false, true) => "no difference",
                (true, true) => "difference, as it must be",
                (true, false) => "DIFFERENCE",
                (false, false) => "NOT SEEN",
            }
            .to_owned(),
        ]);
    }
    println!("{table}");
    println!(
        "Intervals hold with 99.9 %. A difference is an interval, of either kind, without zero, or a z beyond 4."
    );
    // Without enough samples nothing is said.
    Ok(if surprises > 0 && is_measured() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = rsa::cases()?;
    cases.extend(cbc::cases()?);
    Ok(cases)
}

fn show(interval: Interval) -> String {
    format!(
        "{:+.1} [{:+.1}, {:+.1}]",
        interval.value, interval.low, interval.high
    )
}
