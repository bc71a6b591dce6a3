//! A client's TLS connection as an asynchronous byte stream.
//!
//! [`TlsStream`] drives the engine: it moves bytes between the socket and the engine, and has the
//! [`Resolver`] answer what the engine asks. One task polls it. Whatever it waits for (the socket to
//! become readable or writable, the key server's answer) wakes that task, and it loops only after
//! progress, so nothing spins. All state is in the stream: dropping a future that polls it loses
//! nothing, and dropping the stream cancels a key operation under way.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use keyward_tls::{
    EarlyDataStatus, Error, Misuse, Negotiated, ServerConfig, ServerConnection, Step, UnixTime,
};
use keyward_wire::values::AlertDescription;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::needs::{Findings, Pending, Resolution, Resolver};
use crate::record::Recorder;

/// What one read from the socket takes at least, if there is so much: two TLS records of the largest size, of which one
/// comes whole, and is opened where it lies.
const READ_SIZE: usize = 2 * (16 * 1024 + 512);

/// A TLS server's side of a connection.
pub(crate) struct TlsStream<S> {
    socket: S,
    tls: ServerConnection,
    resolver: Arc<Resolver>,
    findings: Findings,
    recorder: Recorder,
    pending: Option<Pending>,
    /// When that was asked for.
    asked: Instant,
    /// When the connection began.
    began: Instant,
    /// Received bytes, one read's.
    held: Vec<u8>,
    /// How many of them the engine has taken.
    taken: usize,
    /// Early data that nobody has read yet; at most what the engine takes of it.
    early: VecDeque<u8>,
    handshake_complete: bool,
    /// The client said that it sends no more.
    peer_closed: bool,
    /// The socket gives no more bytes.
    socket_closed: bool,
    /// Our close_notify is in the engine's output.
    closed: bool,
    failed: Option<Error>,
}

/// How far a handshake has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    End,
    /// Ours is said, early data is taken, and the client has not yet shown that it is there.
    EarlyData,
}

/// Why a stream does not go on.
#[derive(Debug)]
pub(crate) enum StreamError {
    /// TLS failed; the alert, where there is one, has been written as far as the socket took it.
    Tls(Error),
    /// The client closed or reset the TCP connection.
    ClientLeft,
    /// The socket failed otherwise.
    Socket(io::Error),
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// A stream before its handshake.
    ///
    /// # Errors
    ///
    /// The engine cannot start.
    pub(crate) fn new(
        socket: S,
        config: Arc<ServerConfig>,
        resolver: Arc<Resolver>,
        recorder: Recorder,
    ) -> Result<Self, Error> {
        Ok(Self {
            socket,
            tls: ServerConnection::new(config)?,
            resolver,
            findings: Findings::default(),
            recorder,
            pending: None,
            asked: Instant::now(),
            began: Instant::now(),
            held: Vec::new(),
            taken: 0,
            early: VecDeque::new(),
            handshake_complete: false,
            peer_closed: false,
            socket_closed: false,
            closed: false,
            failed: None,
        })
    }

    /// Completes the handshake, or the server's part of it where early data is taken. May be dropped and
    /// called again.
    pub(crate) async fn handshake(&mut self) -> Result<Reached, StreamError> {
        std::future::poll_fn(|cx| self.poll_handshake(cx, true)).await
    }

    fn poll_handshake(
        &mut self,
        cx: &mut Context<'_>,
        stop_early: bool,
    ) -> Poll<Result<Reached, StreamError>> {
        loop {
            self.drive(cx)?;
            self.take_early(cx)?;
            let written = self.poll_write_output(cx)?;
            if self.handshake_complete {
                return Poll::Ready(Ok(Reached::End));
            }
            if stop_early && self.takes_early_data() {
                return Poll::Ready(Ok(Reached::EarlyData));
            }
            if self.socket_closed || self.peer_closed {
                return Poll::Ready(Err(StreamError::ClientLeft));
            }
            // Also while the key server works: a client that goes away is noticed here.
            let read = self.poll_fill(cx)?;
            if read.is_pending() {
                // What can wake us is registered: the socket for reading, the pending operation,
                // and the socket for writing if there is output left.
                let _ = written;
                return Poll::Pending;
            }
        }
    }

