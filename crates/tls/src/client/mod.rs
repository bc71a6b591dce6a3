//! The client's side.
//!
//! A connection is always in one [`State`]: `Expect…` waits for a message of the peer, `Await…` for
//! the answer to a need. A state's handler consumes it and returns the next one, so a state that is
//! gone cannot be used. The legal order, up to where the versions part:
//!
//! ```text
//! AwaitSession ─ClientSession─▶ AwaitSessionPeer ─▶ ExpectServerHello ─┬─ServerHello─▶ tls13::State or tls12::State
//!                                                        ▲             └─HelloRetryRequest─┐
//!                                                        └──────────second ClientHello─────┘
//! ```
//!
//! `AwaitSession` is left out where sessions are not resumed, `AwaitSessionPeer` where there is none.

mod client_hello;
mod offer_session;
mod server_hello;
mod tls12;
mod tls13;

use std::sync::Arc;

pub(crate) use client_hello::Hello;
use offer_session::{AwaitSession, AwaitSessionPeer};
use server_hello::ExpectServerHello;

use crate::common::Common;
use crate::config::{ClientConfig, Limits};
use crate::connection::ClientConnection;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::peer_name::PeerName;
use crate::role::{self, Client, Machine, PostHandshake, UNASKED};
use crate::time::UnixTime;

/// What a handler works with beside its own state.
pub(crate) type Context<'a> = role::Context<'a, ClientConfig>;

impl ClientConnection {
    /// A connection to the server of this name. Without [`ClientConfig::resumption`] the ClientHello is
    /// in the output at once; with it, when the [`OfferSessionNeed`](crate::OfferSessionNeed), which the
    /// first step returns, is answered.
    ///
    /// # Errors
    /// [`Error::Config`] for a configuration with which nothing can be offered; no randomness.
    pub fn new(config: Arc<ClientConfig>, server: PeerName) -> Result<Self, Error> {
        client_hello::check(&config)?;
        let mut common = Common::new(&config.limits, config.trace, config.key_log);
        common.writer().begin_with_client_hello();
        let mut cx = Context {
            common: &mut common,
            config: &config,
            // Time matters to sessions alone.
            now: UnixTime::default(),
        };
        let state = offer_session::start(server, &mut cx)?;
        common.flush()?;
        Ok(Self::in_state(config, common, state))
    }
}

/// Where the handshake is.
pub(crate) enum State {
    AwaitSession(Box<AwaitSession>),
    AwaitSessionPeer(Box<AwaitSessionPeer>),
    ExpectServerHello(Box<ExpectServerHello>),
    Tls13(tls13::State),
    Tls12(tls12::State),
}

impl Machine for Client {
    const NAME: &'static str = "client";
    type Config = ClientConfig;
    type State = State;

    fn limits(config: &ClientConfig) -> &Limits {
        &config.limits
    }

    fn handle(state: State, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        match state {
            // Input waits while these wait for their need.
            State::AwaitSession(_) | State::AwaitSessionPeer(_) => Err(incoming.unexpected()),
            State::ExpectServerHello(state) => state.handle(incoming, cx),
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
            State::AwaitSession(state) => match answer {
                AnswerValue::OfferSession(answer) => state.answered(answer, cx),
                _ => Err(UNASKED),
            },
            State::AwaitSessionPeer(state) => match answer {
                AnswerValue::PeerCertificate(answer) => state.answered(answer, cx),
                _ => Err(UNASKED),
            },
            State::ExpectServerHello(_) => Err(UNASKED),
            State::Tls13(state) => state.answered(id, answer, cx).map(State::Tls13),
            State::Tls12(state) => state.answered(id, answer, cx).map(State::Tls12),
        }
    }

    fn post_handshake(state: &mut State) -> PostHandshake<'_> {
        match state {
            State::Tls13(state) => state.post_handshake(),
            State::Tls12(state) => state.post_handshake(),
            State::AwaitSession(_) | State::AwaitSessionPeer(_) | State::ExpectServerHello(_) => {
                PostHandshake::NotYet
            }
        }
    }
}
