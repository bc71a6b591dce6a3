//! Key-server operations per second and core, against the bare AWS-LC operation in the same run.
//!
//! The key server is a process of its own, reached over TCP on the loopback with its usual mutually authenticated TLS 1.3.
//! What it does in a second of processor time (user and system, of all its threads) is what it does per second and core:
//! receiving, decrypting, decoding, policy, the operation's checks, the signature, and all the way back. The bare operation
//! is the same signature over as many bytes by `aws-lc-rs` in a loop, on every core, counted in processor time as well.

mod bare;
mod load;
mod operation;
mod server;

use std::time::Duration;

use keyward_bench::rounds::compare;
use keyward_bench::table::Table;
use keyward_bench::{Result, SERVER_NAME, machine};
use keyward_pki::{Authority, KeyAlgorithm};

/// How long a round of either side takes.
const ROUND: Duration = Duration::from_millis(700);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(server::SERVE) {
        let directory = arguments
            .next()
            .ok_or("the directory of the key server's files is missing")?;
        return server::serve(directory.as_ref());
    }

    println!("{}\n", machine::describe());
    let directory = tempfile::tempdir()?;
    keyward_pki::init(directory.path())?;
    let authority = Authority::new("bench")?;
    let keys = [
        ("P-256", KeyAlgorithm::P256),
        ("RSA-2048", KeyAlgorithm::Rsa2048),
    ];
    let mut issued = Vec::new();
    for (name, algorithm) in keys {
        let site = authority.issue_server(&[SERVER_NAME], algorithm)?;
        let site_directory = server::keys_directory(directory.path());
        std::fs::create_dir_all(&site_directory)?;
        site.save(&site_directory, name)?;
        issued.push((name, site));
    }

    let server = server::KeyServerProcess::start(directory.path())?;
    let load = load::Load::connect(server.address(), directory.path())?;
    let mut table = Table::new(&[
        "key",
        "AWS-LC /s and core",
        "key server /s and core",
        "ratio",
        "µs more",
        "work µs",
        "round trip alone µs",
    ]);
    for (name, site) in &issued {
        let bare = bare::Bare::new(site)?;
        let operation = operation::certificate_verify(&authority, site)?;
        if !keyward_bench::is_measured() {
            load.alone(&operation)?;
            continue;
        }
        let figures = compare(
            || bare.per_second(ROUND),
            || {
                let before = server.processor_time()?;
                let performed = load.run(&operation, ROUND)?;
                let spent = server.processor_time()? - before;
                Ok(f64::from(performed) / spent.as_secs_f64())
            },
        )?;
        let alone = load.alone(&operation)?;
        table.row(vec![
            (*name).to_owned(),
            format!("{:.0}", figures.reference),
            format!("{:.0}", figures.ours),
            format!("{:.2}", figures.ratio),
            format!("{:.0}", 1e6 / figures.ours - 1e6 / figures.reference),
            format!("{:.0}", alone.work.as_secs_f64() * 1e6),
            format!("{:.0}", alone.round_trip.as_secs_f64() * 1e6),
        ]);
    }
    print!("{table}");
    Ok(())
}
