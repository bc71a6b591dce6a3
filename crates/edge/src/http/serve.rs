//! One client's HTTP connection: hyper serves it, and a watch ends it when it is idle or stalls.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::client_certificate::ClientCertificate;
use super::forward::forward;
use super::pool::HttpService;
use crate::activity::Activity;
use crate::early_data::Confirmation;
use crate::edge::Shared;
use crate::listener::Slot;
use crate::sites::Site;

/// What ALPN has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// The client of a connection, and what its requests need.
pub(crate) struct Client {
    pub(crate) peer: SocketAddr,
    pub(crate) server_name: Option<String>,
    /// What it has shown that it is, if its site asks.
    pub(crate) certificate: Option<ClientCertificate>,
    /// How far the handshake has got, if it began with early data.
    pub(crate) early: Option<Arc<Confirmation>>,
    pub(crate) site: Arc<Site>,
    pub(crate) service: Arc<HttpService>,
    pub(crate) shared: Arc<Shared>,
    /// What goes over the socket, inside TLS and around it.
    pub(crate) activity: Arc<Activity>,
    pub(crate) load: Load,
    /// The connection counts for the limit as long as anything of it is there.
    pub(crate) _slot: Slot,
}

/// How many requests are under way on a connection.
pub(crate) struct Load {
    requests: AtomicUsize,
    idle_since: Mutex<Instant>,
    /// There was a request.
    used: AtomicBool,
    first: Notify,
    /// From no request to one, or from one to none.
    changed: Notify,
}

impl Load {
    pub(crate) fn new() -> Self {
        Self {
            requests: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
            used: AtomicBool::new(false),
            first: Notify::new(),
            changed: Notify::new(),
        }
    }
}

/// A request under way, from its header to the end of its response, or of the tunnel that it has
/// become.
#[derive(Clone)]
pub(crate) struct InFlight {
    _guard: Arc<Guard>,
}

struct Guard(Arc<Client>);

impl InFlight {
    pub(super) fn start(client: &Arc<Client>) -> Self {
        let load = &client.load;
        if load.requests.fetch_add(1, Ordering::AcqRel) == 0 {
            load.changed.notify_one();
        }
        if !load.used.swap(true, Ordering::AcqRel) {
            load.first.notify_one();
        }
        Self {
            _guard: Arc::new(Guard(client.clone())),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Client { load, activity, .. } = &*self.0;
        activity.expect_first_read();
        *load
            .idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if load.requests.fetch_sub(1, Ordering::AcqRel) == 1 {
            load.changed.notify_one();
        }
    }
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// In order.
    Closed,
    /// hyper gave it up: the client left, or sent what is no HTTP.
    Failed(hyper::Error),
    Overdue(Overdue),
    /// The handshake, of which early data did not wait for the end, has failed.
    Handshake,
    /// The edge stops, and the time for it is over.
    Cut,
}

/// What a client was too slow with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// There was no request for so long. The usual end of a kept connection.
    Idle,
    /// It began a header and did not end it.
    Header(Duration),
    /// It takes nothing of what is sent to it.
    Stalled(Duration),
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("no request for the idle time"),
            Self::Header(limit) => {
                write!(
                    f,
                    "a request's header took longer than {} ms",
                    limit.as_millis()
                )
            }
            Self::Stalled(limit) => {
                write!(f, "the client took no byte for {} ms", limit.as_millis())
            }
        }
    }
}

/// Serves a connection to its end. `handshake` is what is left of it, and says whether it succeeds.
pub(crate) async fn serve<S>(
    stream: S,
    protocol: Protocol,
    client: Arc<Client>,
    handshake: impl Future<Output = bool>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = pin!(handshake);
    client.activity.expect_first_read();
    let stream = TokioIo::new(stream);
    let service = {
        let client = client.clone();
        service_fn(move |request| {
            let client = client.clone();
            // Now, before anything else is read: HTTP/2 goes on with requests in tasks of their own.
            let early = client.early.clone().filter(|early| early.is_early());
            async move { Ok::<_, Infallible>(forward(client, request, early).await) }
        })
    };
    match protocol {
        Protocol::Http1 => {
            let connection = http1_builder()
                .serve_connection(stream, service)
                .with_upgrades();
            let graceful = |connection: Pin<&mut _>| {
                http1::UpgradeableConnection::graceful_shutdown(connection);
            };
            drive(pin!(connection), graceful, handshake, protocol, &client).await
        }
        Protocol::Http2 => {
            let executor = Tracked(client.shared.tasks.clone());
            let connection = http2_builder(executor).serve_connection(stream, service);
            let graceful = |connection: Pin<&mut _>| {
                http2::Connection::graceful_shutdown(connection);
            };
            drive(pin!(connection), graceful, handshake, protocol, &client).await
        }
    }
}

