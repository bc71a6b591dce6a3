//! The stream of a connection whose early data is taken.
//!
//! Two futures of the connection's task share it: HTTP, which reads the early data and answers it, and the
//! [handshake](EarlyStream::complete), which goes on beside it, also while HTTP does not read. What comes
//! after the handshake is held back until HTTP has made requests of all that came before: so it can be told
//! of each request whether it is early.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use crate::stream::{StreamError, TlsStream};

/// A handle on the stream; all of them are used by one task.
pub(crate) struct EarlyStream<S>(Arc<Shared<S>>);

impl<S> Clone for EarlyStream<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Shared<S> {
    stream: Mutex<Held<S>>,
    confirmation: Arc<Confirmation>,
}

struct Held<S> {
    tls: TlsStream<S>,
    /// HTTP may read what came after the handshake.
    open: bool,
    /// Who waits for the other of the two futures.
    waiting: Option<Waker>,
}

/// How far a connection that began with early data has got.
pub(crate) struct Confirmation {
    /// Bytes from after the handshake have been read.
    past: AtomicBool,
    complete: watch::Sender<bool>,
}

impl Confirmation {
    /// Whether a request that is complete now has come as early data, all of it: somebody else may send the
    /// same to another edge.
    pub(crate) fn is_early(&self) -> bool {
        !self.past.load(Ordering::Acquire)
    }

    /// Waits until the handshake is complete, and with it the client is known to be there. If it fails, the
    /// connection ends, and with it who waits here.
    pub(crate) async fn wait(&self) {
        let mut complete = self.complete.subscribe();
        // The sender is in `self`.
        let _ = complete.wait_for(|complete| *complete).await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> EarlyStream<S> {
    /// For a stream whose [early data is taken](TlsStream::handshake).
    pub(crate) fn new(tls: TlsStream<S>) -> Self {
        Self(Arc::new(Shared {
            stream: Mutex::new(Held {
                tls,
                open: false,
                waiting: None,
            }),
            confirmation: Arc::new(Confirmation {
                past: AtomicBool::new(false),
                complete: watch::Sender::new(false),
            }),
        }))
    }

    pub(crate) fn confirmation(&self) -> Arc<Confirmation> {
        self.0.confirmation.clone()
    }

    /// Completes the handshake. HTTP reads what comes after it once [`Self::open`] has returned.
    ///
    /// # Errors
    ///
    /// As [`TlsStream::handshake`].
    pub(crate) async fn complete(&self) -> Result<(), StreamError> {
        std::future::poll_fn(|cx| {
            let mut held = self.held();
            let before = held.tls.early_len();
            let result = held.tls.poll_complete(cx);
            if held.tls.early_len() > before {
                held.wake();
            }
            result
        })
        .await?;
        self.0.confirmation.complete.send_replace(true);
        self.held().wake();
        Ok(())
    }

    /// Lets HTTP read on, as soon as it has taken all early data and made requests of it.
    pub(crate) async fn open(&self) {
        std::future::poll_fn(|cx| {
            let mut held = self.held();
            if held.tls.early_len() == 0 {
                return Poll::Ready(());
            }
            held.waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
        // HTTP/2 makes requests of all frames that it has read before it waits, and it waits by then: this
        // task has been through it once more.
        tokio::task::yield_now().await;
        let mut held = self.held();
        held.open = true;
        held.wake();
    }

    /// Does something with the stream.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut TlsStream<S>) -> T) -> T {
        f(&mut self.held().tls)
    }

    fn held(&self) -> MutexGuard<'_, Held<S>> {
        self.0.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Held<S> {
    fn wake(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    fn wait(&mut self, cx: &Context<'_>) {
        self.waiting = Some(cx.waker().clone());
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for EarlyStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut held = self.held();
        if held.open {
            let before = buffer.filled().len();
            let result = Pin::new(&mut held.tls).poll_read(cx, buffer);
            if buffer.filled().len() > before {
                self.0.confirmation.past.store(true, Ordering::Release);
            }
            return result;
        }
        if held.tls.read_early(buffer) > 0 {
            held.wake();
            return Poll::Ready(Ok(()));
        }
        // More of it, the end of the handshake or its failure: the other future wakes this task.
        held.wait(cx);
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EarlyStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.held().tls).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.held().tls).poll_flush(cx)
    }

    /// An answer to early data alone ends with the handshake: closed before it, with the client's Finished
    /// unread, the socket would be reset, and the answer lost.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut held = self.held();
        if !*self.0.confirmation.complete.borrow() {
            held.wait(cx);
            return Poll::Pending;
        }
        Pin::new(&mut held.tls).poll_shutdown(cx)
    }
}
