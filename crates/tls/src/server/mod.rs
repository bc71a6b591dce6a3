//! The server's side.
//!
//! A connection is always in one [`State`]: `Expect…` waits for a message of the peer, `Await…` for
//! the answer to a need. A state's handler consumes it and returns the next one, so a state that is
//! gone cannot be used. The legal order, up to where the versions part:
//!
//! ```text
//! ExpectClientHello ─ClientHello─▶ AwaitCertificate ─CertificateAnswer─▶ tls13::State or tls12::State
//! ```

mod client_hello;
mod negotiation;
mod tls12;
mod tls13;

use std::sync::Arc;

use client_hello::{AwaitCertificate, ExpectClientHello};

use crate::common::Common;
use crate::config::{Limits, ServerConfig};
use crate::connection::ServerConnection;
use crate::error::{Error, Misuse};
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::role::{self, Machine, PostHandshake, Server, UNASKED};

/// What a handler works with beside its own state.
pub(crate) type Context<'a> = role::Context<'a, ServerConfig>;

impl ServerConnection {
    /// A connection that waits for a ClientHello.
    pub fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        let common = Common::new(&config.limits, config.trace, config.key_log);
        let state = State::ExpectClientHello(Box::new(ExpectClientHello));
        Ok(Self::in_state(config, common, state))
    }

    /// Asks a TLS 1.2 client for another handshake on this connection, for which
    /// [`Policy::renegotiation`](crate::Policy) has to be on: what the first left out, a client's
    /// certificate, needs a site that asks for it from the start. The request leaves with the next step;
    /// the client may refuse it with a warning, or not answer it at all. When it agrees, data flows on
    /// meanwhile, and [`Step::HandshakeComplete`](crate::Step) comes once more.
    ///
    /// # Errors
    /// [`Misuse::NoRenegotiation`] where there can be none.
    pub fn request_renegotiation(&mut self) -> Result<(), Misuse> {
        match &self.state {
            Some(State::Tls12(state)) => state.request_renegotiation(&mut self.common),
            _ => Err(Misuse::NoRenegotiation),
        }
    }

    /// Whether the data that can be read now is early data (RFC 9846 §2.3): it may be a replay of what
    /// another connection has received already, unless the register behind
    /// [`EarlyDataNeed`](crate::EarlyDataNeed) is shared by all servers; and the client that sent it has shown
    /// that it has the session's key, but not that it is there.
    pub fn is_early(&self) -> bool {
        self.common.is_early()
    }
}

/// Where the handshake is.
pub(crate) enum State {
    ExpectClientHello(Box<ExpectClientHello>),
    AwaitCertificate(Box<AwaitCertificate>),
    Tls13(tls13::State),
    Tls12(tls12::State),
}

impl Machine for Server {
    const NAME: &'static str = "server";
    type Config = ServerConfig;
    type State = State;

    fn limits(config: &ServerConfig) -> &Limits {
        &config.limits
    }

    fn handle(state: State, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        match state {
            State::ExpectClientHello(state) => state.handle(incoming, cx),
            State::AwaitCertificate(_) => Err(incoming.unexpected()),
            State::Tls13(state) => state.handle(incoming, cx).map(State::Tls13),
            State::Tls12(state) => state.handle(incoming, cx).map(State::Tls12),
        }
    }

    fn answered(
        state: State,
        id: NeedId,
        answer: AnswerValue,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        match state {
            State::ExpectClientHello(_) => Err(UNASKED),
            State::AwaitCertificate(state) => match answer {
                AnswerValue::Certificate(answer) => state.answered(answer, cx),
                _ => Err(UNASKED),
            },
            State::Tls13(state) => state.answered(id, answer, cx).map(State::Tls13),
            State::Tls12(state) => state.answered(id, answer, cx).map(State::Tls12),
        }
    }

    fn post_handshake(state: &mut State) -> PostHandshake<'_> {
        match state {
            State::Tls13(state) => state.post_handshake(),
            State::Tls12(state) => state.post_handshake(),
            State::ExpectClientHello(_) | State::AwaitCertificate(_) => PostHandshake::NotYet,
        }
    }
}
