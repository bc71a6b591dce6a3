//! One connection to a service, with the task that drives it.

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::body::RequestBody;
use super::pool::UpstreamError;
use crate::upstream::UpstreamStream;

/// A connection for requests, one at a time. Dropping it closes it, whatever state it is in: hyper
/// alone would keep one open whose response is complete while its request is not
/// (hyperium/hyper#4176).
pub(super) struct ServiceConnection {
    sender: SendRequest<RequestBody>,
    /// The task has ended.
    ended: CancellationToken,
    close: DropGuard,
}

/// What became of a request that has no response.
pub(super) enum Failed {
    /// The service has seen nothing of it.
    NotSent(Box<Request<RequestBody>>),
    Sent(UpstreamError),
}

impl ServiceConnection {
    pub(super) async fn new(
        stream: UpstreamStream,
        tasks: &TaskTracker,
        address: String,
    ) -> hyper::Result<Self> {
        let (sender, connection) = http1::Builder::new()
            .handshake(TokioIo::new(stream))
            .await?;
        let (ended, close) = (CancellationToken::new(), CancellationToken::new());
        let (at_the_end, closed) = (ended.clone().drop_guard(), close.clone());
        tasks.spawn(async move {
            // Dropped after the connection, which `exchange` relies on.
            let _at_the_end = at_the_end;
            let driven = closed.run_until_cancelled_owned(connection.with_upgrades());
            if let Some(Err(error)) = driven.await {
                debug!(upstream = %address, %error, "the connection to the service ended");
            }
        });
        Ok(Self {
            sender,
            ended,
            close: close.drop_guard(),
        })
    }

    /// Whether it can take a request now.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the response's header, and for no longer than `limit` since
    /// a piece of the request went out last. The connection comes back with the response if it is still there.
    pub(super) async fn exchange(
        mut self,
        request: Request<RequestBody>,
        limit: Duration,
    ) -> Result<(Response<Incoming>, Option<Self>), Failed> {
        let upload = request.body().upload();
        upload.progress.mark();
        let mut response = std::pin::pin!(self.sender.try_send_request(request));
        let (result, connection) = tokio::select! {
            result = &mut response => (result, Some(self)),
            // The request went into the queue at the moment when the connection's task left it for
            // good. It stays there, and the response is awaited for ever, as long as the sender
            // lives; without the sender it comes back.
            () = self.ended.cancelled() => {
                drop(self);
                (response.await, None)
            }
            () = upload.progress.quiet(limit) => {
                return Err(Failed::Sent(UpstreamError::TimedOut(limit)));
            }
        };
        match result {
            Ok(response) => Ok((response, connection)),
            Err(mut error) => Err(match error.take_message() {
                Some(request) => Failed::NotSent(Box::new(request)),
                None => Failed::Sent(UpstreamError::from(error.into_error())),
            }),
        }
    }

    /// Leaves the connection to who has upgraded it.
    pub(super) fn release(self) {
        self.close.disarm();
    }
}
