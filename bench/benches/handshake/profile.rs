//! One server, or the floor, alone, a fixed number of times, for a profiler.

use keyward_bench::Result;
use keyward_bench::client::Client;
use keyward_bench::servers::Server;
use keyward_bench::servers::keyward::KeywardServer;
use keyward_bench::servers::rustls::RustlsServer;

use crate::case::Case;
use crate::floor::Floor;

/// Batches before the measured ones, by which everything that is made once has been made.
const HANDSHAKES: usize = 64;

/// The server that `--profile=` names, or the floor.
pub(crate) fn server() -> Option<String> {
    std::env::args().find_map(|argument| argument.strip_prefix("--profile=").map(str::to_owned))
}

/// Runs it.
pub(crate) fn run(case: &Case, name: &str) -> Result<()> {
    let clients = case.clients()?;
    match name {
        KeywardServer::NAME => repeat(case, &KeywardServer::new(&case.issued)?, &clients),
        RustlsServer::NAME => repeat(
            case,
            &RustlsServer::new(&case.issued, case.tickets())?,
            &clients,
        ),
        "floor" => {
            Floor::of(case)?.run(HANDSHAKES);
            println!("{case}: {HANDSHAKES} times the operations of a handshake");
            Ok(())
        }
        other => Err(format!("no server is called {other}").into()),
    }
}

fn repeat<S: Server>(case: &Case, server: &S, clients: &[Client]) -> Result<()> {
    case.handshakes(server, clients)?.run(HANDSHAKES)?;
    println!("{case}: {HANDSHAKES} handshakes of {}", S::NAME);
    Ok(())
}
