//! Requests to one service, over connections that are kept for the next request.

use std::collections::VecDeque;
use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::body::{BodyError, RequestBody, Upload};
use super::service_connection::{Failed, ServiceConnection};
use crate::upstream::{ConnectError, Connector};

/// The service behind an HTTP site.
pub(crate) struct HttpService {
    connector: Connector,
    idle: Mutex<VecDeque<Idle>>,
    max_idle: usize,
    timeout: Duration,
    tasks: TaskTracker,
    itself: Weak<Self>,
}

struct Idle {
    connection: ServiceConnection,
    since: Instant,
}

/// How long an unused connection is kept. Services close theirs after 5 seconds (Node.js) to 75
/// (nginx); one that was closed meanwhile costs nothing, as the pool sees it.
const KEEP_IDLE: Duration = Duration::from_secs(30);

impl HttpService {
    /// `timeout` is for the wait for a response's header once the request is out. The tasks of the
    /// connections belong to `tasks`.
    pub(crate) fn new(
        connector: Connector,
        max_idle: usize,
        timeout: Duration,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            connector,
            idle: Mutex::new(VecDeque::new()),
            max_idle,
            timeout,
            tasks,
            itself: itself.clone(),
        })
    }

    pub(crate) fn address(&self) -> String {
        self.connector.address().to_string()
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends a request and waits for the response's header.
    pub(super) async fn send(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Lease), UpstreamError> {
        // A connection may die while a request is on its way to it. The request is sent again where
        // the service cannot have seen it, or where seeing it twice does no harm; the second time
        // over a new connection, so that there is no third.
        while let Some(connection) = self.take_idle() {
            let upload = request.body().upload();
            let again = repeatable(&request);
            let error = match connection.exchange(request, self.timeout).await {
                Ok((response, connection)) => {
                    return Ok((response, self.lease(connection, upload)));
                }
                Err(Failed::NotSent(unsent)) => {
                    request = *unsent;
                    continue;
                }
                Err(Failed::Sent(error)) => error,
            };
            match again {
                Some(parts) if error.is_closed_connection() => {
                    debug!(upstream = %self.connector.address(), %error, "sending a request again");
                    request = Request::from_parts(parts, RequestBody::empty());
                    break;
                }
                _ => return Err(error),
            }
        }
        let upload = request.body().upload();
        let connection = self.connect().await?;
        match connection.exchange(request, self.timeout).await {
            Ok((response, connection)) => Ok((response, self.lease(connection, upload))),
            Err(Failed::Sent(error)) => Err(error),
            Err(Failed::NotSent(_)) => Err(UpstreamError::Closed),
        }
    }

    async fn connect(&self) -> Result<ServiceConnection, UpstreamError> {
        let stream = self
            .connector
            .connect()
            .await
            .map_err(UpstreamError::Connect)?;
        ServiceConnection::new(stream, &self.tasks, self.address())
            .await
            .map_err(UpstreamError::from)
    }

    /// The connection that was used last, so that those beyond the need of the hour grow old.
    fn take_idle(&self) -> Option<ServiceConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut idle);
        let index = idle.iter().rposition(|idle| idle.connection.is_ready())?;
        idle.remove(index).map(|idle| idle.connection)
    }

    fn put_idle(&self, connection: ServiceConnection) {
        if connection.is_closed() || self.max_idle == 0 {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= self.max_idle {
            idle.pop_front();
        }
        idle.push_back(Idle {
            connection,
            since: Instant::now(),
        });
    }

    /// Closes connections that were not used for long.
    pub(crate) fn close_old(&self) {
        forget_old(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Closes all unused connections.
    pub(crate) fn close_idle(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn lease(&self, connection: Option<ServiceConnection>, upload: Arc<Upload>) -> Lease {
        Lease {
            connection,
            upload,
            service: self.itself.clone(),
        }
    }
}

fn forget_old(idle: &mut VecDeque<Idle>) {
    idle.retain(|idle| !idle.connection.is_closed() && idle.since.elapsed() < KEEP_IDLE);
}

/// A copy of the request's head, where the request may be sent twice: RFC 9110 §9.2.2:
/// idempotent methods "are distinguished because the request can be repeated automatically if a
/// communication failure occurs before the client is able to read the server's response". Only
/// without a body, since that is gone.
fn repeatable(request: &Request<RequestBody>) -> Option<Parts> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    Some(copy.into_parts().0)
}

/// A connection in use. Goes back to the pool when dropped, which is when the response's body has
/// been read; a body that was given up has closed the connection, and the pool sees that.
pub(crate) struct Lease {
    connection: Option<ServiceConnection>,
    upload: Arc<Upload>,
    service: Weak<HttpService>,
}

impl Lease {
    /// The connection was upgraded, and is no longer one for requests.
    pub(super) fn upgraded(mut self) {
        if let Some(connection) = self.connection.take() {
            connection.release();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // A service that has answered before the end of the request does not want the rest: the
        // connection, in the middle of a request, is closed.
        if let Some(service) = self.service.upgrade()
            && self.upload.is_complete()
        {
            service.put_idle(connection);
        }
    }
}

/// Why the service has no response to a request.
#[derive(Debug)]
pub(crate) enum UpstreamError {
    Connect(ConnectError),
    /// The connection ended before the response.
    Closed,
    TimedOut(Duration),
    /// What came is no HTTP response.
    Response(hyper::Error),
    /// It is the client whose request did not arrive whole.
    ClientBody {
        timed_out: bool,
    },
    /// It changes to a protocol that the client did not ask for.
    UnaskedUpgrade,
}

impl UpstreamError {
    fn is_closed_connection(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

impl From<hyper::Error> for UpstreamError {
    fn from(error: hyper::Error) -> Self {
        let cause = error.source();
        if let Some(body) = cause.and_then(|cause| cause.downcast_ref::<BodyError>()) {
            return Self::ClientBody {
                timed_out: matches!(body, BodyError::TimedOut(..)),
            };
        }
        let io = cause.is_some_and(|cause| cause.is::<std::io::Error>());
        if io || error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            Self::Closed
        } else {
            Self::Response(error)
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Closed => f.write_str("the service closed the connection without a response"),
            Self::TimedOut(limit) => {
                write!(
                    f,
                    "the service did not respond within {} ms",
                    limit.as_millis()
                )
            }
            Self::Response(error) => {
                write!(f, "the service's response is not valid: {error}")?;
                if let Some(cause) = error.source() {
                    write!(f, ": {cause}")?;
                }
                Ok(())
            }
            Self::ClientBody { timed_out: true } => {
                f.write_str("the client stopped sending its request")
            }
            Self::ClientBody { timed_out: false } => {
                f.write_str("the client's request ended early")
            }
            Self::UnaskedUpgrade => {
                f.write_str("the service changed the protocol without being asked")
            }
        }
    }
}

impl std::error::Error for UpstreamError {}
