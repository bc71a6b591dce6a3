//! The address on which a process is looked at: whether it lives and is ready, its metrics, and a page for people.
//!
//! Nothing can be changed here, and nothing secret is shown. What there is to say, a [`Subject`] says.

mod answer;
mod host;
mod process;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, info, warn};

use crate::metrics::Exposition;
use crate::page::Page;

/// Connections open at a time; who comes then waits in the kernel's backlog.
const CONNECTIONS: usize = 32;
/// For a request's header, and between two requests.
const HEADER: Duration = Duration::from_secs(10);
/// For a connection as a whole, whatever is done on it: Prometheus opens another.
const CONNECTION: Duration = Duration::from_secs(120);
/// Bytes of a request's header.
const BUFFER: usize = 16 * 1024;
/// After an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What is looked at.
pub trait Subject: Send + Sync + 'static {
    /// Writes its metrics.
    ///
    /// # Errors
    /// Those of `out`.
    fn metrics(&self, out: &mut Exposition<'_>) -> std::fmt::Result;

    /// Why it cannot do its work now; nothing if it can.
    fn not_ready(&self) -> Vec<String>;

    /// What the page shows.
    fn page(&self) -> Page;
}

/// What a process is.
#[derive(Clone, Debug)]
pub struct About {
    /// `Key server` or `Edge`.
    pub role: &'static str,
    /// The version of its software.
    pub version: &'static str,
    /// The machine that it is on.
    pub host: String,
}

impl About {
    /// On this machine.
    pub fn new(role: &'static str, version: &'static str) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
        Self {
            role,
            version,
            host: host.map_or_else(|_| "this machine".to_owned(), |name| name.trim().to_owned()),
        }
    }
}

/// A bound address that nobody answers on yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

/// An address that is answered on. Dropping it ends that, and every connection.
#[derive(Debug)]
pub struct RunningAdmin {
    address: SocketAddr,
    stop: DropGuard,
    accepting: JoinHandle<()>,
}

/// What all connections share.
struct Shared {
    about: About,
    subject: Arc<dyn Subject>,
    started: Instant,
    started_at: SystemTime,
    /// Whether only this machine can connect.
    loopback: bool,
}

impl Admin {
    /// Binds.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Answers about `subject` from now on, within the tokio runtime that it is called in.
    pub fn start(self, about: About, subject: Arc<dyn Subject>) -> RunningAdmin {
        let Self { listener, address } = self;
        info!(%address, "metrics, readiness and a status page");
        if !address.ip().is_loopback() {
            warn!(
                %address,
                "the admin address can be reached from other machines, and asks nobody who he is: names of edges, keys and \
                 sites are seen by whoever connects"
            );
        }
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            about,
            subject,
            started: Instant::now(),
            started_at: SystemTime::now(),
            loopback: address.ip().is_loopback(),
        });
        let accepting = tokio::spawn(accept(listener, shared, stop.clone()));
        RunningAdmin {
            address,
            stop: stop.drop_guard(),
            accepting,
        }
    }
}

impl RunningAdmin {
    /// Where it listens; the port is the real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and returns when nothing listens any more.
    pub async fn stop(self) {
        drop(self.stop);
        // It neither panics nor is it cancelled by anybody else.
        let _ = self.accepting.await;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((socket, _)) => {
                    let serving = serve(socket, Arc::clone(&shared));
                    let stop = stop.clone();
                    tokio::spawn(async move {
                        let _place = place;
                        let _ = stop.run_until_cancelled(timeout(CONNECTION, serving)).await;
                    });
                }
                Err(cause) => {
                    debug!(%cause, "cannot accept a connection to the admin address");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    let _ = stop.run_until_cancelled(accepting).await;
}

async fn serve(socket: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(answer::answer(request, shared).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(socket), service)
        .await;
    if let Err(cause) = served {
        debug!(%cause, "a connection to the admin address failed");
    }
}
