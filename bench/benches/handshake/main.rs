//! Full handshakes per second and core: Keyward's engine against rustls, both on AWS-LC.
//!
//! Only the server's work is on the clock, which counts the thread's processor time: from the first byte of the
//! ClientHello to the last of the session tickets, with making and dropping the connection. The client is rustls in
//! memory for both, and its time is not counted. Both servers have the same certificates and keys, and issue two sealed
//! tickets in TLS 1.3. Keyward's key operation is answered at once, on the same thread, as a key server would: with every
//! check.

mod keyward;
mod rustls_server;

use std::fmt;
use std::time::Duration;

use keyward_bench::client::{Client, Connecting};
use keyward_bench::rounds::compare;
use keyward_bench::table::Table;
use keyward_bench::{Result, SERVER_NAME, machine, processor_time};
use keyward_pki::{Authority, KeyAlgorithm};
use rustls::version::{TLS12, TLS13};
use rustls::{NamedGroup, SupportedProtocolVersion};

/// Connections that go through their handshakes side by side: the clock is read once for all of them.
const BATCH: u32 = 16;

/// How long the server's side of one round takes, about.
const ROUND: Duration = Duration::from_millis(250);

/// One server in memory, for any number of connections.
trait Server {
    type Connection: Connection;

    fn accept(&self) -> Result<Self::Connection>;
}

/// One connection in memory.
trait Connection {
    /// Takes all of `input` and appends what there is to say to `output`.
    fn exchange(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<()>;

    fn is_handshaking(&self) -> bool;
}

/// One row of the table.
struct Case {
    version: &'static SupportedProtocolVersion,
    group: NamedGroup,
    algorithm: KeyAlgorithm,
}

fn main() -> Result<()> {
    println!("{}\n", machine::describe());
    let authority = Authority::new("bench")?;
    let mut table = Table::new(&[
        "handshake",
        "rustls /s",
        "Keyward /s",
        "ratio",
        "rustls µs",
        "Keyward µs",
        "of it checks µs",
        "and signing µs",
    ]);
    for (version, group) in [
        (&TLS13, NamedGroup::X25519),
        (&TLS13, NamedGroup::X25519MLKEM768),
        (&TLS12, NamedGroup::X25519),
    ] {
        for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
            let case = Case {
                version,
                group,
                algorithm,
            };
            if keyward_bench::is_wanted(&case.to_string()) {
                case.run(&authority, &mut table)?;
            }
        }
    }
    print!("{table}");
    Ok(())
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.version.version == TLS13.version {
            "TLS 1.3"
        } else {
            "TLS 1.2"
        };
        write!(f, "{version}, {:?}, {}", self.group, self.algorithm.name())
    }
}

impl Case {
    fn run(&self, authority: &Authority, table: &mut Table) -> Result<()> {
        let issued = authority.issue_server(&[SERVER_NAME], self.algorithm)?;
        let client = Client::new(authority.ca_der(), self.version, self.group)?;
        let reference = rustls_server::RustlsServer::new(&issued)?;
        let ours = keyward::KeywardServer::new(&issued)?;
        if !keyward_bench::is_measured() {
            handshakes(&client, &reference, 1)?;
            handshakes(&client, &ours, 1)?;
            return Ok(());
        }

        let count = count(&client, &reference)?;
        let figures = compare(
            || round(&client, &reference, count),
            || round(&client, &ours, count),
        )?;
        table.row(vec![
            self.to_string(),
            format!("{:.0}", figures.reference),
            format!("{:.0}", figures.ours),
            format!("{:.2}", figures.ratio),
            format!("{:.1}", 1e6 / figures.reference),
            format!("{:.1}", 1e6 / figures.ours),
            format!("{:.1}", ours.mean_check().as_secs_f64() * 1e6),
            format!("{:.1}", ours.mean_signing().as_secs_f64() * 1e6),
        ]);
        Ok(())
    }
}

/// How many handshakes fill a round.
fn count<S: Server>(client: &Client, server: &S) -> Result<u32> {
    let trial = 4 * BATCH;
    let per_second = round(client, server, trial)?;
    let mut count = trial;
    while f64::from(count) < per_second * ROUND.as_secs_f64() {
        count *= 2;
    }
    Ok(count)
}

/// The server's handshakes per second of processor time over `count` of them, at least.
fn round<S: Server>(client: &Client, server: &S, count: u32) -> Result<f64> {
    let batches = count.div_ceil(BATCH);
    let mut spent = Duration::ZERO;
    for _ in 0..batches {
        spent += handshakes(client, server, BATCH)?;
    }
    Ok(f64::from(batches * BATCH) / spent.as_secs_f64())
}

/// The server's time for `count` full handshakes, flight by flight.
fn handshakes<S: Server>(client: &Client, server: &S, count: u32) -> Result<Duration> {
    let mut peers = (0..count)
        .map(|_| client.connect())
        .collect::<Result<Vec<_>>>()?;
    let (connections, mut spent) = timed(|| {
        (0..count)
            .map(|_| server.accept())
            .collect::<Result<Vec<_>>>()
    });
    let mut connections = connections?;
    let mut flights = vec![Flights::default(); peers.len()];

    while peers.iter().any(Connecting::is_handshaking)
        || connections.iter().any(Connection::is_handshaking)
    {
        for (peer, flight) in peers.iter_mut().zip(&mut flights) {
            peer.send(&mut flight.to_server)?;
            if flight.to_server.is_empty() {
                return Err("the handshake stands still".into());
            }
        }
        let (exchanged, time) = timed(|| {
            let mut both = connections.iter_mut().zip(&mut flights);
            both.try_for_each(|(connection, flight)| {
                connection.exchange(&flight.to_server, &mut flight.to_client)
            })
        });
        exchanged?;
        spent += time;
        for (peer, flight) in peers.iter_mut().zip(&mut flights) {
            peer.receive(&flight.to_client)?;
            flight.to_server.clear();
            flight.to_client.clear();
        }
    }

    let ((), time) = timed(|| drop(connections));
    Ok(spent + time)
}

/// What is under way on one connection.
#[derive(Clone, Default)]
struct Flights {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
}

/// What `work` returns, and the processor time that it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = processor_time::of_this_thread();
    let result = work();
    (result, processor_time::of_this_thread() - before)
}
