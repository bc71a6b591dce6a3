//! The connection's loop: socket, engine and desk.
//!
//! A turn is one round of waiting. Under `-async` it brings at most one byte from the peer, and the
//! needs of earlier turns get their answers; in between the engine is stepped with the need open, as
//! an edge does while its key server works.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use keyward_tls::{Connection, EarlyDataStatus, Negotiated, Step};

use crate::desk::Desk;
use crate::failure::{Failure, unmet};
use crate::messages::Messages;
use crate::options::{Options, Run};
use crate::sessions::Sessions;
use crate::side::Side;

pub(crate) struct Driver<'a, S: Side> {
    pub(crate) tls: Connection<S>,
    pub(crate) desk: Desk<'a>,
    socket: TcpStream,
    is_async: bool,
    retry: &'a Options,
    turn: u64,
    /// Received, and not yet taken by the engine.
    waiting: Vec<u8>,
    messages: Messages,
    /// How many bytes may be written; `None`: all.
    may_write: Option<usize>,
}

/// What came of a step that its caller has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    HandshakeComplete,
    Data,
    PeerClosed,
    Closed,
    /// There is nothing to do but to [`wait`](Driver::wait).
    Idle,
}

/// How long an open need may keep the loop from the socket.
const POLL: Duration = Duration::from_millis(1);
/// How long the runner may take to close its side.
const DRAIN: Duration = Duration::from_secs(5);
const READ_SIZE: usize = 16 * 1024;

impl<'a, S: Side> Driver<'a, S> {
    pub(crate) fn connect(
        options: &'a Options,
        retry: &'a Options,
        sessions: &'a mut Sessions,
    ) -> Result<Self, Failure> {
        // What cannot be done is found before the runner sees a connection.
        let desk = Desk::new(options, sessions)?;
        Ok(Self {
            tls: S::connection(options)?,
            desk,
            socket: open(&options.run)?,
            is_async: options.run.is_async,
            retry,
            turn: 0,
            waiting: Vec::new(),
            messages: Messages::default(),
            may_write: None,
        })
    }

    /// Goes on with the engine, writes what it has to say and answers what is due.
    pub(crate) fn step(&mut self) -> Result<Event, Failure> {
        loop {
            let step = self.tls.step(self.desk.sessions().now());
            self.messages.add(self.tls.take_trace());
            if step.is_err() {
                // The alert goes out; that it cannot is not the failure to report.
                let _ = self.flush();
            }
            let event = match step? {
                Step::Need(need) => {
                    self.switch_if_rejected();
                    self.desk.take(need, self.turn);
                    self.answer_due()?;
                    continue;
                }
                Step::HandshakeComplete => Event::HandshakeComplete,
                Step::SessionReceived(session) => {
                    self.desk.sessions_mut().receive(*session);
                    continue;
                }
                Step::Data => Event::Data,
                Step::PeerClosed => Event::PeerClosed,
                Step::Closed => Event::Closed,
                Step::Blocked if self.feed() => continue,
                Step::Blocked => Event::Idle,
                other => return Err(unmet(format!("an unknown step: {other:?}"))),
            };
            self.flush()?;
            return Ok(event);
        }
    }

    /// From where a client's early data is rejected, what is expected is that of a retry.
    fn switch_if_rejected(&mut self) {
        let rejected = |it: &Negotiated| it.early_data == EarlyDataStatus::Rejected;
        if !S::IS_SERVER && self.tls.negotiated().is_some_and(rejected) {
            self.desk.switch_to(self.retry);
        }
    }

    /// Waits for the peer or, while a need is open, for the next turn.
    pub(crate) fn wait(&mut self) -> Result<(), Failure> {
        self.turn += 1;
        if self.answer_due()? {
            return Ok(());
        }
        if self.waiting.is_empty() {
            self.read_socket()?;
        }
        if self.is_async {
            self.feed_one();
        }
        Ok(())
    }

    fn read_socket(&mut self) -> Result<(), Failure> {
        let patience = (!self.desk.is_idle()).then_some(POLL);
        self.socket.set_read_timeout(patience)?;
        let mut buffer = [0; READ_SIZE];
        match self.socket.read(&mut buffer) {
            Ok(0) => self.tls.receive_eof(),
            Ok(n) => self.waiting.extend_from_slice(&buffer[..n]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                ErrorKind::ConnectionReset => self.tls.receive_eof(),
                _ => return Err(error.into()),
            },
        }
        Ok(())
    }

    /// Says whether there was anything to answer.
    fn answer_due(&mut self) -> Result<bool, Failure> {
        let mut any = false;
        while let Some(answer) = self.desk.answer(self.turn)? {
            self.tls.answer(answer)?;
            any = true;
        }
        Ok(any)
    }

    /// Gives the engine what it takes of the waiting bytes, unless they are for later turns.
    fn feed(&mut self) -> bool {
        if self.is_async || self.waiting.is_empty() {
            return false;
        }
        let taken = self.tls.receive(&self.waiting);
        self.waiting.drain(..taken);
        taken > 0
    }

    fn feed_one(&mut self) {
        let Some(byte) = self.waiting.get(..1) else {
            return;
        };
        let taken = self.tls.receive(byte);
        self.waiting.drain(..taken);
    }

    /// Sends data, all of it.
    pub(crate) fn send(&mut self, mut data: &[u8]) -> Result<(), Failure> {
        while !data.is_empty() {
            let taken = self.tls.send(data)?;
            data = &data[taken..];
            self.flush()?;
            if taken == 0 {
                return Err(unmet("the engine takes no data though nothing waits"));
            }
        }
        Ok(())
    }

    /// What went over the wire so far.
    pub(crate) fn messages(&mut self) -> &Messages {
        self.messages.add(self.tls.take_trace());
        &self.messages
    }

    /// From here on only so many bytes are written, until it is called again.
    pub(crate) fn limit_writes(&mut self, limit: Option<usize>) {
        self.may_write = limit;
    }

    /// Writes the engine's output.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let pending = self.tls.output();
        let n = pending.len().min(self.may_write.unwrap_or(usize::MAX));
        self.socket.write_all(&pending[..n])?;
        self.tls.consume_output(n);
        if let Some(limit) = &mut self.may_write {
            *limit -= n;
        }
        Ok(())
    }

    /// Ends the stream, and takes what the peer still sends, lest a reset outruns the last bytes.
    pub(crate) fn finish(mut self) {
        // The connection is over; a peer that is gone already changes nothing.
        let _ = self.flush();
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(DRAIN));
        let mut buffer = [0; READ_SIZE];
        while matches!(self.socket.read(&mut buffer), Ok(n) if n > 0) {}
    }
}

fn open(run: &Run) -> Result<TcpStream, Failure> {
    let address = if run.ipv6 {
        SocketAddr::from((Ipv6Addr::LOCALHOST, run.port))
    } else {
        SocketAddr::from((Ipv4Addr::LOCALHOST, run.port))
    };
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.write_all(&run.shim_id.to_le_bytes())?;
    Ok(socket)
}
