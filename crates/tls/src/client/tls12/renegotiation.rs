//! Renegotiation: the server asks for another handshake. Refused, unless the policy allows it by name.

use keyward_wire::extensions::ClientHelloExtensions;
use keyward_wire::handshake::{self, ClientHello, ServerHello};
use keyward_wire::values::{HandshakeType, ProtocolVersion};
use rustls_pki_types::CertificateDer;

use super::server_hello::Flight;
use super::{State, server_hello};
use crate::client::{Context, Hello};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::peer_name::PeerName;
use crate::suites::Suite;
use crate::tls12::{MAX_RENEGOTIATIONS, Previous};

/// A connection that may be renegotiated: what the last handshake leaves to the next.
pub(crate) struct Renegotiable {
    name: PeerName,
    /// What is offered again.
    hello: ClientHello,
    /// The server stays who it is.
    leaf: CertificateDer<'static>,
    alpn: Option<Vec<u8>>,
    previous: Previous,
    /// How many more there may be.
    left: u8,
    /// Whether CBC suites have been used with encrypt-then-MAC.
    encrypt_then_mac: bool,
}

impl Renegotiable {
    /// Of a handshake that is complete; `None` where it is the connection's last.
    pub(super) fn after(flight: Flight, previous: Previous, cx: &Context<'_>) -> Option<Box<Self>> {
        let negotiated = cx.common.negotiated.as_ref()?;
        let extensions = &flight.server_hello.extensions;
        // RFC 7627 §5.3: without the extended master secret "renegotiation is no longer secure on this
        // connection, even if the client and server support the renegotiation indication extension".
        let secure = extensions.renegotiation_info.is_some() && extensions.extended_master_secret;
        // RFC 9113 §9.2.1: "A deployment of HTTP/2 over TLS 1.2 MUST disable renegotiation."
        let http2 = negotiated.alpn.as_deref() == Some(b"h2");
        if !cx.config.policy.renegotiation || !secure || http2 {
            return None;
        }
        let (left, encrypt_then_mac) = match &flight.renegotiated {
            None => (MAX_RENEGOTIATIONS, false),
            Some(earlier) => (earlier.left, earlier.encrypt_then_mac),
        };
        Some(Box::new(Self {
            leaf: negotiated.peer_certificates.first()?.clone(),
            alpn: negotiated.alpn.clone(),
            name: flight.hello.name,
            hello: offer_again(flight.hello.hello),
            previous,
            left,
            encrypt_then_mac: encrypt_then_mac || extensions.encrypt_then_mac,
        }))
    }

    /// Sends the ClientHello.
    pub(super) fn start(mut self: Box<Self>, cx: &mut Context<'_>) -> Result<State, Error> {
        // What follows depends on our answer.
        cx.common.expect_no_more_handshake()?;
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(PeerMisbehaved::Renegotiation)?;
        let mut hello = self.hello.clone();
        cx.config
            .random
            .fill(&mut hello.random)
            .map_err(|_| Error::Internal("random generation"))?;
        // RFC 5746 §3.5: "The client MUST include the "renegotiation_info" extension in the ClientHello,
        // containing the saved client_verify_data. The SCSV MUST NOT be included."
        hello.extensions.renegotiation_info = Some(self.previous.client_info());
        let message = handshake::to_message(&hello);
        cx.common.send_handshake(&message);
        Ok(State::ExpectServerHello(Box::new(ExpectServerHello {
            hello: Hello {
                name: self.name.clone(),
                hello,
                message,
                session: None,
            },
            renegotiated: self,
        })))
    }

    fn check(&self, hello: &Hello, server_hello: &ServerHello) -> Result<(), Error> {
        let extensions = &server_hello.extensions;
        // RFC 9846 §4.2.3: "A legacy TLS client performing renegotiation with TLS 1.2 or prior and which
        // receives a TLS 1.3 ServerHello during renegotiation MUST abort the handshake with a
        // "protocol_version" alert."
        if extensions.supported_versions.is_some()
            || server_hello.legacy_version != ProtocolVersion::TLS12
        {
            return Err(PeerIncompatible::NoVersion.into());
        }
        // RFC 5746 §3.5: "When a ServerHello is received, the client MUST verify that the
        // "renegotiation_info" extension is present; if it is not, the client MUST abort the handshake."
        //
        // "The client MUST then verify that the first half of the "renegotiated_connection" field is equal
        // to the saved client_verify_data value, and the second half is equal to the saved
        // server_verify_data value. If they are not, the client MUST abort the handshake."
        let info = extensions.renegotiation_info.as_deref();
        if !info.is_some_and(|info| self.previous.is_server_info(info)) {
            return Err(PeerMisbehaved::BadRenegotiationInfo.into());
        }
        let suite = hello.chosen_suite(server_hello.cipher_suite, ProtocolVersion::TLS12)?;
        // RFC 7366 §3.1: "implementations MUST NOT renegotiate a downgrade from encrypt-then-MAC to
        // MAC-then-encrypt."
        let downgrade = self.encrypt_then_mac && suite.is_cbc() && !extensions.encrypt_then_mac;
        if downgrade || !extensions.extended_master_secret {
            return Err(PeerMisbehaved::ChangedByRenegotiation.into());
        }
        Ok(())
    }

    /// The application protocol of the connection.
    pub(super) fn alpn(&self) -> Option<Vec<u8>> {
        self.alpn.clone()
    }

    /// Whether the server presents the certificate that it had. Another one is what the triple handshake
    /// attack needs.
    pub(super) fn check_leaf(&self, leaf: &CertificateDer<'_>) -> Result<(), Error> {
        if *leaf == self.leaf {
            Ok(())
        } else {
            Err(PeerMisbehaved::ChangedByRenegotiation.into())
        }
    }
}

/// The same offer without what is for another version or another session, and without application protocols:
/// the connection has its own.
fn offer_again(hello: ClientHello) -> ClientHello {
    let of_tls12 = |suite: &&Suite| suite.version() == ProtocolVersion::TLS12;
    let extensions = hello.extensions;
    ClientHello {
        session_id: Vec::new(),
        cipher_suites: hello
            .cipher_suites
            .into_iter()
            .filter(|code| Suite::of(*code).filter(of_tls12).is_some())
            .collect(),
        extensions: ClientHelloExtensions {
            alpn: None,
            session_ticket: extensions.session_ticket.map(|_| Vec::new()),
            compress_certificate: None,
            delegated_credential: None,
            early_data: false,
            supported_versions: None,
            cookie: None,
            psk_key_exchange_modes: None,
            certificate_authorities: None,
            post_handshake_auth: false,
            key_share: None,
            pre_shared_key: None,
            ..extensions
        },
        ..hello
    }
}

/// Waits for the answer to the ClientHello of a renegotiation.
pub(crate) struct ExpectServerHello {
    hello: Hello,
    renegotiated: Box<Renegotiable>,
}

impl ExpectServerHello {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::SERVER_HELLO)?;
        let server_hello: ServerHello = message.decode()?;
        self.renegotiated.check(&self.hello, &server_hello)?;
        let renegotiated = Some(self.renegotiated);
        server_hello::answered(self.hello, server_hello, &message, renegotiated, cx)
    }
}
