//! Heap of one server-side connection, and allocations of one handshake. An allocator that counts stands in for both
//! C's `malloc` and Rust's; what the other end and the benchmark itself allocate is not counted.
//!
//! *Idle*: the handshake is complete, its tickets are sent, and nothing waits in a buffer; Keyward's caller has called
//! `release_buffers` and taken the trace, OpenSSL's stream has given up what stood for its socket. *Peak*: the most that
//! the connection held during the handshake, between two of the client's flights.

use keyward_bench::client::{Client, Offer};
use keyward_bench::handshakes::{Flights, client_flights, server_flights};
use keyward_bench::servers::keyward::KeywardServer;
#[cfg(feature = "openssl")]
use keyward_bench::servers::openssl::OpensslServer;
use keyward_bench::servers::rustls::RustlsServer;
use keyward_bench::servers::{Connection, Server};
use keyward_bench::table::Table;
use keyward_bench::{Result, SERVER_NAME, machine};
use keyward_pki::{Authority, KeyAlgorithm};
use rustls::NamedGroup;
use rustls::version::{TLS12, TLS13};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use tikv_jemalloc_ctl::thread;
// Linked in, it is C's `malloc`, which is Rust's `System` as well.
use tikv_jemallocator as _;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Connections that are held at once; the figures are for one.
const CONNECTIONS: usize = 256;

fn main() -> Result<()> {
    println!("{}\n", machine::describe());
    let authority = Authority::new("bench")?;
    let mut table = Table::new(&[
        "server",
        "handshake",
        "idle, bytes",
        "of it the connection's own struct",
        "allocated in the handshake, bytes",
        "Rust's allocations",
    ]);
    for (version, version_name) in [(&TLS13, "TLS 1.3"), (&TLS12, "TLS 1.2")] {
        let issued = authority.issue_server(&[SERVER_NAME], KeyAlgorithm::P256)?;
        let offer = Offer {
            version,
            group: NamedGroup::X25519,
            aes256: true,
        };
        let client = Client::new(authority.ca_der(), offer)?;
        measure::<KeywardServer>(
            &KeywardServer::new(&issued)?,
            &client,
            version_name,
            &mut table,
        )?;
        measure::<RustlsServer>(
            &RustlsServer::new(&issued, 2)?,
            &client,
            version_name,
            &mut table,
        )?;
        #[cfg(feature = "openssl")]
        measure(
            &OpensslServer::new(&issued)?,
            &client,
            version_name,
            &mut table,
        )?;
    }
    print!("{table}");
    Ok(())
}

fn measure<S: Server>(server: &S, client: &Client, version: &str, table: &mut Table) -> Result<()> {
    // What is made once in a process is made before.
    let mut meter = Meter::default();
    drop(connect(server, client, &mut meter)?);
    let mut meter = Meter::default();
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(connect(server, client, &mut meter)?);
    }
    let each = |sum: i64| sum / i64::try_from(CONNECTIONS).unwrap_or(i64::MAX);
    table.row(vec![
        S::NAME.to_owned(),
        version.to_owned(),
        (each(meter.live)).to_string(),
        size_of::<S::Connection>().to_string(),
        each(meter.allocated).to_string(),
        each(meter.calls).to_string(),
    ]);
    Ok(())
}

fn connect<S: Server>(server: &S, client: &Client, meter: &mut Meter) -> Result<S::Connection> {
    let mut peers = [client.connect()?];
    let mut flights = [Flights::default()];
    flights[0].to_client.reserve(16 * 1024);
    let mut connection = meter.count(|| server.accept())?;
    while peers[0].is_handshaking() || connection.is_handshaking() {
        client_flights(&mut peers, &mut flights)?;
        let [flight] = &mut flights;
        meter.count(|| connection.exchange(&flight.to_server, &mut flight.to_client))?;
        server_flights(&mut peers, &mut flights)?;
    }
    meter.count(|| connection.idle());
    Ok(connection)
}

/// What the server's calls did to the heap.
#[derive(Debug, Default)]
struct Meter {
    live: i64,
    allocated: i64,
    calls: i64,
}

impl Meter {
    fn count<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = Reading::now();
        let result = work();
        let after = Reading::now();
        let allocated = after.allocated - before.allocated;
        self.allocated += allocated;
        self.live += allocated - (after.freed - before.freed);
        self.calls += after.calls - before.calls;
        result
    }
}

struct Reading {
    allocated: i64,
    freed: i64,
    calls: i64,
}

impl Reading {
    fn now() -> Self {
        let bytes = |read: tikv_jemalloc_ctl::Result<u64>| {
            read.ok()
                .and_then(|bytes| i64::try_from(bytes).ok())
                .unwrap_or(0)
        };
        let stats = ALLOCATOR.stats();
        Self {
            allocated: bytes(thread::allocatedp::read().map(|counter| counter.get())),
            freed: bytes(thread::deallocatedp::read().map(|counter| counter.get())),
            calls: i64::try_from(stats.allocations + stats.reallocations).unwrap_or(i64::MAX),
        }
    }
}
