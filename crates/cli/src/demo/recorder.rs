//! A socket that counts round trips by what really goes over it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A run of bytes in one direction: everything that one side sent before the other did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) direction: Direction,
    /// When its first byte was sent or had arrived, since the start of the connection.
    pub(crate) at: Duration,
    pub(crate) bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Sent,
    Received,
}

/// What was seen on one connection. Clones see the same.
#[derive(Clone)]
pub(crate) struct Recorder {
    start: Instant,
    flights: Arc<Mutex<Vec<Flight>>>,
}

impl Recorder {
    fn note(&self, direction: Direction, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.last_mut() {
            Some(last) if last.direction == direction => last.bytes += bytes,
            _ => flights.push(Flight {
                direction,
                at: self.start.elapsed(),
                bytes,
            }),
        }
    }

    /// Time since the connection was begun.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The flights so far.
    pub(crate) fn flights(&self) -> Vec<Flight> {
        self.flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Round trips so far: TCP's own, and one for each time that the client had to wait for an
    /// answer to what it had sent.
    pub(crate) fn round_trips(&self) -> u32 {
        let answers = self
            .flights()
            .windows(2)
            .filter(|pair| {
                (pair[0].direction, pair[1].direction) == (Direction::Sent, Direction::Received)
            })
            .count();
        1 + u32::try_from(answers).unwrap_or(u32::MAX - 1)
    }
}

/// A TCP connection of a client, recorded.
pub(crate) struct RecordedSocket {
    stream: TcpStream,
    recorder: Recorder,
}

impl RecordedSocket {
    /// Connects; the clock starts before the SYN.
    pub(crate) async fn connect(address: &str) -> io::Result<(Self, Recorder)> {
        let recorder = Recorder {
            start: Instant::now(),
            flights: Arc::default(),
        };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let socket = Self {
            stream,
            recorder: recorder.clone(),
        };
        Ok((socket, recorder))
    }

    /// The client's own address, by which the edge's record of this connection is found.
    pub(crate) fn local_address(&self) -> io::Result<String> {
        Ok(self.stream.local_addr()?.to_string())
    }
}

impl AsyncRead for RecordedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = polled {
            self.recorder
                .note(Direction::Received, buf.filled().len() - before);
        }
        polled
    }
}

impl AsyncWrite for RecordedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.recorder.note(Direction::Sent, written);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_to_something_sent_count() {
        let recorder = Recorder {
            start: Instant::now(),
            flights: Arc::default(),
        };
        assert_eq!(recorder.round_trips(), 1);
        // A server that speaks first costs no round trip of the client's.
        recorder.note(Direction::Received, 10);
        assert_eq!(recorder.round_trips(), 1);
        recorder.note(Direction::Sent, 100);
        recorder.note(Direction::Sent, 20);
        assert_eq!(recorder.round_trips(), 1);
        recorder.note(Direction::Received, 1);
        recorder.note(Direction::Received, 0);
        recorder.note(Direction::Received, 1);
        assert_eq!(recorder.round_trips(), 2);
        recorder.note(Direction::Sent, 1);
        recorder.note(Direction::Received, 1);
        assert_eq!(recorder.round_trips(), 3);
        let sizes: Vec<_> = recorder.flights().iter().map(|f| f.bytes).collect();
        assert_eq!(sizes, [10, 120, 2, 1, 1]);
    }
}
