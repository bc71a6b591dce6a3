//! The connection as its caller sees it, the same for both roles.

use std::fmt;
use std::sync::Arc;

use keyward_wire::alert::Alert;
use keyward_wire::values::AlertDescription;
use rustls_pki_types::CertificateDer;

use crate::common::{Common, Received};
use crate::error::{Error, Misuse};
use crate::key_log::KeyLogLine;
use crate::needs::{Answer, Need};
use crate::negotiated::Negotiated;
use crate::role::{Client, Context, PostHandshake, Role, Server};
use crate::session::ClientSession;
use crate::time::UnixTime;
use crate::trace::TraceEvent;

/// One side of one TLS connection. The [crate's page](crate) shows how it is driven.
pub struct Connection<R: Role> {
    pub(crate) config: Arc<R::Config>,
    pub(crate) common: Common,
    /// `None` while a handler has it, and once the connection has failed.
    pub(crate) state: Option<R::State>,
    end: Option<End>,
    eof: bool,
}

/// The server's side of a connection.
pub type ServerConnection = Connection<Server>;

/// The client's side of a connection.
pub type ClientConnection = Connection<Client>;

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
    /// The handshake is complete, once: data may be sent. Once more for each renegotiation, which is
    /// there under [`Policy::renegotiation`](crate::Policy) alone.
    HandshakeComplete,
    /// Data has come. No further record is opened before it is read.
    Data,
    /// The server has given the client a session, to be kept for the next connection to the same name:
    /// see [`OfferSessionNeed`](crate::OfferSessionNeed).
    SessionReceived(Box<ClientSession>),
    /// The peer has sent close_notify, once: it will send no more, and may still receive.
    PeerClosed,
    /// Both sides have closed, or ours has aborted. Write the output and close the socket.
    Closed,
}

impl<R: Role> Connection<R> {
    pub(crate) fn in_state(config: Arc<R::Config>, common: Common, state: R::State) -> Self {
        Self {
            config,
            common,
            state: Some(state),
            end: None,
            eof: false,
        }
    }

