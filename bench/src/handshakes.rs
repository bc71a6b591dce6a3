//! Handshakes in memory, flight by flight, with the server's time alone on the clock.

use std::time::Duration;

use crate::client::{Client, Connecting};
use crate::servers::{Connection, Server};
use crate::{Result, processor_time};

/// Connections that go through their handshakes side by side: the clock is read once for all of them.
pub const BATCH: usize = 16;

/// What goes between the two ends of one connection.
#[derive(Debug, Clone, Default)]
pub struct Flights {
    /// From the client.
    pub to_server: Vec<u8>,
    /// From the server.
    pub to_client: Vec<u8>,
}

/// Handshakes of one server: a client for each place in a batch, so that each has tickets of its own.
#[derive(Debug)]
pub struct Handshakes<'a, S> {
    server: &'a S,
    clients: &'a [Client],
    resumed: bool,
}

impl<'a, S: Server> Handshakes<'a, S> {
    /// Full handshakes.
    pub fn full(server: &'a S, clients: &'a [Client]) -> Self {
        Self {
            server,
            clients,
            resumed: false,
        }
    }

    /// Resumed handshakes; each client makes a full one here, to have what to resume.
    ///
    /// # Errors
    ///
    /// The first handshakes fail.
    pub fn resumed(server: &'a S, clients: &'a [Client]) -> Result<Self> {
        Self::full(server, clients).batch()?;
        Ok(Self {
            server,
            clients,
            resumed: true,
        })
    }

    /// Makes at least `count` handshakes, and returns the server's time for one.
    ///
    /// # Errors
    ///
    /// A handshake fails, or is not of the kind that was asked for.
    pub fn run(&self, count: usize) -> Result<Duration> {
        let batches = count.div_ceil(self.clients.len());
        let mut spent = Duration::ZERO;
        for _ in 0..batches {
            spent += self.batch()?;
        }
        let handshakes = u32::try_from(batches * self.clients.len())?;
        Ok(spent / handshakes)
    }

    /// One handshake of each client; returns the server's time for all.
    fn batch(&self) -> Result<Duration> {
        let mut peers = self
            .clients
            .iter()
            .map(Client::connect)
            .collect::<Result<Vec<_>>>()?;
        let mut flights = vec![Flights::default(); peers.len()];
        let (connections, mut spent) = timed(|| {
            (0..peers.len())
                .map(|_| self.server.accept())
                .collect::<Result<Vec<_>>>()
        });
        let mut connections = connections?;

        while peers.iter().any(Connecting::is_handshaking)
            || connections.iter().any(Connection::is_handshaking)
        {
            client_flights(&mut peers, &mut flights)?;
            let (exchanged, time) = timed(|| {
                let mut both = connections.iter_mut().zip(&mut flights);
                both.try_for_each(|(connection, flight)| {
                    connection.exchange(&flight.to_server, &mut flight.to_client)
                })
            });
            exchanged?;
            spent += time;
            server_flights(&mut peers, &mut flights)?;
        }

        if connections
            .iter()
            .any(|done| done.is_resumed() != self.resumed)
        {
            return Err(
                "a handshake was resumed that should not be, or the other way round".into(),
            );
        }
        let ((), time) = timed(|| drop(connections));
        Ok(spent + time)
    }
}

/// Lets the clients speak.
///
/// # Errors
///
/// One has nothing to say.
pub fn client_flights(peers: &mut [Connecting], flights: &mut [Flights]) -> Result<()> {
    for (peer, flight) in peers.iter_mut().zip(flights) {
        peer.send(&mut flight.to_server)?;
        if flight.to_server.is_empty() {
            return Err("the handshake stands still".into());
        }
    }
    Ok(())
}

/// Lets the clients hear what their servers said.
///
/// # Errors
///
/// It is not TLS as rustls wants it.
pub fn server_flights(peers: &mut [Connecting], flights: &mut [Flights]) -> Result<()> {
    for (peer, flight) in peers.iter_mut().zip(flights) {
        peer.receive(&flight.to_client)?;
        flight.to_server.clear();
        flight.to_client.clear();
    }
    Ok(())
}

/// What `work` returns, and the processor time that it took. Not inlined, so that a profiler finds the server's work by
/// this name: `valgrind --tool=callgrind --toggle-collect='*handshakes*timed*'`.
#[inline(never)]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = processor_time::of_this_thread();
    let result = work();
    (result, processor_time::of_this_thread() - before)
}
