//! The connection as its caller sees it.

use std::fmt;
use std::sync::Arc;

use keyward_wire::alert::Alert;
use keyward_wire::values::AlertDescription;

use super::client_hello::ExpectClientHello;
use super::{Context, State};
use crate::common::{Common, Received};
use crate::config::ServerConfig;
use crate::error::{Error, Misuse};
use crate::needs::{Answer, Need};
use crate::negotiated::Negotiated;
use crate::time::UnixTime;
use crate::trace::TraceEvent;

/// The server's side of one TLS connection. The [crate's page](crate) shows how it is driven.
pub struct ServerConnection {
    config: Arc<ServerConfig>,
    common: Common,
    /// `None` while a handler has it, and once the connection has failed.
    state: Option<State>,
    end: Option<End>,
    eof: bool,
}

/// How the connection ended, if not in good order.
enum End {
    Failed(Error),
    Aborted,
}

/// What a step led to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Nothing more can be done for now: feed bytes, write the output, or answer the open needs.
    Blocked,
    /// Somebody has to answer this.
    Need(Need),
    /// The handshake is complete, once: data may be sent.
    HandshakeComplete,
    /// Data has come. No further record is opened before it is read.
    Data,
    /// The peer has sent close_notify, once: it will send no more, and may still receive.
    PeerClosed,
    /// Both sides have closed, or ours has aborted. Write the output and close the socket.
    Closed,
}

