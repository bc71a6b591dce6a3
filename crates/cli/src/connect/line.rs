//! One connection: a socket and the engine.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;

use keyward_tls::{
    ClientConfig, ClientConnection, ClientSession, EarlyDataStatus, PeerName, Step, UnixTime,
};
use keyward_wire::values::ProtocolVersion;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answers::Answers;
use super::timeline::Timeline;
use super::trouble::Trouble;

/// The largest piece that is read from the socket at once.
const PIECE: usize = 16 * 1024;
/// How much of what came first is kept, to recognize what is not TLS.
const KEPT: usize = 64;

/// A socket and the engine. Every `async` method may be cancelled: nothing is lost by it.
pub(crate) struct Line {
    socket: TcpStream,
    pub(crate) connection: ClientConnection,
    pub(crate) timeline: Timeline,
    /// What is to be sent and does not fit into the engine yet.
    queued: Vec<u8>,
    /// Something was queued, and not all of it is on its way.
    sending: bool,
    /// What came and does not fit into the engine yet.
    unfed: Vec<u8>,
    /// The first bytes that came.
    first: Vec<u8>,
    /// Nothing more will come from the socket.
    ended: bool,
    /// Why the socket takes no more.
    broken: Option<io::Error>,
    key_log: Option<File>,
    /// Data to be sent before the handshake is complete, and how much of it was.
    early_data: Vec<u8>,
    sent_early: usize,
}

/// What happened.
pub(crate) enum Happened {
    /// The handshake is complete.
    Complete,
    /// Data can be read.
    Data,
    /// What was queued is on its way.
    Sent,
    /// The server gave a session.
    Session(Box<ClientSession>),
    /// The server sends no more.
    PeerClosed,
    /// Both sides are done.
    Closed,
}

impl Line {
    pub(crate) fn new(
        socket: TcpStream,
        config: Arc<ClientConfig>,
        name: PeerName,
        number: u64,
        key_log: Option<File>,
    ) -> Result<Self, Trouble> {
        let timeline = Timeline::new(number);
        let connection = ClientConnection::new(config, name).map_err(Trouble::Tls)?;
        Ok(Self {
            socket,
            connection,
            timeline,
            queued: Vec::new(),
            sending: false,
            unfed: Vec::new(),
            ended: false,
            first: Vec::new(),
            broken: None,
            key_log,
            early_data: Vec::new(),
            sent_early: 0,
        })
    }

    /// Sends this as soon as the engine takes it, with the first flight.
    pub(crate) fn with_early_data(mut self, data: Option<&[u8]>) -> Self {
        self.early_data = data.unwrap_or_default().to_vec();
        self
    }

