//! TLS 1.3 (RFC 9846), the server's side. The files in the order of the wire: ← comes from the client, →
//! goes to it, and at a *need* the handshake stops until the caller has answered
//! ([`needs`](crate::needs)).
//!
//! | | message | file |
//! |---|---|---|
//! | ← | ClientHello | [`super::client_hello`] |
//! | | *need: certificate*, whose answer has the policy, and so the version | [`super::client_hello`] |
//! | | the offers of TLS 1.3, checked and chosen from | [`client_hello`] |
//! | → | HelloRetryRequest, if the group has no share; ← ClientHello | [`hello_retry`] |
//! | | *need: session*, if one is offered | [`psk`] |
//! | | *need: peer certificate*, if the client presented one when the session began | [`psk`] |
//! | | *need: early data*, if it is offered and could be taken | [`early_data`] |
//! | → | ServerHello, change_cipher_spec for middleboxes | [`server_hello`] |
//! | → | EncryptedExtensions | [`encrypted_extensions`] |
//! | → | CertificateRequest, if the site asks, unless resumed | [`certificate_request`] |
//! | → | Certificate or CompressedCertificate, unless resumed | [`certificate`] |
//! | | *need: key operation*, unless resumed | [`certificate_verify`] |
//! | → | CertificateVerify, unless resumed | [`certificate_verify`] |
//! | → | Finished | [`finished`] |
//! | ← | early data, taken or skipped; EndOfEarlyData, if it was taken | [`early_data`] |
//! | ← | Certificate or CompressedCertificate, if it was asked for | [`client_certificate`] |
//! | ← | CertificateVerify, if there was a certificate | [`client_certificate_verify`] |
//! | | *need: peer certificate*, if there was one | [`client_certificate_verify`] |
//! | ← | Finished | [`finished`] |
//! | | *need: new session*, which holds nothing up | [`tickets`] |
//! | → | NewSessionTicket | [`tickets`] |
//! | ↔ | application data, KeyUpdate | [`traffic`] |
//!
//! [`start`] is where this begins, [`State`] where a handshake can be. A state's file reads from its
//! `handle`, which takes the message that the state expects, or its `answered`, which takes the answer,
//! to the state that it returns.

mod certificate;
mod certificate_request;
mod certificate_verify;
mod client_certificate;
mod client_certificate_verify;
mod client_hello;
mod early_data;
mod encrypted_extensions;
mod finished;
mod hello_retry;
mod psk;
#[cfg(test)]
mod rfc8448;
mod server_hello;
mod tickets;
mod traffic;

use certificate_verify::AwaitKeyOperation;
use client_certificate::ExpectCertificate;
use client_certificate_verify::{AwaitPeerCertificate, ExpectCertificateVerify};
pub(crate) use client_hello::start;
use early_data::{AwaitEarlyData, ExpectEndOfEarlyData};
use finished::ExpectFinished;
use hello_retry::ExpectSecondClientHello;
use psk::{AwaitSession, AwaitSessionPeer};
use traffic::ExpectTraffic;

use super::Context;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};
use crate::role::{PostHandshake, UNASKED};

/// Where a TLS 1.3 handshake is. The legal order, with our Finished in the middle:
///
/// ```text
/// ClientHello ─┬─────────────────────────▶ AwaitSession ─┬─ full ────▶ AwaitKeyOperation ─┬─▶ Finished
///              └▶ ExpectSecondClientHello ─┘   ▲         │                                │
///                                    not trusted └─ AwaitSessionPeer ─▶ AwaitEarlyData ───┘
///
/// Finished ─┬─ early data is taken ───▶ ExpectEndOfEarlyData ──────────────────┬─▶ ExpectFinished ─▶ ExpectTraffic
///           ├─ certificate asked for ─▶ ExpectCertificate ────── it has none ──┤
///           │                            └▶ ExpectCertificateVerify            │
///           │                                └▶ AwaitPeerCertificate ──────────┤
///           └──────────────────────────────────────────────────────────────────┘
/// ```
///
/// `AwaitSession` and `AwaitEarlyData` are left out where neither is offered, `AwaitSessionPeer` where the session's
/// client presented no certificate.
pub(crate) enum State {
    ExpectSecondClientHello(Box<ExpectSecondClientHello>),
    AwaitSession(Box<AwaitSession>),
    AwaitSessionPeer(Box<AwaitSessionPeer>),
    AwaitEarlyData(Box<AwaitEarlyData>),
    AwaitKeyOperation(Box<AwaitKeyOperation>),
    ExpectEndOfEarlyData(Box<ExpectEndOfEarlyData>),
    ExpectCertificate(Box<ExpectCertificate>),
    ExpectCertificateVerify(Box<ExpectCertificateVerify>),
    AwaitPeerCertificate(Box<AwaitPeerCertificate>),
    ExpectFinished(Box<ExpectFinished>),
    ExpectTraffic(Box<ExpectTraffic>),
}

impl State {
    pub(crate) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<Self, Error> {
        match self {
            Self::ExpectSecondClientHello(state) => state.handle(incoming, cx),
            // Input waits while these wait for their need.
            Self::AwaitSession(_)
            | Self::AwaitSessionPeer(_)
            | Self::AwaitEarlyData(_)
            | Self::AwaitKeyOperation(_)
            | Self::AwaitPeerCertificate(_) => Err(incoming.unexpected()),
            Self::ExpectEndOfEarlyData(state) => state.handle(incoming, cx),
            Self::ExpectCertificate(state) => state.handle(incoming, cx),
            Self::ExpectCertificateVerify(state) => state.handle(incoming, cx),
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
            (Self::AwaitSessionPeer(state), AnswerValue::PeerCertificate(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitEarlyData(state), AnswerValue::EarlyData(answer)) => {
                state.answered(answer, cx)
            }
            (Self::AwaitPeerCertificate(state), AnswerValue::PeerCertificate(answer)) => {
                state.answered(answer, cx)
            }
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
