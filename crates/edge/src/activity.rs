//! When bytes last went over a socket, as what the timeouts of idle and stalled connections need.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Marks of what happened on one socket. Each is a single relaxed store, cheap enough for every
/// read and write; readers look at them when a timeout may be due.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    last: AtomicU64,
    first_read: AtomicU64,
    write_blocked: AtomicU64,
}

/// The mark for "has not happened". Times are milliseconds since `start`, plus one.
const NEVER: u64 = 0;

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        let activity = Self {
            start: Instant::now(),
            last: AtomicU64::new(NEVER),
            first_read: AtomicU64::new(NEVER),
            write_blocked: AtomicU64::new(NEVER),
        };
        activity.mark();
        Arc::new(activity)
    }

    /// Something went over, in either direction.
    pub(crate) fn mark(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// From now on, [`Activity::first_read`] means bytes that come later.
    pub(crate) fn expect_first_read(&self) {
        self.first_read.store(NEVER, Ordering::Relaxed);
    }

    /// When the first bytes came since [`Activity::expect_first_read`].
    pub(crate) fn first_read(&self) -> Option<Instant> {
        self.time(&self.first_read)
    }

    /// Since when the peer takes no byte that waits for it.
    pub(crate) fn write_blocked(&self) -> Option<Instant> {
        self.time(&self.write_blocked)
    }

    /// Returns once nothing has gone over for `limit`.
    pub(crate) async fn quiet(&self, limit: Duration) {
        loop {
            let due = self.time(&self.last).unwrap_or(self.start) + limit;
            if Instant::now() >= due {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }

    fn read(&self) {
        self.mark();
        self.set_once(&self.first_read);
    }

    fn wrote(&self) {
        self.mark();
        self.write_blocked.store(NEVER, Ordering::Relaxed);
    }

    fn blocked(&self) {
        self.set_once(&self.write_blocked);
    }

    // One task drives a socket, so a load and a store need not be one step.
    fn set_once(&self, mark: &AtomicU64) {
        if mark.load(Ordering::Relaxed) == NEVER {
            mark.store(self.now(), Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn time(&self, mark: &AtomicU64) -> Option<Instant> {
        match mark.load(Ordering::Relaxed) {
            NEVER => None,
            mark => Some(self.start + Duration::from_millis(mark - 1)),
        }
    }
}

/// A stream that keeps the marks.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.read();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        match &result {
            Poll::Ready(Ok(n)) if *n > 0 => self.activity.wrote(),
            Poll::Pending => self.activity.blocked(),
            Poll::Ready(_) => {}
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
