//! Renegotiation: a ClientHello where data flows. Refused, unless the policy allows it by name.

use std::sync::Arc;

use keyward_wire::alert::Alert;
use keyward_wire::handshake::{ClientHello, ServerHello};
use keyward_wire::values::{AlertDescription, ProtocolVersion};

use super::State;
use super::client_hello::{self, Offer, has_scsv};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::HandshakeMessage;
use crate::needs::CertificateAnswer;
use crate::record::ChangeCipherSpecs;
use crate::server::client_hello::Opening;
use crate::server::{Context, negotiation};
use crate::tls12::{MAX_RENEGOTIATIONS, Previous};

/// What a handshake leaves to the next one on the same connection, once it is finished.
pub(super) struct Prospect {
    /// Renegotiation leads to no other site, so that nobody is asked again.
    site: Box<CertificateAnswer>,
    server_name: Option<String>,
    alpn: Option<Vec<u8>>,
    /// How many more there may be.
    left: u8,
    /// Whether CBC suites have been used with encrypt-then-MAC.
    encrypt_then_mac: bool,
}

/// A connection that may be renegotiated.
pub(crate) struct Renegotiable {
    prospect: Prospect,
    previous: Previous,
}

impl Prospect {
    /// Of a handshake that has got as far as its ServerHello; `None` where it is the connection's only
    /// one.
    pub(super) fn of(offer: Offer, server_hello: &ServerHello) -> Option<Box<Self>> {
        let extensions = &server_hello.extensions;
        // RFC 7627 §5.3: without the extended master secret "renegotiation is no longer secure on this
        // connection, even if the client and server support the renegotiation indication extension".
        let secure = extensions.renegotiation_info.is_some() && extensions.extended_master_secret;
        // RFC 9113 §9.2.1: "A deployment of HTTP/2 over TLS 1.2 MUST disable renegotiation."
        let alpn = offer.connection_alpn();
        let http2 = alpn.as_deref() == Some(b"h2");
        if !offer.opening.site.policy.renegotiation || !secure || http2 {
            return None;
        }
        let (left, encrypt_then_mac) = match &offer.renegotiated {
            None => (MAX_RENEGOTIATIONS, false),
            Some(earlier) => (earlier.prospect.left, earlier.prospect.encrypt_then_mac),
        };
        Some(Box::new(Self {
            server_name: offer.opening.server_name(),
            site: offer.opening.site,
            alpn,
            left,
            encrypt_then_mac: encrypt_then_mac || extensions.encrypt_then_mac,
        }))
    }

    /// The handshake is finished.
    pub(super) fn finished(self, previous: Previous) -> Renegotiable {
        Renegotiable {
            prospect: self,
            previous,
        }
    }
}

impl Renegotiable {
    pub(super) fn is_possible(&self) -> bool {
        self.prospect.left > 0
    }

    /// The application protocol of the connection.
    pub(super) fn alpn(&self) -> Option<Vec<u8>> {
        self.prospect.alpn.clone()
    }

    /// The `renegotiation_info` of our ServerHello.
    pub(super) fn server_info(&self) -> Vec<u8> {
        self.previous.server_info()
    }

    /// RFC 7366 §3.1: "implementations MUST NOT renegotiate a downgrade from encrypt-then-MAC to
    /// MAC-then-encrypt."
    pub(super) fn requires_encrypt_then_mac(&self) -> bool {
        self.prospect.encrypt_then_mac
    }

    /// A ClientHello has come.
    pub(super) fn start(
        mut self: Box<Self>,
        message: HandshakeMessage,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        self.prospect.left = self
            .prospect
            .left
            .checked_sub(1)
            .ok_or(PeerMisbehaved::Renegotiation)?;
        let hello: ClientHello = message.decode()?;
        self.check(&hello)?;
        cx.common
            .set_change_cipher_specs(ChangeCipherSpecs::Delivered);
        let opening = Opening {
            hello: Arc::new(hello),
            message: message.bytes,
            site: self.prospect.site.clone(),
        };
        client_hello::answer(opening, Some(self), cx)
    }

    fn check(&self, hello: &ClientHello) -> Result<(), Error> {
        // RFC 5746 §3.7: "When a ClientHello is received, the server MUST verify that it does not
        // contain the TLS_EMPTY_RENEGOTIATION_INFO_SCSV SCSV. If the SCSV is present, the server MUST
        // abort the handshake."
        //
        // "The server MUST verify that the "renegotiation_info" extension is present; if it is not, the
        // server MUST abort the handshake."
        //
        // "The server MUST verify that the value of the "renegotiated_connection" field is equal to the
        // saved client_verify_data value; if it is not, the server MUST abort the handshake."
        let info = hello.extensions.renegotiation_info.as_deref();
        if has_scsv(hello) || !info.is_some_and(|info| self.previous.is_client_info(info)) {
            return Err(PeerMisbehaved::BadRenegotiationInfo.into());
        }
        // RFC 9846 §4.2.2: "If a server established a TLS connection with a previous version of TLS and
        // receives a TLS 1.3 ClientHello in a renegotiation, it MUST retain the previous protocol
        // version."
        if !negotiation::offers_version(hello, ProtocolVersion::TLS12) {
            return Err(PeerIncompatible::NoVersion.into());
        }
        let name = hello.extensions.server_name.as_ref();
        let same_name = name.map(|name| name.as_str()) == self.prospect.server_name.as_deref();
        // Most clients offer none again; then it stays what it is.
        let same_protocol = hello.extensions.alpn.is_none()
            || negotiation::alpn(hello, &self.prospect.site)? == self.prospect.alpn;
        if !(same_name && same_protocol && hello.extensions.extended_master_secret) {
            return Err(PeerMisbehaved::ChangedByRenegotiation.into());
        }
        Ok(())
    }
}

/// RFC 5246 §7.2.2: "no_renegotiation: Sent by ... the server in response to a client hello after initial
/// handshaking. Either of these would normally lead to renegotiation; when that is not appropriate, the
/// recipient should respond with this alert ... This message is always a warning."
pub(super) fn refuse(cx: &mut Context<'_>) -> Result<(), Error> {
    if cx.common.closed {
        return Ok(());
    }
    cx.common
        .send_alert(Alert::warning(AlertDescription::NO_RENEGOTIATION))
}
