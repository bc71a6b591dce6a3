//! Bytes per second of one core, server side alone, in records of 16 KiB: Keyward's engine against rustls and, with
//! `--features openssl`, OpenSSL.
//!
//! Sending: from the application's buffer to where a socket takes the records from, which drops them. Receiving: from where a socket puts
//! the bytes to the application's buffer. The other end is rustls in memory, and its time is not counted.

use std::time::Duration;

use keyward_bench::client::{Client, Connecting, Offer};
use keyward_bench::handshakes::{Flights, client_flights, server_flights, timed};
use keyward_bench::rounds::{Rounds, Side};
use keyward_bench::servers::keyward::KeywardServer;
#[cfg(feature = "openssl")]
use keyward_bench::servers::openssl::OpensslServer;
use keyward_bench::servers::rustls::RustlsServer;
use keyward_bench::servers::{Connection, Server};
use keyward_bench::table::Table;
use keyward_bench::{Result, SERVER_NAME, machine};
use keyward_pki::{Authority, Issued, KeyAlgorithm};
use rustls::NamedGroup;
use rustls::version::{TLS12, TLS13};

/// The data of one record.
const RECORD: usize = 16 * 1024;

/// Records that go through before the clock is read again.
const BURST: usize = 16;

/// Bursts in a round: 128 MiB.
const BURSTS: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Send,
    /// As a socket gives it: two records' worth of bytes at a time, cut anywhere.
    Receive,
    /// One record's worth at a time, so that every record comes in two pieces.
    ReceiveInHalves,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Send => "server sends",
            Self::Receive => "server receives",
            Self::ReceiveInHalves => "server receives, 16 KiB at a time",
        }
    }
}

fn main() -> Result<()> {
    let authority = Authority::new("bench")?;
    let issued = authority.issue_server(&[SERVER_NAME], KeyAlgorithm::P256)?;
    if keyward_bench::is_measured() {
        println!("{}\n", machine::describe());
    }
    let mut table = Table::new(&["MB/s", "OpenSSL", "rustls", "Keyward", "Keyward / rustls"]);
    for (version, version_name) in [(&TLS13, "TLS 1.3"), (&TLS12, "TLS 1.2")] {
        for (aes256, suite) in [(false, "AES-128-GCM"), (true, "AES-256-GCM")] {
            let client = Client::new(
                authority.ca_der(),
                Offer {
                    version,
                    group: NamedGroup::X25519,
                    aes256,
                },
            )?;
            for direction in [
                Direction::Send,
                Direction::Receive,
                Direction::ReceiveInHalves,
            ] {
                let row = format!("{version_name}, {suite}, {}", direction.name());
                if keyward_bench::is_wanted(&row) {
                    measure(&row, &issued, &client, direction, &mut table)?;
                }
            }
        }
    }
    if keyward_bench::is_measured() {
        print!("{table}");
    }
    Ok(())
}

fn measure(
    row: &str,
    issued: &Issued,
    client: &Client,
    direction: Direction,
    table: &mut Table,
) -> Result<()> {
    const RUSTLS: usize = 0;
    const KEYWARD: usize = 1;
    let mut sides = vec![
        side(&RustlsServer::new(issued, 2)?, client, direction)?,
        side(&KeywardServer::new(issued)?, client, direction)?,
    ];
    #[cfg(feature = "openssl")]
    sides.push(side(&OpensslServer::new(issued)?, client, direction)?);
    if !keyward_bench::is_measured() {
        return sides.iter_mut().try_for_each(|side| side().map(drop));
    }
    let rounds = Rounds::measure(&mut sides)?;
    let megabytes = |side| format!("{:.0}", rounds.median(side, 0));
    let openssl = if sides.len() > 2 {
        megabytes(2)
    } else {
        "–".into()
    };
    table.row(vec![
        row.to_owned(),
        openssl,
        megabytes(RUSTLS),
        megabytes(KEYWARD),
        format!("{:.2}", rounds.ratio(KEYWARD, RUSTLS, 0)),
    ]);
    Ok(())
}

/// One connection that goes on from round to round.
fn side<'a, S: Server>(server: &S, client: &Client, direction: Direction) -> Result<Side<'a>>
where
    S::Connection: 'a,
{
    let (peer, connection) = connect(server, client)?;
    let mut stream = Stream {
        peer,
        connection,
        data: vec![7; RECORD],
        wire: Vec::with_capacity(2 * BURST * RECORD),
        checked: false,
    };
    let bursts = if keyward_bench::is_measured() {
        BURSTS
    } else {
        1
    };
    Ok(Box::new(move || {
        let mut spent = Duration::ZERO;
        for _ in 0..bursts {
            spent += match direction {
                Direction::Send => stream.send()?,
                Direction::Receive => stream.receive(2 * RECORD)?,
                Direction::ReceiveInHalves => stream.receive(RECORD)?,
            };
        }
        let bytes = u32::try_from(bursts * BURST * RECORD)?;
        Ok(vec![f64::from(bytes) / spent.as_secs_f64() / 1e6])
    }))
}

fn connect<S: Server>(server: &S, client: &Client) -> Result<(Connecting, S::Connection)> {
    let mut peers = [client.connect()?];
    let mut flights = [Flights::default()];
    let mut connection = server.accept()?;
    while peers[0].is_handshaking() || connection.is_handshaking() {
        client_flights(&mut peers, &mut flights)?;
        connection.exchange(&flights[0].to_server, &mut flights[0].to_client)?;
        server_flights(&mut peers, &mut flights)?;
    }
    let [peer] = peers;
    Ok((peer, connection))
}

struct Stream<C> {
    peer: Connecting,
    connection: C,
    data: Vec<u8>,
    wire: Vec<u8>,
    checked: bool,
}

impl<C: Connection> Stream<C> {
    /// The client reads the first burst, to see that it is right, and no other.
    fn send(&mut self) -> Result<Duration> {
        if !self.checked {
            self.wire.clear();
            let mut burst = 0..BURST;
            burst.try_for_each(|_| self.connection.send(&self.data, Some(&mut self.wire)))?;
            if self.peer.receive_data(&self.wire)? != BURST * RECORD {
                return Err("the client did not get all the data".into());
            }
            self.checked = true;
        }
        let mut burst = 0..BURST;
        let (sent, time) = timed(|| burst.try_for_each(|_| self.connection.send(&self.data, None)));
        sent?;
        Ok(time)
    }

    /// As a socket would give it, so many bytes at a time.
    fn receive(&mut self, piece: usize) -> Result<Duration> {
        self.wire.clear();
        for _ in 0..BURST {
            self.peer.send_data(&self.data, &mut self.wire)?;
        }
        let (received, time) = timed(|| {
            let mut pieces = self.wire.chunks(piece);
            pieces.try_fold(0, |sum, piece| -> Result<usize> {
                Ok(sum + self.connection.receive(piece, &mut self.data)?)
            })
        });
        if received? != BURST * RECORD {
            return Err("the server did not get all the data".into());
        }
        Ok(time)
    }
}