impl ServerConnection {
    /// A connection that waits for a ClientHello.
    pub fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        Ok(Self {
            common: Common::new(&config),
            state: Some(State::ExpectClientHello(Box::new(ExpectClientHello))),
            end: None,
            eof: false,
            config,
        })
    }

    /// Takes bytes from the peer, and says how many. Fewer than given: the buffer is full, and the
    /// socket should not be read before a step has made room. Bytes for a connection that has
    /// ended, or that the peer has closed, are taken and dropped.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        if self.end.is_some() || self.common.peer_closed {
            return bytes.len();
        }
        self.common.input.receive(bytes)
    }

    /// The peer's stream has ended. Without a close_notify before it, the next step that has nothing
    /// else left fails with [`Error::PeerTruncated`].
    pub fn receive_eof(&mut self) {
        self.eof = true;
    }

    /// Goes on as far as possible, and returns the first thing that the caller should know. Call it
    /// again until it returns [`Step::Blocked`] or [`Step::Closed`].
    ///
    /// # Errors
    /// The connection has failed. The alert for the peer, if there is one, is in the output; further
    /// steps return the same error.
    pub fn step(&mut self, now: UnixTime) -> Result<Step, Error> {
        match &self.end {
            Some(End::Failed(error)) => return Err(error.clone()),
            Some(End::Aborted) => return Ok(Step::Closed),
            None => {}
        }
        let step = self.advance(now);
        if let Err(error) = &step {
            self.fail(error.clone());
        }
        step
    }

    fn advance(&mut self, now: UnixTime) -> Result<Step, Error> {
        loop {
            if let Some((id, answer)) = self.common.needs.take_answered() {
                self.common
                    .trace
                    .push(TraceEvent::NeedAnswered(answer.kind()));
                self.with_state(now, |state, cx| state.answered(id, answer, cx))?;
                continue;
            }
            self.common.flush()?;
            self.pay_key_update()?;
            if self.common.take_just_complete() {
                return Ok(Step::HandshakeComplete);
            }
            if let Some(need) = self.common.needs.hand_out() {
                return Ok(Step::Need(need));
            }
            if !self.common.input.plaintext().is_empty() {
                return Ok(Step::Data);
            }
            if self.common.needs.is_blocking() {
                return Ok(Step::Blocked);
            }
            if self.common.peer_closed {
                return Ok(if self.common.closed {
                    Step::Closed
                } else {
                    Step::Blocked
                });
            }
            match self.common.receive_next()? {
                Received::Message(incoming) => {
                    self.with_state(now, |state, cx| state.handle(incoming, cx))?;
                }
                Received::Progress if self.common.peer_closed => return Ok(Step::PeerClosed),
                Received::Progress => {
                    if let Some(State::Tls13(state)) = &mut self.state {
                        state.received_record(&mut self.common)?;
                    }
                }
                Received::Nothing if self.eof => return Err(Error::PeerTruncated),
                Received::Nothing => return Ok(Step::Blocked),
            }
        }
    }

    fn with_state(
        &mut self,
        now: UnixTime,
        handler: impl FnOnce(State, &mut Context<'_>) -> Result<State, Error>,
    ) -> Result<(), Error> {
        let state = self
            .state
            .take()
            .ok_or(Error::Internal("a handler went away with the state"))?;
        let mut cx = Context {
            common: &mut self.common,
            config: &self.config,
            now,
        };
        self.state = Some(handler(state, &mut cx)?);
        Ok(())
    }

    /// Sends the KeyUpdate that the peer asked for, unless so much waits to be sent that the peer, who
    /// does not read, can wait for it as well.
    fn pay_key_update(&mut self) -> Result<(), Error> {
        if self.common.closed || self.common.output.pending().len() >= self.config.limits.output {
            return Ok(());
        }
        match &mut self.state {
            Some(State::Tls13(state)) => state.pay_key_update(&mut self.common),
            _ => Ok(()),
        }
    }

    fn fail(&mut self, error: Error) {
        if let Some(description) = error.alert() {
            // The connection is over; an alert that cannot be sent changes nothing.
            let _ = self.say_last(Alert::fatal(description));
        }
        self.finish(End::Failed(error));
    }

    fn say_last(&mut self, alert: Alert) -> Result<(), Error> {
        if self.common.closed {
            return Ok(());
        }
        self.common.closed = true;
        self.common.send_alert(alert)
    }

    /// Drops everything but the output.
    fn finish(&mut self, end: End) {
        self.state = None;
        self.common.needs.clear();
        self.common.input.consume_plaintext(usize::MAX);
        self.common.input.discard_unopened();
        self.common.input.shrink();
        self.end = Some(end);
    }

    /// Answers a need. The next step goes on with it.
    ///
    /// # Errors
    /// [`Misuse`] if the need is not open, is of another connection or kind, or has its answer
    /// already. The connection is unharmed.
    pub fn answer(&mut self, answer: Answer) -> Result<(), Misuse> {
        self.common.needs.answer(answer)
    }

    /// Bytes for the peer.
    pub fn output(&self) -> &[u8] {
        self.common.output.pending()
    }

    /// Marks the first `n` bytes of [`output`](Self::output) as sent.
    pub fn consume_output(&mut self, n: usize) {
        self.common.output.consume(n);
    }

    /// Encrypts data for the peer into the output. Takes less than all of it, and at last nothing,
    /// when [`Limits::output`](crate::Limits::output) is reached: call again when output has been
    /// sent. Takes nothing before the handshake is complete.
    ///
    /// # Errors
    /// The connection has failed, or [`Error::KeyExhausted`]. After [`close`](Self::close) or
    /// [`abort`](Self::abort) nothing can be sent: [`Error::Aborted`] with `close_notify` or the alert.
    pub fn send(&mut self, plaintext: &[u8]) -> Result<usize, Error> {
        if let Some(End::Failed(error)) = &self.end {
            return Err(error.clone());
        }
        if self.common.closed {
            return Err(Error::Aborted(AlertDescription::CLOSE_NOTIFY));
        }
        if !self.common.is_handshake_complete() {
            return Ok(0);
        }
        let mut sent = 0;
        let outcome = loop {
            if let Err(error) = self.prepare_to_send() {
                break Err(error);
            }
            let limit = self.config.limits.output;
            match self.common.send_data(&plaintext[sent..], limit) {
                Ok(0) => break Ok(sent),
                Ok(more) => sent += more,
                Err(error) => break Err(error),
            }
            if sent == plaintext.len() {
                break Ok(sent);
            }
        };
        if let Err(error) = &outcome {
            self.fail(error.clone());
        }
        outcome
    }

    /// Changes the keys if the peer has asked for it or they are used up.
    fn prepare_to_send(&mut self) -> Result<(), Error> {
        self.common.flush()?;
        self.pay_key_update()?;
        if !self.common.writer().is_exhausted() {
            return Ok(());
        }
        match &mut self.state {
            Some(State::Tls13(state)) => state
                .update_keys(&mut self.common, false)?
                .map_err(|_| Error::Internal("no KeyUpdate where data flows")),
            _ => Err(Error::KeyExhausted),
        }
    }

    /// How many bytes of data can be read now.
    pub fn readable(&self) -> usize {
        self.common.input.plaintext().len()
    }

    /// The data that can be read now, without a copy; [`consume_readable`](Self::consume_readable)
    /// marks it as read.
    pub fn peek(&self) -> &[u8] {
        self.common.input.plaintext()
    }

    /// Marks the first `n` bytes of [`peek`](Self::peek) as read.
    pub fn consume_readable(&mut self, n: usize) {
        self.common.input.consume_plaintext(n);
    }

    /// Reads data; returns how many bytes. 0 says that there is none now, not that there will be none.
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        let data = self.common.input.plaintext();
        let n = data.len().min(buf.len());
        buf[..n].copy_from_slice(&data[..n]);
        self.common.input.consume_plaintext(n);
        n
    }

    /// Says with close_notify that we send no more. What the peer still sends can be read (RFC 9846
    /// §6.1). Before the handshake is complete this ends the connection.
    pub fn close(&mut self) {
        if self.end.is_some() {
            return;
        }
        let alert = Alert::warning(AlertDescription::CLOSE_NOTIFY);
        if let Err(error) = self.say_last(alert) {
            self.finish(End::Failed(error));
        } else if !self.common.is_handshake_complete() {
            self.finish(End::Aborted);
        }
    }

    /// Ends the connection at once, with an alert: the handshake took too long, the server stops.
    pub fn abort(&mut self, description: AlertDescription) {
        if self.end.is_none() {
            // The connection is over; an alert that cannot be sent changes nothing.
            let _ = self.say_last(Alert::fatal(description));
            self.finish(End::Aborted);
        }
    }

    /// Changes the keys that protect what we send (TLS 1.3 KeyUpdate), and asks the peer to do the
    /// same if `request_peer`. The engine does so by itself before a key is used too often.
    pub fn update_keys(&mut self, request_peer: bool) -> Result<(), Misuse> {
        if self.common.closed || self.end.is_some() {
            return Err(Misuse::Closed);
        }
        let outcome = match &mut self.state {
            Some(State::Tls13(state)) => state.update_keys(&mut self.common, request_peer),
            Some(State::Tls12(_)) if self.common.is_handshake_complete() => {
                return Err(Misuse::NoKeyUpdate);
            }
            _ => return Err(Misuse::HandshakeIncomplete),
        };
        match outcome {
            Ok(done) => done,
            Err(error) => {
                self.fail(error);
                Err(Misuse::Closed)
            }
        }
    }

    /// What was negotiated: complete with the handshake, and there from the moment that the
    /// ServerHello is fixed.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.common.negotiated.as_ref()
    }

    /// Whether the handshake is complete.
    pub fn is_handshake_complete(&self) -> bool {
        self.common.is_handshake_complete()
    }

    /// Takes the events since the last call.
    pub fn take_trace(&mut self) -> Vec<TraceEvent> {
        self.common.trace.take()
    }

    /// Gives back what buffers hold beyond their content. Call it when a connection falls idle.
    pub fn release_buffers(&mut self) {
        self.common.shrink();
    }
}

impl fmt::Debug for ServerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConnection")
            .field("handshake_complete", &self.is_handshake_complete())
            .field("negotiated", &self.common.negotiated)
            .field("closed", &self.common.closed)
            .finish_non_exhaustive()
    }
}
