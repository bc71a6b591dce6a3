//! TLS 1.2 (RFC 5246), the client's side, from the ServerHello on. The files in the order of the wire: →
//! goes to the server, ← comes from it, and at a *need* the handshake stops until the caller has answered
//! ([`needs`](crate::needs)). What is before the ServerHello is one for both versions:
//! [`super::offer_session`], [`super::client_hello`] and [`super::server_hello`].
//!
//! | | message | file |
//! |---|---|---|
//! | ← | ServerHello | [`server_hello`] |
//! | ← | Certificate, CertificateStatus | [`certificate`] |
//! | ← | ServerKeyExchange, for ECDHE and DHE | [`server_key_exchange`] |
//! | ← | CertificateRequest, if we are to authenticate ourselves | [`certificate_request`] |
//! | ← | ServerHelloDone | [`server_hello_done`] |
//! | | *need: peer certificate* | [`server_hello_done`] |
//! | | *need: client certificate*, if it was asked for | [`client_certificate`] |
//! | → | Certificate, if it was asked for | [`client_certificate`] |
//! | → | ClientKeyExchange | [`client_key_exchange`] |
//! | | *need: key operation*, if we have a certificate | [`certificate_verify`] |
//! | → | CertificateVerify, if we have a certificate | [`certificate_verify`] |
//! | → | change_cipher_spec, Finished | [`finished`] |
//! | ← | NewSessionTicket, if the ServerHello promised one | [`new_session_ticket`] |
//! | ← | change_cipher_spec, Finished | [`finished`] |
//! | ↔ | application data | [`traffic`] |
//! | ← | HelloRequest, where the policy allows that | [`renegotiation`] |
//!
//! A resumed handshake ([`resumption`]) goes from ServerHello to NewSessionTicket and the server's
//! change_cipher_spec and Finished, and then to ours.
//!
//! [`start`] is where this begins, [`State`] where a handshake can be. A state's file reads from its
//! `handle`, which takes the message that the state expects, or its `answered`, which takes the answer,
//! to the state that it returns.

mod certificate;
mod certificate_request;
mod certificate_verify;
mod client_certificate;
mod client_key_exchange;
mod finished;
mod new_session_ticket;
mod renegotiation;
mod resumption;
mod server_hello;
mod server_hello_done;
mod server_key_exchange;
mod traffic;

use certificate::{ExpectCertificate, ExpectCertificateStatus};
use certificate_request::ExpectCertificateRequest;
use certificate_verify::AwaitSignature;
use client_certificate::AwaitClientCertificate;
use finished::{ExpectChangeCipherSpec, ExpectFinished};
use keyward_wire::handshake::HelloRequest;
use keyward_wire::values::HandshakeType;
use new_session_ticket::ExpectNewSessionTicket;
use renegotiation::ExpectServerHello;
pub(crate) use server_hello::start;
use server_hello_done::{AwaitPeerCertificate, ExpectServerHelloDone};
use server_key_exchange::ExpectServerKeyExchange;
use traffic::ExpectTraffic;

use super::Context;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::role::{PostHandshake, UNASKED};

/// Where a TLS 1.2 handshake is. The legal order:
///
/// ```text
/// full:    ExpectCertificate ─▶ ExpectCertificateStatus ─▶ ExpectServerKeyExchange
///          ─▶ ExpectCertificateRequest ─▶ ExpectServerHelloDone ─▶ AwaitPeerCertificate
///          ─▶ AwaitClientCertificate ─▶ AwaitSignature ─▶ …
/// … and resumed: ExpectNewSessionTicket ─▶ ExpectChangeCipherSpec ─▶ ExpectFinished ─▶ ExpectTraffic
/// ```
///
/// `ExpectCertificateStatus` and `ExpectNewSessionTicket` are left out where the ServerHello did not
/// announce the message, `ExpectServerKeyExchange` in RSA key transport, `AwaitClientCertificate` and
/// `AwaitSignature` where no certificate is asked for or there is none. `ExpectTraffic` goes on to
/// `ExpectServerHello`, if the server asks for a renegotiation and the policy allows it.
pub(crate) enum State {
    ExpectServerHello(Box<ExpectServerHello>),
    ExpectCertificate(Box<ExpectCertificate>),
    ExpectCertificateStatus(Box<ExpectCertificateStatus>),
    ExpectServerKeyExchange(Box<ExpectServerKeyExchange>),
    ExpectCertificateRequest(Box<ExpectCertificateRequest>),
    ExpectServerHelloDone(Box<ExpectServerHelloDone>),
    AwaitPeerCertificate(Box<AwaitPeerCertificate>),
    AwaitClientCertificate(Box<AwaitClientCertificate>),
    AwaitSignature(Box<AwaitSignature>),
    ExpectNewSessionTicket(Box<ExpectNewSessionTicket>),
    ExpectChangeCipherSpec(Box<ExpectChangeCipherSpec>),
    ExpectFinished(Box<ExpectFinished>),
    ExpectTraffic(ExpectTraffic),
}

impl State {
    pub(crate) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<Self, Error> {
        if let Self::ExpectTraffic(state) = self {
            return state.handle(incoming, cx);
        }
        // RFC 5246 §7.4.1.1: HelloRequest "will be ignored by the client if the client is currently
        // negotiating a session"; it "MUST NOT be included in the message hashes".
        if let Incoming::Handshake(message) = &incoming
            && message.typ == HandshakeType::HELLO_REQUEST
        {
            message.decode::<HelloRequest>()?;
            cx.common.count_hello_request()?;
            return Ok(self);
        }
        match self {
            // Input waits while these wait for their need.
            Self::AwaitPeerCertificate(_)
            | Self::AwaitClientCertificate(_)
            | Self::AwaitSignature(_) => Err(incoming.unexpected()),
            Self::ExpectServerHello(state) => state.handle(incoming, cx),
            Self::ExpectCertificate(state) => state.handle(incoming, cx),
            Self::ExpectCertificateStatus(state) => state.handle(incoming, cx),
            Self::ExpectServerKeyExchange(state) => state.handle(incoming, cx),
            Self::ExpectCertificateRequest(state) => state.handle(incoming, cx),
            Self::ExpectServerHelloDone(state) => state.handle(incoming, cx),
            Self::ExpectNewSessionTicket(state) => state.handle(incoming),
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
            (Self::AwaitPeerCertificate(state), AnswerValue::PeerCertificate(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitClientCertificate(state), AnswerValue::ClientCertificate(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitSignature(state), AnswerValue::KeyOperation(answer)) => {
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
