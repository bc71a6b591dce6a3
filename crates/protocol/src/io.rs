//! Frames over a tokio stream.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use zeroize::{Zeroize, Zeroizing};

use crate::decoder::Decoder;
use crate::frame::{EncodedFrame, Frame, FrameError};

/// Bytes read and written at a time: one TLS record's worth.
const CHUNK: usize = 16 * 1024;

/// Reads frames.
pub struct FrameReader<R> {
    stream: R,
    decoder: Decoder,
    /// Given back by [`FrameReader::release`].
    chunk: Zeroizing<Vec<u8>>,
    /// What of the chunk the decoder has not taken yet.
    untaken: std::ops::Range<usize>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads from `stream`.
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            chunk: Zeroizing::default(),
            untaken: 0..0,
        }
    }

    /// The next frame, or `None` when the peer has closed between two frames. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            if let Some(frame) = self.take_buffered()? {
                return Ok(Some(frame));
            }
            let n = match poll_fn(|cx| self.poll_read(cx)).await {
                Ok(n) => n,
                // Without close_notify. TLS tells the two apart, and a peer that was killed does not say goodbye.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                Err(error) => return Err(ReadError::Io(error)),
            };
            if n == 0 {
                return if self.decoder.buffered() == 0 {
                    Ok(None)
                } else {
                    Err(ReadError::Truncated)
                };
            }
            self.untaken = 0..n;
        }
    }

    /// The next frame of what has been read already, or `None` if that is no whole frame. What came together can so be handled
    /// together.
    pub fn take_buffered(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(Some(frame));
            }
            if self.untaken.is_empty() {
                return Ok(None);
            }
            let taken = self.decoder.receive(&self.chunk[self.untaken.clone()]);
            self.chunk[self.untaken.start..self.untaken.start + taken].zeroize();
            self.untaken.start += taken;
        }
    }

    /// Gives the buffers back if nothing is in them: connections that wait are many. The next bytes make new ones.
    pub fn release(&mut self) {
        if self.untaken.is_empty() {
            self.chunk.as_mut_slice().zeroize();
            *self.chunk = Vec::new();
        }
        self.decoder.release();
    }

    /// Fills the chunk.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.chunk.is_empty() {
            *self.chunk = vec![0; CHUNK];
        }
        let mut buffer = ReadBuf::new(&mut self.chunk);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        let n = buffer.filled().len();
        read.map_ok(|()| n)
    }

    /// Reads and forgets until the peer closes, so that what was last written reaches it: bytes that nobody reads make the kernel
    /// reset the connection.
    pub async fn discard(&mut self) {
        while matches!(poll_fn(|cx| self.poll_read(cx)).await, Ok(1..)) {
            self.chunk.as_mut_slice().zeroize();
        }
    }
}

/// Writes frames, small ones together: one TLS record and one system call for many answers.
pub struct FrameWriter<W> {
    stream: W,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    /// Writes to `stream`.
    pub fn new(stream: W) -> Self {
        Self { stream }
    }

    /// Writes the frames and flushes. If the future is dropped, the stream is of no use any more.
    pub async fn write(&mut self, frames: &mut Vec<EncodedFrame>) -> io::Result<()> {
        let total: usize = frames.iter().map(|frame| frame.len()).sum();
        // Never grows, since that would leave copies of secrets in freed memory.
        let mut batch = Zeroizing::new(Vec::with_capacity(total.min(CHUNK)));
        for frame in frames.drain(..) {
            if batch.len() + frame.len() > CHUNK {
                self.write_batch(&mut batch).await?;
            }
            if frame.len() > CHUNK {
                self.stream.write_all(&frame).await?;
            } else {
                batch.extend_from_slice(&frame);
            }
        }
        self.write_batch(&mut batch).await?;
        self.stream.flush().await
    }

    /// Writes one frame and flushes.
    pub async fn send(&mut self, frame: &Frame) -> io::Result<()> {
        let bytes = frame.encode().map_err(io::Error::other)?;
        self.write(&mut vec![bytes]).await
    }

    /// Says that nothing follows.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    async fn write_batch(&mut self, batch: &mut Zeroizing<Vec<u8>>) -> io::Result<()> {
        self.stream.write_all(batch).await?;
        // As a slice: byte by byte, as a vector is wiped, it takes longer than to encrypt it.
        batch.as_mut_slice().zeroize();
        batch.clear();
        Ok(())
    }
}

/// Why no further frame can be read, or, for a [`FrameError`] that is not final, why this one cannot.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream failed.
    Io(io::Error),
    /// The stream ended within a frame.
    Truncated,
    /// The bytes are no frame.
    Frame(FrameError),
}

impl From<FrameError> for ReadError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Truncated => f.write_str("the connection ended within a frame"),
            Self::Frame(error) => error.fmt(f),
        }
    }
}

impl Error for ReadError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    #[test]
    fn frames_pass_in_order_and_the_end_is_told_apart_from_a_cut() {
        runtime().block_on(async {
            let (near, far) = tokio::io::duplex(64);
            let (mut writer, mut reader) = (FrameWriter::new(near), FrameReader::new(far));
            let write = async {
                let mut frames: Vec<_> = (1..=3000).map(|id| Frame::Ping { id }.encode().unwrap()).collect();
                writer.write(&mut frames).await.unwrap();
                writer.stream.write_all(&[0, 0]).await.unwrap();
                writer.shutdown().await.unwrap();
            };
            let read = async {
                for expected in 1..=3000 {
                    assert!(matches!(reader.next().await, Ok(Some(Frame::Ping { id })) if id == expected));
                }
                assert!(matches!(reader.next().await, Err(ReadError::Truncated)));
            };
            tokio::join!(write, read);

            let (near, far) = tokio::io::duplex(64);
            drop(near);
            assert!(matches!(FrameReader::new(far).next().await, Ok(None)));
        });
    }
}
