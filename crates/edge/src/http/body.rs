//! Bodies on their way through.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::headers;
use super::pool::Lease;
use super::serve::InFlight;
use crate::activity::Activity;

/// How far a request has got on its way to the service.
pub(crate) struct Upload {
    /// Marked at each piece, so that waiting for the response begins when the request is there.
    pub(super) progress: Arc<Activity>,
    complete: AtomicBool,
}

impl Upload {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            progress: Activity::new(),
            complete: AtomicBool::new(false),
        })
    }

    /// Whether the whole body has gone to the connection.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }
}

/// A client's body on its way to the service.
pub(crate) struct RequestBody {
    body: Option<Timed>,
    upload: Arc<Upload>,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, limit: Duration) -> Self {
        let body = (!body.is_end_stream()).then(|| Timed::new(body, limit, Side::Client));
        let upload = Upload::new();
        upload.complete.store(body.is_none(), Ordering::Relaxed);
        Self { body, upload }
    }

    /// Another one without content, for a request that is sent again.
    pub(super) fn empty() -> Self {
        let upload = Upload::new();
        upload.complete.store(true, Ordering::Relaxed);
        Self { body: None, upload }
    }

    pub(super) fn upload(&self) -> Arc<Upload> {
        self.upload.clone()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let mut result = body.poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &mut result
            && let Some(trailers) = frame.trailers_mut()
        {
            // A service that merges them into the header would believe them.
            headers::remove_claims(trailers);
        }
        if let Poll::Ready(frame) = &result {
            let complete = match frame {
                Some(Ok(_)) => body.body.is_end_stream(),
                Some(Err(_)) => false,
                None => true,
            };
            self.upload.progress.mark();
            self.upload.complete.store(complete, Ordering::Relaxed);
        }
        result
    }

    fn is_end_stream(&self) -> bool {
        self.body
            .as_ref()
            .is_none_or(|body| body.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |body| body.body.size_hint())
    }
}

/// A response's body on its way to the client.
pub(crate) struct ResponseBody {
    content: Content,
    // Held until the body has been sent or given up.
    _in_flight: Option<InFlight>,
}

enum Content {
    /// The service's. The lease gives the connection back when the body has been read.
    Upstream { body: Timed, _lease: Lease },
    /// The edge's own.
    Own(Full<Bytes>),
}

impl ResponseBody {
    pub(super) fn upstream(body: Incoming, limit: Duration, lease: Lease) -> Self {
        Self {
            content: Content::Upstream {
                body: Timed::new(body, limit, Side::Service),
                _lease: lease,
            },
            _in_flight: None,
        }
    }

    pub(super) fn own(text: impl Into<Bytes>) -> Self {
        Self {
            content: Content::Own(Full::new(text.into())),
            _in_flight: None,
        }
    }

    pub(super) fn with_in_flight(mut self, in_flight: InFlight) -> Self {
        self._in_flight = Some(in_flight);
        self
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.content {
            Content::Upstream { body, .. } => body.poll_frame(cx),
            Content::Own(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Upstream { body, .. } => body.body.is_end_stream(),
            Content::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Upstream { body, .. } => body.body.size_hint(),
            Content::Own(body) => body.size_hint(),
        }
    }
}

/// A body each piece of which must come within a time.
struct Timed {
    body: Incoming,
    limit: Duration,
    side: Side,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Timed {
    fn new(body: Incoming, limit: Duration, side: Side) -> Self {
        Self {
            body,
            limit,
            side,
            timer: Box::pin(tokio::time::sleep(limit)),
            waiting: false,
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = false;
            let side = self.side;
            return Poll::Ready(
                frame.map(|frame| frame.map_err(|error| BodyError::Failed(side, error))),
            );
        }
        if !self.waiting {
            self.waiting = true;
            self.timer.as_mut().reset(Instant::now() + self.limit);
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(BodyError::TimedOut(self.side, self.limit)))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Whose body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Service,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Service => "service",
        })
    }
}

/// Why a body ends early.
#[derive(Debug)]
pub(crate) enum BodyError {
    Failed(Side, hyper::Error),
    TimedOut(Side, Duration),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(side, error) => write!(f, "the {side}'s body ended early: {error}"),
            Self::TimedOut(side, limit) => {
                write!(
                    f,
                    "the {side} sent nothing of its body for {} ms",
                    limit.as_millis()
                )
            }
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(_, error) => Some(error),
            Self::TimedOut(..) => None,
        }
    }
}
