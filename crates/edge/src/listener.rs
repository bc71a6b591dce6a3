//! Accepting connections, as many as there may be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

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
    let accept_all = async {
        loop {
            let permit = place(&slots, &shared).await;
            let (socket, peer) = accept(&listener).await;
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

/// Waits for a place. Who connects meanwhile waits in the kernel's backlog.
async fn place(slots: &Arc<Semaphore>, shared: &Shared) -> OwnedSemaphorePermit {
    const OPEN: &str = "the semaphore is never closed";
    if let Ok(permit) = slots.clone().try_acquire_owned() {
        return permit;
    }
    let limit = shared.connection_limit;
    Counters::add(&shared.counters.accept_pauses);
    warn!(
        limit,
        "the connection limit is reached: accepting pauses until a connection ends"
    );
    let permit = slots.clone().acquire_owned().await.expect(OPEN);
    info!(limit, "accepting goes on");
    permit
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
