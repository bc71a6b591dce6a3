//! A socket that is read in large pieces.
//!
//! rustls reads 4096 bytes at a time, which is about one request: so many system calls cost as much as decrypting. Behind this,
//! one read takes what a busy edge has sent since the last. A connection that is polled twice without anything coming gives its
//! buffer back.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

/// Two of the largest TLS records.
const AHEAD: usize = 32 * 1024;

/// What was read is encrypted: it is not wiped.
#[derive(Debug)]
pub(crate) struct ReadAhead<S> {
    io: S,
    ahead: Vec<u8>,
    taken: usize,
    /// Nothing came when it was polled last.
    waits: bool,
}

impl<S> ReadAhead<S> {
    pub(crate) fn new(io: S) -> Self {
        Self {
            io,
            ahead: Vec::new(),
            taken: 0,
            waits: false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.taken == this.ahead.len() {
            this.ahead.clear();
            this.taken = 0;
            this.ahead.reserve_exact(AHEAD);
            let read = poll_read_buf(Pin::new(&mut this.io), cx, &mut this.ahead);
            if read.is_pending() && std::mem::replace(&mut this.waits, true) {
                this.ahead = Vec::new();
            }
            ready!(read)?;
            this.waits = false;
        }
        let rest = &this.ahead[this.taken..];
        let taken = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..taken]);
        this.taken += taken;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn nothing_is_lost_and_nothing_is_kept_by_who_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut near, far) = tokio::io::duplex(100_000);
            let mut far = ReadAhead::new(far);
            let sent: Vec<u8> = (0..90_000_u32).map(|i| i.to_le_bytes()[1]).collect();
            near.write_all(&sent).await.unwrap();
            let mut received = Vec::new();
            let mut piece = [0; 4096];
            while received.len() < sent.len() {
                let n = far.read(&mut piece).await.unwrap();
                received.extend_from_slice(&piece[..n]);
            }
            assert!(received == sent);
            for kept in [AHEAD, 0] {
                let once = std::future::poll_fn(|cx| {
                    let mut buffer = ReadBuf::new(&mut piece);
                    Poll::Ready(Pin::new(&mut far).poll_read(cx, &mut buffer).is_pending())
                });
                assert!(once.await, "nothing comes");
                assert_eq!(far.ahead.capacity(), kept);
            }
            drop(near);
            assert_eq!(far.read(&mut piece).await.unwrap(), 0);
        });
    }
}
