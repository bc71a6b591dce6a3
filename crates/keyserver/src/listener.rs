//! Sockets, and the way of a connection from accept to [`crate::connection`].

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_protocol::Address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

use crate::access::Door;
use crate::config::PeerAddress;
use crate::greeting::{self, TurnedAway};
use crate::places::one_address;
use crate::read_ahead::ReadAhead;
use crate::server::Shared;
use crate::{connection, gokeyless};

/// After an accept that failed for want of descriptors or memory; what is open must get a chance to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix {
        /// Removed before the socket is closed: in between, another key server would take the path over, and lose it.
        path: SocketPath,
        listener: UnixListener,
    },
}

impl Listener {
    /// Binds, taking over a Unix socket that nobody listens on any more.
    pub(crate) async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp { host, port } => TcpListener::bind((host.as_str(), *port))
                .await
                .map(Self::Tcp),
            Address::Unix(path) => {
                remove_stale(path).await?;
                let listener = UnixListener::bind(path)?;
                let path = SocketPath(path.clone());
                // Who may connect still has to show a certificate; this is the first of two doors.
                std::fs::set_permissions(&path.0, std::fs::Permissions::from_mode(0o660))?;
                Ok(Self::Unix { listener, path })
            }
        }
    }

    /// Where it listens; the port is the real one.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(|address| Address::Tcp {
                host: address.ip().to_string(),
                port: address.port(),
            }),
            Self::Unix { path, .. } => Ok(Address::Unix(path.0.clone())),
        }
    }

    /// Accepts until the server drains.
    pub(crate) async fn run(self, shared: Arc<Shared>, door: Door) {
        loop {
            let accepted = tokio::select! {
                () = shared.draining.cancelled() => return,
                () = shared.killed.cancelled() => return,
                accepted = self.accept(&shared, door) => accepted,
            };
            if let Err(error) = accepted {
                error!(%error, "cannot accept a connection; is the limit of open files too low?");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    async fn accept(&self, shared: &Arc<Shared>, door: Door) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and awaited: none may wait for the acknowledgement of the one before.
                stream.set_nodelay(true)?;
                let from = PeerAddress::from(peer.ip());
                begin(shared, door, stream, peer.to_string(), from);
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let peer = unix_peer(&stream);
                begin(shared, door, stream, peer, PeerAddress::Unix);
            }
        }
        Ok(())
    }
}

/// Takes a connection if there is room for it.
fn begin<S>(shared: &Arc<Shared>, door: Door, io: S, peer: String, from: PeerAddress)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Ok(permit) = Arc::clone(&shared.connections).try_acquire_owned() else {
        shared.metrics.connections_rejected.add();
        warn!(%peer, "connection refused: {} are open, which is the limit", shared.limits.connections);
        return;
    };
    // Before the handshake, which costs us more than a stranger; the edge's own bound comes after it.
    let place = match from {
        PeerAddress::Ip(address) => match shared.addresses.take(one_address(address)) {
            Some(place) => Some(place),
            None => {
                shared.metrics.connections_rejected.add();
                let limit = shared.limits.connections_per_address;
                warn!(%peer, "connection refused: this address has {limit}, which is the limit");
                return;
            }
        },
        PeerAddress::Unix => None,
    };
    let shared = Arc::clone(shared);
    let tracker = shared.tracker.clone();
    tracker.spawn(async move {
        let _places = (permit, place);
        let killed = shared.killed.clone();
        let metrics = Arc::clone(&shared.metrics);
        let greeted = tokio::select! {
            () = killed.cancelled() => return,
            greeted = timeout(shared.limits.handshake, Greeted::greet(&shared, door, ReadAhead::new(io), from)) => greeted,
        };
        match greeted {
            Ok(Ok(greeted)) => {
                metrics.connections_accepted.add();
                metrics.connections.add();
                greeted.serve(shared, &peer).await;
                metrics.connections.subtract();
            }
            Ok(Err(cause)) => {
                metrics.connections_rejected.add();
                warn!(%peer, "connection turned away: {cause}");
            }
            Err(_) => {
                metrics.connections_rejected.add();
                warn!(%peer, "connection turned away: no hello within {:?}", shared.limits.handshake);
            }
        }
    });
}

/// A connection that may send requests, by either door.
enum Greeted<S> {
    Keyward(Box<greeting::Greeted<S>>),
    Gokeyless(Box<gokeyless::Greeted<S>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Greeted<S> {
    async fn greet(
        shared: &Shared,
        door: Door,
        io: S,
        from: PeerAddress,
    ) -> Result<Self, TurnedAway> {
        Ok(match door {
            Door::Keyward => Self::Keyward(Box::new(greeting::greet(shared, io, from).await?)),
            Door::Gokeyless => Self::Gokeyless(Box::new(gokeyless::greet(shared, io, from).await?)),
        })
    }

    async fn serve(self, shared: Arc<Shared>, peer: &str) {
        match self {
            Self::Keyward(greeted) => connection::serve(shared, *greeted, peer).await,
            Self::Gokeyless(greeted) => gokeyless::serve(shared, *greeted, peer).await,
        }
    }
}

fn unix_peer(stream: &UnixStream) -> String {
    match stream.peer_cred() {
        Ok(credentials) => match credentials.pid() {
            Some(pid) => format!("unix pid {pid} uid {}", credentials.uid()),
            None => format!("unix uid {}", credentials.uid()),
        },
        Err(_) => "unix".to_owned(),
    }
}

/// Removes the socket of a key server that was killed. One that answers, or a file that is no socket, is left alone.
async fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)
            }
            // `bind` says "address in use".
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The path of a bound Unix socket, removed with it.
#[derive(Debug)]
pub(crate) struct SocketPath(PathBuf);

impl Drop for SocketPath {
    fn drop(&mut self) {
        // Nothing depends on it: the next start takes over what is left behind.
        let _ = std::fs::remove_file(&self.0);
    }
}