/// The largest header of a request, in bytes.
const MAX_HEADER: usize = 64 * 1024;

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // hyper's own would also run while a kept connection is idle; `Load` tells the two apart.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEADER);
    builder
}

fn http2_builder(executor: Tracked) -> http2::Builder<Tracked> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        // One connection makes the edge hold at most this much of its clients' bodies ...
        .initial_connection_window_size(1024 * 1024)
        .initial_stream_window_size(256 * 1024)
        // ... and each stream this much of a response.
        .max_send_buf_size(128 * 1024)
        .max_header_list_size(32 * 1024);
    builder
}

/// After a graceful end was asked for, how long an idle client may take to agree.
const GOODBYE: Duration = Duration::from_secs(5);

async fn drive<C>(
    mut connection: Pin<&mut C>,
    graceful: impl Fn(Pin<&mut C>),
    mut handshake: Pin<&mut impl Future<Output = bool>>,
    protocol: Protocol,
    client: &Client,
) -> Ended
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut closing = false;
    let mut complete = false;
    let mut goodbye = None;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                return result.map_or_else(Ended::Failed, |()| Ended::Closed);
            }
            () = client.shared.cut.cancelled() => return Ended::Cut,
            succeeded = handshake.as_mut(), if !complete => {
                if !succeeded {
                    return Ended::Handshake;
                }
                complete = true;
            }
            () = may_drain(client), if !closing => {
                graceful(connection.as_mut());
                closing = true;
            }
            overdue = client.overdue(protocol), if goodbye.is_none() => match overdue {
                Overdue::Idle => {
                    graceful(connection.as_mut());
                    closing = true;
                    goodbye = Some(Instant::now() + GOODBYE);
                }
                overdue => return Ended::Overdue(overdue),
            },
            () = sleep_until(goodbye) => return Ended::Overdue(Overdue::Idle),
        }
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// How long a connection that is as new as the decision to stop may take for its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// Returns when the edge stops and this connection may take no more requests. A client that was in
/// its handshake when the edge began to stop has a request on its way: it is served.
async fn may_drain(client: &Client) {
    client.shared.drain.cancelled().await;
    if !client.load.used.load(Ordering::Acquire) {
        let _ = tokio::time::timeout(FIRST_REQUEST, client.load.first.notified()).await;
    }
}

impl Client {
    /// Returns when the client is too slow. Looks again when a limit could be reached next, or when
    /// requests begin or end; bytes that come and go cost no wake-up.
    async fn overdue(&self, protocol: Protocol) -> Overdue {
        loop {
            let now = Instant::now();
            let due = match self.next_due(protocol, now) {
                Ok(due) => due,
                Err(overdue) => return overdue,
            };
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = self.load.changed.notified() => {}
            }
        }
    }

    fn next_due(&self, protocol: Protocol, now: Instant) -> Result<Instant, Overdue> {
        let timeouts = &self.shared.timeouts;
        if let Some(since) = self.activity.write_blocked() {
            let due = since + timeouts.body;
            return if due <= now {
                Err(Overdue::Stalled(timeouts.body))
            } else {
                Ok(due)
            };
        }
        if self.load.requests.load(Ordering::Acquire) > 0 {
            return Ok(now + timeouts.body);
        }
        let idle_since = self.load.idle_since.lock();
        let idle_due = *idle_since.unwrap_or_else(PoisonError::into_inner) + timeouts.idle;
        if idle_due <= now {
            return Err(Overdue::Idle);
        }
        // In HTTP/2 bytes without a request are usual: settings, pings, window updates.
        if protocol == Protocol::Http1
            && let Some(began) = self.activity.first_read()
        {
            let header_due = began + timeouts.header;
            if header_due <= now {
                return Err(Overdue::Header(timeouts.header));
            }
            return Ok(header_due.min(idle_due));
        }
        Ok(idle_due.min(now + timeouts.header))
    }
}

/// Starts the tasks of HTTP/2 streams where the edge can wait for them.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        self.0.spawn(async move {
            future.await;
        });
    }
}