    /// Completes a handshake whose early data is taken.
    pub(crate) fn poll_complete(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.poll_handshake(cx, false).map_ok(|_| ())
    }

    fn takes_early_data(&self) -> bool {
        let negotiated = self.tls.negotiated();
        negotiated.is_some_and(|negotiated| negotiated.early_data == EarlyDataStatus::Accepted)
    }

    /// Brings early data out of the engine's way, which opens no further record before it is read.
    fn take_early(&mut self, cx: &mut Context<'_>) -> Result<(), StreamError> {
        while self.tls.is_early() {
            self.early.extend(self.tls.peek());
            self.tls.consume_readable(usize::MAX);
            self.drive(cx)?;
        }
        Ok(())
    }

    /// How many bytes of early data wait to be read.
    pub(crate) fn early_len(&self) -> usize {
        self.early.len()
    }

    /// Reads early data; how many bytes.
    pub(crate) fn read_early(&mut self, buffer: &mut ReadBuf<'_>) -> usize {
        let (ready, _) = self.early.as_slices();
        let read = ready.len().min(buffer.remaining());
        buffer.put_slice(&ready[..read]);
        self.early.drain(..read);
        if self.early.is_empty() {
            self.early = VecDeque::new();
        }
        read
    }

    /// What the handshake agreed on.
    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.tls.negotiated()
    }

    /// How long ago the connection began.
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The socket, for ending it when there is no TLS to speak any more.
    pub(crate) fn socket(&mut self) -> &mut S {
        &mut self.socket
    }

    pub(crate) fn recorder(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Ends the connection with an alert, which goes with the next write.
    pub(crate) fn abort_now(&mut self, alert: AlertDescription) {
        self.pending = None;
        self.tls.abort(alert);
        self.record();
    }

    /// Ends the connection with an alert, written as far as the socket takes it at once.
    pub(crate) async fn abort(&mut self, alert: AlertDescription) {
        self.abort_now(alert);
        std::future::poll_fn(|cx| {
            let _ = self.poll_write_output(cx);
            Poll::Ready(())
        })
        .await;
    }

    /// Lets the engine go as far as it can, answering it.
    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), StreamError> {
        if let Some(error) = &self.failed {
            return Err(StreamError::Tls(error.clone()));
        }
        let result = self.drive_inner(cx);
        self.record();
        result.map_err(|error| {
            self.pending = None;
            self.failed = Some(error.clone());
            // The alert. If the socket takes no more now, the client will not read it either.
            let _ = self.poll_write_output(cx);
            StreamError::Tls(error)
        })
    }

    fn drive_inner(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            if let Some(pending) = &mut self.pending
                && let Poll::Ready(done) = pending.as_mut().poll(cx)
            {
                self.pending = None;
                self.resolver.measure(&done, self.asked.elapsed());
                self.findings.key_server = done.error;
                self.record();
                self.recorder.key_answer(done.result, done.route);
                self.tls.answer(done.answer).map_err(misuse)?;
            }
            match self.tls.step(UnixTime::now())? {
                Step::Blocked | Step::Data => return Ok(()),
                Step::Need(need) => {
                    // What led to the need comes before it.
                    self.record();
                    if self.resolver.asks_key_server(&need) {
                        self.recorder.need(&need);
                    }
                    let (kind, asked) = (need.kind(), Instant::now());
                    match self.resolver.resolve(need, &mut self.findings) {
                        Resolution::Now(answer) => {
                            let measured = &self.resolver.counters.measured;
                            measured.need(kind, asked.elapsed());
                            self.tls.answer(answer).map_err(misuse)?;
                        }
                        Resolution::Later(pending) => {
                            self.asked = asked;
                            self.pending = Some(pending);
                        }
                    }
                }
                Step::HandshakeComplete => self.handshake_complete = true,
                Step::PeerClosed | Step::Closed => {
                    self.peer_closed = true;
                    return Ok(());
                }
                _ => return Err(Error::Internal("a step that this edge does not know")),
            }
        }
    }

    fn record(&mut self) {
        let events = self.tls.take_trace();
        self.recorder.trace(events);
    }

    /// Writes the engine's output; ready once all of it is with the kernel.
    fn poll_write_output(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        while !self.tls.output().is_empty() {
            let socket = Pin::new(&mut self.socket);
            match ready!(socket.poll_write(cx, self.tls.output())) {
                Ok(0) => return Poll::Ready(Err(StreamError::ClientLeft)),
                Ok(written) => self.tls.consume_output(written),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Gives the engine more bytes. Ready after progress, the end of the stream included.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        if self.taken == self.held.len() && ready!(self.poll_read_socket(cx))? == 0 {
            self.socket_closed = true;
            self.tls.receive_eof();
            return Poll::Ready(Ok(()));
        }
        let taken = self.tls.receive(&self.held[self.taken..]);
        if taken == 0 {
            // Its buffer is full, so it waits for an answer or for output to be written, and
            // both wake this task. The socket is left alone: this is the client's backpressure.
            return Poll::Pending;
        }
        self.taken += taken;
        Poll::Ready(Ok(()))
    }

    /// Reads into `held`, of which nothing is left. What waits for the socket has no buffer for it.
    fn poll_read_socket(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.taken = 0;
        self.held.clear();
        self.held.reserve(READ_SIZE);
        let read = pin!(self.socket.read_buf(&mut self.held)).poll(cx);
        if read.is_pending() {
            self.held = Vec::new();
        }
        read
    }

    fn poll_read_inner(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), StreamError>> {
        loop {
            if self.tls.readable() > 0 {
                let ready = self.tls.peek();
                let read = ready.len().min(buffer.remaining());
                buffer.put_slice(&ready[..read]);
                self.tls.consume_readable(read);
                return Poll::Ready(Ok(()));
            }
            if self.peer_closed {
                return Poll::Ready(Ok(()));
            }
            self.drive(cx)?;
            // Tickets and answers to key updates. What the socket does not take now goes with the
            // next write; it must not hold up reading.
            let _ = self.poll_write_output(cx)?;
            if self.tls.readable() > 0 || self.peer_closed {
                continue;
            }
            if self.socket_closed {
                // The engine reports the missing close_notify itself; never loop on a closed socket.
                return Poll::Ready(Err(StreamError::ClientLeft));
            }
            if self.poll_fill(cx)?.is_pending() {
                // An idle connection keeps its keys and little else.
                self.tls.release_buffers();
                return Poll::Pending;
            }
        }
    }

    fn poll_write_inner(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        loop {
            if let Some(error) = &self.failed {
                return Poll::Ready(Err(StreamError::Tls(error.clone())));
            }
            let sent = self.tls.send(bytes).map_err(StreamError::Tls)?;
            if sent > 0 || bytes.is_empty() {
                self.record();
                // Not ready is no matter: the engine's output is bounded, and when it is full
                // the next write waits here.
                let _ = self.poll_write_output(cx)?;
                return Poll::Ready(Ok(sent));
            }
            if self.tls.output().is_empty() {
                return Poll::Ready(Err(StreamError::ClientLeft));
            }
            ready!(self.poll_write_output(cx))?;
        }
    }

    fn poll_shutdown_inner(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        if !self.closed {
            self.closed = true;
            self.tls.close();
        }
        ready!(self.poll_write_output(cx))?;
        Pin::new(&mut self.socket)
            .poll_shutdown(cx)
            .map_err(StreamError::from)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.get_mut()
            .poll_read_inner(cx, buffer)
            .map_err(io::Error::from)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll_write_inner(cx, bytes)
            .map_err(io::Error::from)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_write_output(cx))?;
        Pin::new(&mut this.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut()
            .poll_shutdown_inner(cx)
            .map_err(io::Error::from)
    }
}

/// Answers come from the need itself and go back once, so this is a defect of the edge.
fn misuse(_: Misuse) -> Error {
    Error::Internal("the edge answered a need that is not open")
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected => Self::ClientLeft,
            _ => Self::Socket(error),
        }
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Socket(error) => error,
            StreamError::ClientLeft | StreamError::Tls(Error::PeerTruncated) => {
                Self::new(io::ErrorKind::UnexpectedEof, error)
            }
            StreamError::Tls(_) => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::ClientLeft => f.write_str("the client closed the connection"),
            Self::Socket(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

impl std::error::Error for StreamError {}