    /// What the server has not taken as early data.
    pub(crate) fn unsent_early_data<'a>(&self, data: Option<&'a [u8]>) -> &'a [u8] {
        let data = data.unwrap_or_default();
        let accepted = self
            .connection
            .negotiated()
            .is_some_and(|negotiated| negotiated.early_data == EarlyDataStatus::Accepted);
        match accepted {
            true => &data[self.sent_early..],
            false => data,
        }
    }

    pub(crate) fn is_tls12(&self) -> bool {
        self.connection
            .negotiated()
            .is_some_and(|negotiated| negotiated.version == ProtocolVersion::TLS12)
    }

    /// Goes on until something happens. Reads and writes as the socket allows, so that a server that
    /// answers before it has heard all of it holds nothing up.
    pub(crate) async fn next(&mut self, answers: &mut Answers<'_>) -> Result<Happened, Trouble> {
        loop {
            self.send_queued()?;
            let step = self.connection.step(UnixTime::now());
            self.note()?;
            match step {
                Ok(Step::Blocked) => {
                    self.send_early_data()?;
                    if self.ended {
                        // The server has said goodbye and gone: nothing can happen any more.
                        return Ok(Happened::Closed);
                    }
                    if self.connection.output().is_empty() && std::mem::take(&mut self.sending) {
                        return Ok(Happened::Sent);
                    }
                    self.turn().await?;
                }
                Ok(Step::Need(need)) => {
                    let answer = answers.answer(need);
                    // The need is this connection's, and open.
                    self.connection
                        .answer(answer)
                        .map_err(|misuse| Trouble::Internal(misuse.to_string()))?;
                }
                Ok(Step::HandshakeComplete) => {
                    self.flush().await;
                    self.timeline.completed();
                    return Ok(Happened::Complete);
                }
                Ok(Step::Data) => return Ok(Happened::Data),
                Ok(Step::SessionReceived(session)) => return Ok(Happened::Session(session)),
                Ok(Step::PeerClosed) => return Ok(Happened::PeerClosed),
                Ok(Step::Closed) => {
                    self.flush().await;
                    return Ok(Happened::Closed);
                }
                Ok(_) => {
                    return Err(Trouble::Internal(
                        "the engine said what is not known here".to_owned(),
                    ));
                }
                Err(error) => {
                    // The alert.
                    self.flush().await;
                    let trouble = match self.broken.take() {
                        Some(cause) if error == keyward_tls::Error::PeerTruncated => {
                            Trouble::Socket(cause)
                        }
                        _ => Trouble::of_engine(error, &self.first),
                    };
                    self.timeline.failed(&trouble.short());
                    return Err(trouble);
                }
            }
        }
    }

    /// Waits until the socket takes or has something, and gives or takes it.
    async fn turn(&mut self) -> Result<(), Trouble> {
        if !self.unfed.is_empty() {
            self.feed();
            return Ok(());
        }
        let interest = match self.connection.output().is_empty() {
            true => Interest::READABLE,
            false => Interest::READABLE | Interest::WRITABLE,
        };
        let ready = self.socket.ready(interest).await.map_err(Trouble::Socket)?;
        if ready.is_writable() {
            self.write();
        }
        if ready.is_readable() {
            self.fill();
        }
        Ok(())
    }

    /// Writes all that the engine has. For when nothing is to be read.
    async fn flush(&mut self) {
        while !self.connection.output().is_empty() {
            if self.socket.writable().await.is_err() {
                break;
            }
            self.write();
        }
        self.timeline.flushed();
    }

    /// Writes what the socket takes. One that takes no more may still have something to read: an alert,
    /// which says more than the socket's error.
    fn write(&mut self) {
        match self.socket.try_write(self.connection.output()) {
            Ok(written) => self.connection.consume_output(written),
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => {}
            Err(cause) => {
                self.connection.consume_output(usize::MAX);
                self.broken = Some(cause);
            }
        }
        if self.connection.output().is_empty() {
            self.timeline.flushed();
        }
    }

    /// Reads what the socket has.
    fn fill(&mut self) {
        let mut piece = [0; PIECE];
        let count = match self.socket.try_read(&mut piece) {
            Ok(count) => count,
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => return,
            Err(cause) => {
                self.broken.get_or_insert(cause);
                0
            }
        };
        if count == 0 {
            self.ended = true;
            self.connection.receive_eof();
            return;
        }
        let kept = KEPT.saturating_sub(self.first.len()).min(count);
        self.first.extend_from_slice(&piece[..kept]);
        self.unfed.extend_from_slice(&piece[..count]);
        self.feed();
    }

    fn feed(&mut self) {
        let taken = self.connection.receive(&self.unfed);
        self.unfed.drain(..taken);
    }

    fn note(&mut self) -> Result<(), Trouble> {
        self.timeline.note(self.connection.take_trace());
        if let Some(file) = &mut self.key_log {
            for line in self.connection.take_key_log() {
                writeln!(file, "{line}").map_err(Trouble::KeyLog)?;
            }
        }
        Ok(())
    }

    fn send_early_data(&mut self) -> Result<(), Trouble> {
        let left = &self.early_data[self.sent_early..];
        if left.is_empty() || self.connection.early_data_capacity() == 0 {
            return Ok(());
        }
        let taken = self.connection.send_early(left).map_err(Trouble::Tls)?;
        self.sent_early += taken;
        self.note()
    }

    /// Takes the data that has come.
    pub(crate) fn read(&mut self) -> Vec<u8> {
        let mut data = vec![0; self.connection.readable()];
        let count = self.connection.read(&mut data);
        data.truncate(count);
        data
    }

    /// Sends this, and says [`Happened::Sent`] when all of it is on its way.
    pub(crate) fn queue(&mut self, data: &[u8]) {
        self.queued.extend_from_slice(data);
        self.sending |= !data.is_empty();
    }

    /// Whether something that was queued is not on its way yet.
    pub(crate) const fn is_sending(&self) -> bool {
        self.sending
    }

    fn send_queued(&mut self) -> Result<(), Trouble> {
        if self.queued.is_empty() || !self.connection.is_handshake_complete() {
            return Ok(());
        }
        let taken = self.connection.send(&self.queued).map_err(Trouble::Tls)?;
        self.queued.drain(..taken);
        Ok(())
    }

    /// Says that we send no more. A server that does not read gets no time for it.
    pub(crate) async fn close(&mut self) {
        const LONGEST: Duration = Duration::from_secs(1);
        self.connection.close();
        let _ = timeout(LONGEST, self.flush()).await;
    }
}
