//! TLS 1.3 (RFC 9846), the client's side. The files in the order of the wire: → goes to the server, ←
//! comes from it, and at a *need* the handshake stops until the caller has answered
//! ([`needs`](crate::needs)).
//!
//! | | message | file |
//! |---|---|---|
//! | | *need: offer session*, if sessions are resumed | [`super::offer_session`] |
//! | → | ClientHello, of both versions | [`super::client_hello`] |
//! | | with the offers of TLS 1.3: key shares, PSK | [`client_hello`], [`psk`] |
//! | → | change_cipher_spec for middleboxes and early data, if it is offered | [`early_data`] |
//! | ← | ServerHello or HelloRetryRequest, whose version says that this is TLS 1.3 | [`super::server_hello`] |
//! | | HelloRetryRequest, if the server wants another share; → ClientHello | [`hello_retry`] |
//! | | ServerHello; → change_cipher_spec, if it has not gone out yet | [`server_hello`] |
//! | ← | EncryptedExtensions | [`encrypted_extensions`] |
//! | ← | CertificateRequest, if the server asks for a certificate | [`certificate`] |
//! | ← | Certificate or CompressedCertificate, unless resumed | [`certificate`] |
//! | ← | CertificateVerify, unless resumed | [`certificate_verify`] |
//! | | *need: peer certificate*, unless resumed | [`certificate_verify`] |
//! | ← | Finished | [`finished`] |
//! | → | EndOfEarlyData, if early data was accepted | [`early_data`] |
//! | | *need: client certificate*, if the server asks for one | [`client_certificate`] |
//! | → | Certificate, if the server asks for one | [`client_certificate`] |
//! | | *need: key operation*, if there is one | [`client_certificate`] |
//! | → | CertificateVerify, if there is one | [`client_certificate`] |
//! | → | Finished | [`finished`] |
//! | ← | NewSessionTicket | [`tickets`] |
//! | ↔ | application data, KeyUpdate | [`traffic`] |
//!
//! [`start`] is where this begins, [`State`] where a handshake can be. A state's file reads from its
//! `handle`, which takes the message that the state expects, or its `answered`, which takes the answer,
//! to the state that it returns.

mod certificate;
mod certificate_verify;
mod client_certificate;
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

use certificate::ExpectCertificate;
use certificate_verify::{AwaitPeerCertificate, ExpectCertificateVerify};
use client_certificate::{AwaitClientCertificate, AwaitKeyOperation};
pub(crate) use client_hello::Offer;
use encrypted_extensions::ExpectEncryptedExtensions;
use finished::ExpectFinished;
use keyward_wire::handshake::ServerHello;
use traffic::ExpectTraffic;

use super::{Context, Hello};
use crate::error::Error;
use crate::handshake::{HandshakeMessage, Incoming};
use crate::needs::{AnswerValue, NeedId};
use crate::role::{PostHandshake, UNASKED};

/// The server has chosen TLS 1.3, which was offered; nothing else of its message has been checked.
pub(crate) fn start(
    hello: Hello,
    offer: Offer,
    server_hello: ServerHello,
    message: &HandshakeMessage,
    cx: &mut Context<'_>,
) -> Result<super::State, Error> {
    if server_hello.is_hello_retry_request() {
        hello_retry::receive(hello, offer, &server_hello, message, cx)
    } else {
        server_hello::receive(hello, offer, &server_hello, message, cx).map(super::State::Tls13)
    }
}

/// Where a TLS 1.3 handshake is. The legal order:
///
/// ```text
/// ServerHello ─▶ ExpectEncryptedExtensions ─┬─▶ ExpectCertificate ─▶ ExpectCertificateVerify ─▶ AwaitPeerCertificate ─┐
///                                           └──────────────────────── resumed ──────────────────────▶ ExpectFinished ◀┘
///
/// ExpectFinished ─┬─▶ AwaitClientCertificate ─▶ AwaitKeyOperation ─▶ ExpectTraffic
///                 └─────── not asked ───────────────────────────────────▲
/// ```
///
/// A CertificateRequest is taken in `ExpectCertificate`, once. `AwaitKeyOperation` is left out where we have
/// no certificate that the server takes.
pub(crate) enum State {
    ExpectEncryptedExtensions(Box<ExpectEncryptedExtensions>),
    ExpectCertificate(Box<ExpectCertificate>),
    ExpectCertificateVerify(Box<ExpectCertificateVerify>),
    AwaitPeerCertificate(Box<AwaitPeerCertificate>),
    ExpectFinished(Box<ExpectFinished>),
    AwaitClientCertificate(Box<AwaitClientCertificate>),
    AwaitKeyOperation(Box<AwaitKeyOperation>),
    ExpectTraffic(Box<ExpectTraffic>),
}

impl State {
    pub(crate) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<Self, Error> {
        match self {
            Self::ExpectEncryptedExtensions(state) => state.handle(incoming, cx),
            Self::ExpectCertificate(state) => state.handle(incoming, cx),
            Self::ExpectCertificateVerify(state) => state.handle(incoming, cx),
            Self::ExpectFinished(state) => state.handle(incoming, cx),
            Self::ExpectTraffic(state) => state.handle(incoming, cx),
            // Input waits while these wait for their need.
            Self::AwaitPeerCertificate(_)
            | Self::AwaitClientCertificate(_)
            | Self::AwaitKeyOperation(_) => Err(incoming.unexpected()),
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
            (Self::AwaitKeyOperation(state), AnswerValue::KeyOperation(answer)) => {
                state.answered(answer, cx)
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
