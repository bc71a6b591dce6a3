//! Accepting connections, as many as there may be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{info, warn};

use crate::connection;
use crate::counters::Counters;
use crate::edge::Shared;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// Binds an address, with `SO_REUSEADDR` so that a restart does not wait for old connections.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// A place among the connections that there may be; free again when dropped.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    counters: Arc<Counters>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Accepts until the edge stops.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, slots: Arc<Semaphore>) {
    let mut gate = Gate {
        slots,
        shared: shared.clone(),
        logged: None,
    };
    let accept_all = async {
        loop {
            // Nobody is accepted without a place. The place is not kept while nobody comes, since
            // another listener may have use for it; then the one that was accepted waits for the
            // next.
            drop(gate.place().await);
            let (socket, peer) = accept(&listener).await;
            let permit = gate.place().await;
            start(socket, peer, permit, &shared);
        }
    };
    tokio::select! {
        () = accept_all => {}
        () = shared.drain.cancelled() => {}
    }
}

fn start(socket: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit, shared: &Arc<Shared>) {
    let number = shared.next_connection.fetch_add(1, Ordering::Relaxed);
    Counters::add(&shared.counters.connections);
    Counters::add(&shared.counters.open);
    let slot = Slot {
        _permit: permit,
        counters: shared.counters.clone(),
    };
    let connection = connection::serve(socket, peer, number, slot, shared.clone());
    shared.tasks.spawn(connection);
}

/// Lets in as many as there may be.
struct Gate {
    slots: Arc<Semaphore>,
    shared: Arc<Shared>,
    logged: Option<Instant>,
}

/// An edge that lives at its limit pauses all the time; one line in so long is enough.
const LOG_EVERY: Duration = Duration::from_secs(10);

impl Gate {
    /// Waits for a place. Who connects meanwhile waits in the kernel's backlog.
    async fn place(&mut self) -> OwnedSemaphorePermit {
        if let Ok(permit) = self.slots.clone().try_acquire_owned() {
            return permit;
        }
        let limit = self.shared.connection_limit;
        Counters::add(&self.shared.counters.accept_pauses);
        let log = self
            .logged
            .is_none_or(|logged| logged.elapsed() >= LOG_EVERY);
        if log {
            self.logged = Some(Instant::now());
            warn!(
                limit,
                "the connection limit is reached: accepting pauses until a connection ends"
            );
        }
        let acquired = self.slots.clone().acquire_owned().await;
        let permit = acquired.expect("the semaphore is never closed");
        if log {
            info!(limit, "accepting goes on");
        }
        permit
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(cause) if is_of_one_connection(&cause) => {}
            Err(cause) => {
                // Usually no free file descriptor; the connection stays in the backlog.
                warn!(%cause, "cannot accept connections; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// The connection was gone before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
