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
mod connection;
mod negotiation;
mod tls12;
mod tls13;

use client_hello::{AwaitCertificate, ExpectClientHello};
pub use connection::{ServerConnection, Step};

use crate::common::Common;
use crate::config::ServerConfig;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::time::UnixTime;

/// Where the handshake is.
pub(crate) enum State {
    ExpectClientHello(Box<ExpectClientHello>),
    AwaitCertificate(Box<AwaitCertificate>),
    Tls13(tls13::State),
    Tls12(tls12::State),
}

/// What a handler works with beside its own state.
pub(crate) struct Context<'a> {
    pub(crate) common: &'a mut Common,
    pub(crate) config: &'a ServerConfig,
    pub(crate) now: UnixTime,
}

impl State {
    /// A message has come.
    fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<Self, Error> {
        match self {
            Self::ExpectClientHello(state) => state.handle(incoming, cx),
            Self::AwaitCertificate(_) => Err(incoming.unexpected()),
            Self::Tls13(state) => state.handle(incoming, cx).map(Self::Tls13),
            Self::Tls12(state) => state.handle(incoming, cx).map(Self::Tls12),
        }
    }

    /// A need has been answered. The kind of the answer is that of the need.
    fn answered(
        self,
        id: NeedId,
        answer: AnswerValue,
        cx: &mut Context<'_>,
    ) -> Result<Self, Error> {
        match self {
            Self::ExpectClientHello(_) => Err(UNASKED),
            Self::AwaitCertificate(state) => match answer {
                AnswerValue::Certificate(answer) => state.answered(answer, cx),
                _ => Err(UNASKED),
            },
            Self::Tls13(state) => state.answered(id, answer, cx).map(Self::Tls13),
            Self::Tls12(state) => state.answered(id, answer, cx).map(Self::Tls12),
        }
    }
}

/// An answer that the state has not asked for; the book of open needs does not let it through.
const UNASKED: Error = Error::Internal("an answer came to a state that has not asked for it");