    /// Takes bytes from the peer, and says how many. Fewer than given: step, and give it the rest before the
    /// socket is read again. None: the buffer is full until an answer or [`read`](Self::read) makes room. Bytes for
    /// a connection that has ended, or that the peer has closed, are taken and dropped.
    ///
    /// Fewer is usual in bulk data: a record that is in `bytes` as a whole is decrypted from there, and the data alone is
    /// kept. So give it pieces that hold whole records, 32 KiB or more, and it is spared a copy.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        if self.end.is_some() || self.common.peer_closed {
            return bytes.len();
        }
        self.common.receive(bytes)
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
        let failure = match &step {
            Err(error) => Some(error.clone()),
            // RFC 9846 §4.7.3: a peer that asks several times for a KeyUpdate while we are silent gets "a single
            // update": when there is nothing more to look at.
            Ok(_) => self.pay_key_update().err(),
        };
        match failure {
            None => step,
            Some(error) => {
                self.fail(error.clone());
                Err(error)
            }
        }
    }

    fn advance(&mut self, now: UnixTime) -> Result<Step, Error> {
        loop {
            if let Some((id, answer)) = self.common.needs.take_answered() {
                self.common
                    .trace
                    .push(TraceEvent::NeedAnswered(answer.kind()));
                self.with_state(now, |state, cx| R::answered(state, id, answer, cx))?;
                continue;
            }
            self.common.flush()?;
            if self.common.take_just_complete() {
                return Ok(Step::HandshakeComplete);
            }
            if let Some(session) = self.common.received_session.take() {
                return Ok(Step::SessionReceived(session));
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
                    self.with_state(now, |state, cx| R::handle(state, incoming, cx))?;
                }
                Received::Progress if self.common.peer_closed => return Ok(Step::PeerClosed),
                Received::Progress => {
                    if let PostHandshake::Tls13(traffic) = post_handshake::<R>(&mut self.state) {
                        traffic.received_record(&mut self.common)?;
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
        handler: impl FnOnce(R::State, &mut Context<'_, R::Config>) -> Result<R::State, Error>,
    ) -> Result<(), Error> {
        let state = self
            .state
            .take()
            .ok_or(Error::Internal("a handler went away with the state"))?;
        let mut cx = Context {
            common: &mut self.common,
            config: &*self.config,
            now,
        };
        self.state = Some(handler(state, &mut cx)?);
        Ok(())
    }

    /// Sends the KeyUpdate that the peer asked for, unless so much waits to be sent that the peer, who
    /// does not read, can wait for it as well.
    fn pay_key_update(&mut self) -> Result<(), Error> {
        if self.common.closed
            || self.common.output.pending().len() >= R::limits(&self.config).output
        {
            return Ok(());
        }
        match post_handshake::<R>(&mut self.state) {
            PostHandshake::Tls13(traffic) => traffic.pay_key_update(&mut self.common),
            PostHandshake::Tls12 | PostHandshake::NotYet => Ok(()),
        }
    }

    /// Why the connection has failed, if it has.
    pub(crate) fn failure(&self) -> Option<&Error> {
        match &self.end {
            Some(End::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether nothing more comes of it, for whatever reason.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    pub(crate) fn fail(&mut self, error: Error) {
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

    fn say_why(&mut self, description: AlertDescription) -> Result<(), Error> {
        if description != AlertDescription::USER_CANCELED || self.common.closed {
            return self.say_last(Alert::fatal(description));
        }
        // RFC 9846 §6.1: "This alert MUST be followed by a "close_notify". This alert generally has
        // AlertLevel=warning."
        self.common.send_alert(Alert::warning(description))?;
        self.say_last(Alert::warning(AlertDescription::CLOSE_NOTIFY))
    }

    /// Drops everything but the output.
    fn finish(&mut self, end: End) {
        self.state = None;
        self.common.needs.clear();
        self.common.received_session = None;
        self.common.early_data_to_send = 0;
        self.common.input.consume_plaintext(usize::MAX);
        self.common.input.discard_unopened();
        self.common.input.shrink();
        self.common.forget_keys();
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
    /// sent. Takes nothing before the handshake is complete, but for a TLS 1.3 server that has sent its
    /// Finished and has asked the client for no certificate: it may answer early data at once, or speak
    /// first (RFC 9846 §2). Until the handshake is complete it speaks to a client that has shown no more
    /// than that it has the session's key, or in a full handshake nothing.
    ///
    /// # Errors
    /// The connection has failed, or [`Error::KeyExhausted`]. After [`close`](Self::close) or
    /// [`abort`](Self::abort) nothing can be sent: [`Error::Aborted`] with `close_notify` or the alert.
    pub fn send(&mut self, plaintext: &[u8]) -> Result<usize, Error> {
        if let Some(error) = self.failure() {
            return Err(error.clone());
        }
        if self.common.closed {
            return Err(Error::Aborted(AlertDescription::CLOSE_NOTIFY));
        }
        if !self.common.may_send() {
            return Ok(0);
        }
        let mut sent = 0;
        let outcome = loop {
            // Before the handshake is complete a key is not changed: the rest waits until then.
            if !self.common.is_handshake_complete() && self.common.writer().is_exhausted() {
                break Ok(sent);
            }
            if let Err(error) = self.prepare_to_send() {
                break Err(error);
            }
            let limit = R::limits(&self.config).output;
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
        match post_handshake::<R>(&mut self.state) {
            PostHandshake::Tls13(traffic) => traffic.update_write_keys(&mut self.common, false),
            PostHandshake::Tls12 | PostHandshake::NotYet => Err(Error::KeyExhausted),
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

    /// Ends the connection at once, with an alert: the handshake took too long (`user_canceled`), the
    /// server stops.
    pub fn abort(&mut self, description: AlertDescription) {
        if self.end.is_none() {
            // The connection is over; an alert that cannot be sent changes nothing.
            let _ = self.say_why(description);
            self.finish(End::Aborted);
        }
    }

    /// Changes the keys that protect what we send (TLS 1.3 KeyUpdate), and asks the peer to do the
    /// same if `request_peer`. The engine does so by itself before a key is used too often.
    pub fn update_keys(&mut self, request_peer: bool) -> Result<(), Misuse> {
        if self.common.closed || self.end.is_some() {
            return Err(Misuse::Closed);
        }
        match post_handshake::<R>(&mut self.state) {
            PostHandshake::Tls13(traffic) if !traffic.may_update() => Err(Misuse::NoKeyUpdate),
            PostHandshake::Tls13(traffic) => traffic
                .update_write_keys(&mut self.common, request_peer)
                .map_err(|error| {
                    self.fail(error);
                    Misuse::Closed
                }),
            PostHandshake::Tls12 => Err(Misuse::NoKeyUpdate),
            PostHandshake::NotYet => Err(Misuse::HandshakeIncomplete),
        }
    }

    /// What was negotiated: complete with the handshake, and there from the moment that the
    /// ServerHello is fixed.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.common.negotiated.as_ref()
    }

    /// The peer's certificates, the leaf first: as they came in this handshake, or, where it resumed a
    /// session, in the one that began the session. Empty for a peer without. They prove nothing
    /// before the handshake is complete.
    ///
    /// A renegotiation in TLS 1.2, which only a policy that says so allows, may change them, or leave the
    /// peer without: read them again at every [`Step::HandshakeComplete`](crate::Step::HandshakeComplete),
    /// and decide nothing by what was read before it.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        match &self.common.negotiated {
            Some(negotiated) => &negotiated.peer_certificates,
            None => &[],
        }
    }

    /// Whether the handshake is complete.
    pub fn is_handshake_complete(&self) -> bool {
        self.common.is_handshake_complete()
    }

    /// Takes the secrets since the last call, if the configuration has `key_log` set.
    pub fn take_key_log(&mut self) -> Vec<KeyLogLine> {
        self.common.key_log.take()
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

fn post_handshake<R: Role>(state: &mut Option<R::State>) -> PostHandshake<'_> {
    match state {
        Some(state) => R::post_handshake(state),
        None => PostHandshake::NotYet,
    }
}

impl<R: Role> fmt::Debug for Connection<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &R::NAME)
            .field("handshake_complete", &self.is_handshake_complete())
            .field("negotiated", &self.common.negotiated)
            .field("closed", &self.common.closed)
            .finish_non_exhaustive()
    }
}
