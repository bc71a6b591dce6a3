//! TLS 1.2 (RFC 5246), the server's side. The files in the order of the wire: ← comes from the client, →
//! goes to it, and at a *need* the handshake stops until the caller has answered
//! ([`needs`](crate::needs)).
//!
//! | | message | file |
//! |---|---|---|
//! | ← | ClientHello | [`super::client_hello`] |
//! | | *need: certificate*, whose answer has the policy, and so the version | [`super::client_hello`] |
//! | | the offers of TLS 1.2, checked | [`client_hello`] |
//! | | *need: session*, if one is offered | [`resumption`] |
//! | | *need: peer certificate*, if the client presented one when the session began | [`resumption`] |
//! | → | ServerHello | [`server_hello`], what it says chosen in [`choice`] |
//! | → | Certificate, CertificateStatus | [`certificate`] |
//! | | *need: key operation*, for ECDHE and DHE | [`server_key_exchange`] |
//! | → | ServerKeyExchange, for ECDHE and DHE | [`server_key_exchange`] |
//! | → | CertificateRequest, if the client is to authenticate itself | [`certificate_request`] |
//! | → | ServerHelloDone | [`server_hello_done`] |
//! | ← | Certificate, if it was asked for | [`client_certificate`] |
//! | ← | ClientKeyExchange | [`client_key_exchange`] |
//! | | *need: key operation*, for RSA key transport | [`client_key_exchange`] |
//! | ← | CertificateVerify, if the client has a certificate | [`client_certificate_verify`] |
//! | | *need: peer certificate*, if it has one | [`client_certificate_verify`] |
//! | ← | change_cipher_spec | [`change_cipher_spec`] |
//! | ← | Finished | [`finished`] |
//! | | *need: new session*, for a ticket or a session ID | [`new_session_ticket`] |
//! | → | NewSessionTicket, if the client takes tickets | [`new_session_ticket`] |
//! | → | change_cipher_spec, Finished | [`finished`] |
//! | ↔ | application data | [`traffic`] |
//! | ← | ClientHello, where the policy allows that | [`renegotiation`] |
//!
//! A resumed handshake goes from ServerHello to our change_cipher_spec and Finished, and then to the
//! client's.
//!
//! [`start`] is where this begins, [`State`] where a handshake can be. A state's file reads from its
//! `handle`, which takes the message that the state expects, or its `answered`, which takes the answer,
//! to the state that it returns.

mod certificate;
mod certificate_request;
mod change_cipher_spec;
mod choice;
mod client_certificate;
mod client_certificate_verify;
mod client_hello;
mod client_key_exchange;
mod finished;
mod new_session_ticket;
mod renegotiation;
mod resumption;
mod server_hello;
mod server_hello_done;
mod server_key_exchange;
mod traffic;

use change_cipher_spec::ExpectChangeCipherSpec;
use client_certificate::ExpectCertificate;
use client_certificate_verify::{AwaitPeerCertificate, ExpectCertificateVerify};
pub(crate) use client_hello::start;
use client_key_exchange::{AwaitMasterSecret, ExpectClientKeyExchange};
use finished::ExpectFinished;
use new_session_ticket::AwaitNewSession;
use resumption::{AwaitSession, AwaitSessionPeer};
use server_key_exchange::AwaitSignature;
use traffic::ExpectTraffic;

use super::Context;
use crate::common::Common;
use crate::error::{Error, Misuse};
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::role::{PostHandshake, UNASKED};

/// Where a TLS 1.2 handshake is. The legal order:
///
/// ```text
/// (EC)DHE: AwaitSession ─▶ AwaitSignature ─▶ ExpectCertificate ─▶ ExpectClientKeyExchange ─▶ …
/// RSA:     AwaitSession ─▶ ExpectCertificate ─▶ ExpectClientKeyExchange ─▶ AwaitMasterSecret ─▶ …
/// resumed: AwaitSession ─▶ AwaitSessionPeer ─▶ ExpectChangeCipherSpec ─▶ ExpectFinished ─▶ ExpectTraffic
///
/// … ExpectCertificateVerify ─▶ AwaitPeerCertificate ─▶ ExpectChangeCipherSpec ─▶ ExpectFinished
///     ─▶ AwaitNewSession ─▶ ExpectTraffic
/// ```
///
/// `AwaitSession` is left out where no session is offered, `AwaitSessionPeer` where the session's client presented no
/// certificate, `ExpectCertificate` where none is asked for,
/// `ExpectCertificateVerify` and `AwaitPeerCertificate` where none has come, and `AwaitNewSession` where
/// the session can have no name. `ExpectTraffic` goes back to the start, if the policy allows
/// renegotiation.
pub(crate) enum State {
    AwaitSession(Box<AwaitSession>),
    AwaitSessionPeer(Box<AwaitSessionPeer>),
    AwaitSignature(Box<AwaitSignature>),
    ExpectCertificate(Box<ExpectCertificate>),
    ExpectClientKeyExchange(Box<ExpectClientKeyExchange>),
    AwaitMasterSecret(Box<AwaitMasterSecret>),
    ExpectCertificateVerify(Box<ExpectCertificateVerify>),
    AwaitPeerCertificate(Box<AwaitPeerCertificate>),
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
            | Self::AwaitSessionPeer(_)
            | Self::AwaitSignature(_)
            | Self::AwaitMasterSecret(_)
            | Self::AwaitPeerCertificate(_)
            | Self::AwaitNewSession(_) => Err(incoming.unexpected()),
            Self::ExpectCertificate(state) => state.handle(incoming, cx),
            Self::ExpectCertificateVerify(state) => state.handle(incoming, cx),
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
            (Self::AwaitSessionPeer(state), AnswerValue::PeerCertificate(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitSignature(state), AnswerValue::KeyOperation(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitMasterSecret(state), AnswerValue::KeyOperation(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitPeerCertificate(state), AnswerValue::PeerCertificate(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitNewSession(state), AnswerValue::NewSession(answer)) => {
                state.answered(answer, cx)
            }
            _ => Err(UNASKED),
        }
    }

    /// Asks the client for another handshake, if there may be one.
    pub(crate) fn request_renegotiation(&self, common: &mut Common) -> Result<(), Misuse> {
        match self {
            Self::ExpectTraffic(state) => state.request(common),
            _ => Err(Misuse::NoRenegotiation),
        }
    }

    pub(crate) fn post_handshake(&self) -> PostHandshake<'_> {
        match self {
            Self::ExpectTraffic(_) => PostHandshake::Tls12,
            _ => PostHandshake::NotYet,
        }
    }
}
