//! TLS 1.3 (RFC 9846), the server's side. The files in the order of the wire:
//!
//! | | message | file |
//! |---|---|---|
//! | ← | ClientHello | [`client_hello`] |
//! | → | HelloRetryRequest, if the group has no share; ← ClientHello | [`hello_retry`] |
//! | | *need: session*, if one is offered | [`psk`] |
//! | → | ServerHello, change_cipher_spec for middleboxes | [`server_hello`] |
//! | → | EncryptedExtensions | [`encrypted_extensions`] |
//! | → | Certificate, unless resumed | [`certificate`] |
//! | | *need: key operation*, unless resumed | [`certificate_verify`] |
//! | → | CertificateVerify, unless resumed | [`certificate_verify`] |
//! | → | Finished | [`finished`] |
//! | ← | early data, refused and skipped | [`early_data`] |
//! | ← | Finished | [`finished`] |
//! | → | *need: new session*; NewSessionTicket | [`tickets`] |
//! | ↔ | application data, KeyUpdate | [`traffic`] |

mod certificate;
mod certificate_verify;
mod client_hello;
mod early_data;
mod encrypted_extensions;
mod finished;
mod hello_retry;
mod psk;
mod server_hello;
mod tickets;
mod traffic;

use certificate_verify::AwaitKeyOperation;
pub(crate) use client_hello::start;
use finished::ExpectFinished;
use hello_retry::ExpectSecondClientHello;
use psk::AwaitSession;
use traffic::ExpectTraffic;

use super::Context;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::role::{PostHandshake, UNASKED};

/// Where a TLS 1.3 handshake is. The legal order:
///
/// ```text
/// ClientHello ─┬─────────────────────────▶ AwaitSession ─▶ AwaitKeyOperation ─▶ ExpectFinished ─▶ ExpectTraffic
///              └▶ ExpectSecondClientHello ─┘            └──── resumed ─────────┘
/// ```
///
/// `AwaitSession` is left out where no session is offered.
pub(crate) enum State {
    ExpectSecondClientHello(Box<ExpectSecondClientHello>),
    AwaitSession(Box<AwaitSession>),
    AwaitKeyOperation(Box<AwaitKeyOperation>),
    ExpectFinished(Box<ExpectFinished>),
    ExpectTraffic(Box<ExpectTraffic>),
}

impl State {
    pub(crate) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<Self, Error> {
        match self {
            Self::ExpectSecondClientHello(state) => state.handle(incoming, cx),
            // Input waits while these wait for their need.
            Self::AwaitSession(_) | Self::AwaitKeyOperation(_) => Err(incoming.unexpected()),
            Self::ExpectFinished(state) => state.handle(incoming, cx),
            Self::ExpectTraffic(state) => state.handle(incoming, cx),
        }
    }

    pub(crate) fn answered(
        self,
        id: NeedId,
        answer: AnswerValue,
        cx: &mut Context<'_>,
    ) -> Result<Self, Error> {
        match (self, answer) {
            (Self::AwaitSession(state), AnswerValue::Session(answer)) => state.answered(answer, cx),
            (Self::AwaitKeyOperation(state), AnswerValue::KeyOperation(answer)) => {
                state.answered(answer, cx)
            }
            (Self::ExpectTraffic(state), AnswerValue::NewSession(answer)) => {
                state.ticket_answered(id, answer, cx)
            }
            _ => Err(UNASKED),
        }
    }

    pub(crate) fn post_handshake(&mut self) -> PostHandshake<'_> {
        match self {
            Self::ExpectTraffic(state) => PostHandshake::Tls13(&mut state.traffic),
            _ => PostHandshake::NotYet,
        }
    }
}
