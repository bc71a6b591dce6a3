//! TLS 1.2 (RFC 5246), the server's side. The files in the order of the wire:
//!
//! | | message | file |
//! |---|---|---|
//! | ← | ClientHello | [`client_hello`] |
//! | | *need: session*, if one is offered | [`resumption`] |
//! | → | ServerHello | [`server_hello`] |
//! | → | Certificate, CertificateStatus | [`certificate`] |
//! | | *need: key operation*, for ECDHE | [`server_key_exchange`] |
//! | → | ServerKeyExchange, for ECDHE | [`server_key_exchange`] |
//! | → | ServerHelloDone | [`server_hello_done`] |
//! | ← | ClientKeyExchange | [`client_key_exchange`] |
//! | | *need: key operation*, for RSA key transport | [`client_key_exchange`] |
//! | ← | change_cipher_spec | [`change_cipher_spec`] |
//! | ← | Finished | [`finished`] |
//! | | *need: new session* | [`new_session_ticket`] |
//! | → | NewSessionTicket | [`new_session_ticket`] |
//! | → | change_cipher_spec, Finished | [`finished`] |
//! | ↔ | application data | [`traffic`] |
//!
//! A resumed handshake goes from ServerHello to our change_cipher_spec and Finished, and then to the
//! client's.

mod certificate;
mod change_cipher_spec;
mod client_hello;
mod client_key_exchange;
mod finished;
mod new_session_ticket;
mod resumption;
mod server_hello;
mod server_hello_done;
mod server_key_exchange;
mod traffic;

use change_cipher_spec::ExpectChangeCipherSpec;
pub(crate) use client_hello::start;
use client_key_exchange::{AwaitMasterSecret, ExpectClientKeyExchange};
use finished::ExpectFinished;
use new_session_ticket::AwaitNewSession;
use resumption::AwaitSession;
use server_key_exchange::AwaitSignature;
use traffic::ExpectTraffic;

use super::Context;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::role::{PostHandshake, UNASKED};

/// Where a TLS 1.2 handshake is. The legal order:
///
/// ```text
/// ECDHE:   AwaitSession ─▶ AwaitSignature ─▶ ExpectClientKeyExchange ─▶ ExpectChangeCipherSpec ─▶ …
/// RSA:     AwaitSession ─▶ ExpectClientKeyExchange ─▶ AwaitMasterSecret ─▶ ExpectChangeCipherSpec ─▶ …
/// resumed: AwaitSession ─▶ ExpectChangeCipherSpec ─▶ ExpectFinished ─▶ ExpectTraffic
///
/// … ExpectFinished ─▶ AwaitNewSession ─▶ ExpectTraffic
/// ```
///
/// `AwaitSession` is left out where no session is offered, `AwaitNewSession` where none can be named.
pub(crate) enum State {
    AwaitSession(Box<AwaitSession>),
    AwaitSignature(Box<AwaitSignature>),
    ExpectClientKeyExchange(Box<ExpectClientKeyExchange>),
    AwaitMasterSecret(Box<AwaitMasterSecret>),
    ExpectChangeCipherSpec(Box<ExpectChangeCipherSpec>),
    ExpectFinished(Box<ExpectFinished>),
    AwaitNewSession(Box<AwaitNewSession>),
    ExpectTraffic(ExpectTraffic),
}

impl State {
    pub(crate) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<Self, Error> {
        match self {
            // Input waits while these wait for their need.
            Self::AwaitSession(_)
            | Self::AwaitSignature(_)
            | Self::AwaitMasterSecret(_)
            | Self::AwaitNewSession(_) => Err(incoming.unexpected()),
            Self::ExpectClientKeyExchange(state) => state.handle(incoming, cx),
            Self::ExpectChangeCipherSpec(state) => state.handle(incoming, cx),
            Self::ExpectFinished(state) => state.handle(incoming, cx),
            Self::ExpectTraffic(state) => state.handle(incoming, cx),
        }
    }

    pub(crate) fn answered(
        self,
        _id: NeedId,
        answer: AnswerValue,
        cx: &mut Context<'_>,
    ) -> Result<Self, Error> {
        match (self, answer) {
            (Self::AwaitSession(state), AnswerValue::Session(answer)) => state.answered(answer, cx),
            (Self::AwaitSignature(state), AnswerValue::KeyOperation(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitMasterSecret(state), AnswerValue::KeyOperation(answer)) => {
                state.answered(answer)
            }
            (Self::AwaitNewSession(state), AnswerValue::NewSession(answer)) => {
                state.answered(answer, cx)
            }
            _ => Err(UNASKED),
        }
    }

    pub(crate) fn post_handshake(&self) -> PostHandshake<'_> {
        match self {
            Self::ExpectTraffic(_) => PostHandshake::Tls12,
            _ => PostHandshake::NotYet,
        }
    }
}
