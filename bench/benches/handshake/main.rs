//! Full handshakes per second and core: Keyward's engine against rustls, both on AWS-LC.
//!
//! Only the server's work is on the clock: from the first byte of the ClientHello to the last of the session tickets,
//! with making and dropping the connection. The client is rustls in memory for both, and its time is not counted. Both
//! servers have the same certificates and keys, and issue two tickets sealed with AES-256-GCM in TLS 1.3. Keyward's key
//! operation is answered at once, on the same thread, as a key server would: with every check.

mod keyward;
mod rustls_server;

use std::time::{Duration, Instant};

use keyward_bench::client::Client;
use keyward_bench::rounds::compare;
use keyward_bench::table::Table;
use keyward_bench::{Result, SERVER_NAME, machine};
use keyward_pki::{Authority, Issued, KeyAlgorithm};
use rustls::version::TLS13;
use rustls::{NamedGroup, SupportedProtocolVersion};

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

fn main() -> Result<()> {
    println!("{}\n", machine::describe());
    let authority = Authority::new("bench")?;
    let mut table = Table::new(&[
        "version",
        "group",
        "certificate",
        "rustls /s",
        "Keyward /s",
        "ratio",
        "Keyward µs",
        "of it key operation µs",
    ]);
    for (version, group) in [
        (&TLS13, NamedGroup::X25519),
        (&TLS13, NamedGroup::X25519MLKEM768),
    ] {
        for (name, algorithm) in [
            ("P-256", KeyAlgorithm::P256),
            ("RSA-2048", KeyAlgorithm::Rsa2048),
        ] {
            let issued = authority.issue_server(&[SERVER_NAME], algorithm)?;
            table.row(row(&authority, &issued, version, group, name)?);
        }
    }
    print!("{table}");
    Ok(())
}

fn row(
    authority: &Authority,
    issued: &Issued,
    version: &'static SupportedProtocolVersion,
    group: NamedGroup,
    certificate: &str,
) -> Result<Vec<String>> {
    let client = Client::new(authority.ca_der(), version, group)?;
    let reference = rustls_server::RustlsServer::new(issued)?;
    let ours = keyward::KeywardServer::new(issued)?;

    if !keyward_bench::is_measured() {
        handshake(&client, &reference)?;
        handshake(&client, &ours)?;
        return Ok(Vec::new());
    }
    let count = count(&client, &reference)?;
    let figures = compare(
        || round(&client, &reference, count),
        || round(&client, &ours, count),
    )?;
    Ok(vec![
        format!("{:?}", version.version)
            .replace('v', " ")
            .replace('_', "."),
        format!("{group:?}"),
        certificate.to_owned(),
        format!("{:.0}", figures.reference),
        format!("{:.0}", figures.ours),
        format!("{:.2}", figures.ratio),
        format!("{:.0}", 1e6 / figures.ours),
        format!("{:.0}", ours.mean_key_operation().as_secs_f64() * 1e6),
    ])
}

/// How many handshakes fill a round.
fn count<S: Server>(client: &Client, server: &S) -> Result<u32> {
    let trial = 50;
    let per_second = round(client, server, trial)?;
    let mut count = trial;
    while f64::from(count) < per_second * ROUND.as_secs_f64() {
        count *= 2;
    }
    Ok(count)
}

/// The server's handshakes per second over `count` of them.
fn round<S: Server>(client: &Client, server: &S, count: u32) -> Result<f64> {
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        spent += handshake(client, server)?;
    }
    Ok(f64::from(count) / spent.as_secs_f64())
}

/// The server's time for one full handshake.
fn handshake<S: Server>(client: &Client, server: &S) -> Result<Duration> {
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let mut client = client.connect()?;

    let start = Instant::now();
    let mut connection = server.accept()?;
    let mut spent = start.elapsed();

    while client.is_handshaking() || connection.is_handshaking() {
        client.send(&mut to_server)?;
        if to_server.is_empty() {
            return Err("the handshake stands still".into());
        }
        let start = Instant::now();
        connection.exchange(&to_server, &mut to_client)?;
        spent += start.elapsed();
        to_server.clear();
        client.receive(&to_client)?;
        to_client.clear();
    }

    let start = Instant::now();
    drop(connection);
    Ok(spent + start.elapsed())
}
