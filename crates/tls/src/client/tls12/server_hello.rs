//! ServerHello (RFC 5246 §7.4.1.3): what the server chose, and whether it could.

use keyward_wire::handshake::ServerHello;
use keyward_wire::values::{CompressionMethod, EcPointFormat, ExtensionType, ProtocolVersion};

use super::certificate::ExpectCertificate;
use super::renegotiation::Renegotiable;
use super::{State, resumption};
use crate::client::{Context, Hello};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Transcript};
use crate::key_schedule::tls12::{MasterSecret, Protections, Randoms, Side, Terms};
use crate::negotiated::Negotiated;
use crate::record::ChangeCipherSpecs;
use crate::suites::Suite;

/// What goes on from the ServerHello to the end of the handshake.
pub(super) struct Flight {
    pub(super) hello: Hello,
    pub(super) server_hello: ServerHello,
    pub(super) suite: &'static Suite,
    pub(super) randoms: Randoms,
    pub(super) transcript: Transcript,
    /// What the handshake renegotiates; `None` in a connection's first.
    pub(super) renegotiated: Option<Box<Renegotiable>>,
}

impl Flight {
    /// Adds a message of the server's.
    pub(super) fn received(&mut self, message: &HandshakeMessage) {
        self.transcript.add(&message.bytes);
    }

    /// Sends a message of ours.
    pub(super) fn send(&mut self, message: &[u8], cx: &mut Context<'_>) {
        self.transcript.add(message);
        cx.common.send_handshake(message);
    }

    pub(super) fn extended_master_secret(&self) -> bool {
        self.server_hello.extensions.extended_master_secret
    }

    /// The longest record that the server may send with the keys of this handshake, if it agreed to a limit.
    pub(super) fn record_limit(&self) -> usize {
        let answered = self.server_hello.extensions.record_size_limit;
        let ours = self.hello.hello.extensions.record_size_limit;
        answered.and(ours).map_or(usize::MAX, usize::from)
    }

    /// The keys that follow from the master secret.
    pub(super) fn protections(
        &self,
        master: &MasterSecret,
        cx: &Context<'_>,
    ) -> Result<Protections, Error> {
        let terms = Terms {
            suite: self.suite,
            randoms: &self.randoms,
            encrypt_then_mac: self.server_hello.extensions.encrypt_then_mac,
        };
        master.protections(Side::Client, &terms, &cx.config.random)
    }
}

/// The server chose TLS 1.2.
pub(crate) fn start(
    hello: Hello,
    server_hello: ServerHello,
    message: HandshakeMessage,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    // RFC 5746 §3.4: "The client MUST then verify that the length of the "renegotiated_connection" field
    // is zero, and if it is not, MUST abort the handshake (by sending a fatal handshake_failure alert)."
    let info = server_hello.extensions.renegotiation_info.as_ref();
    if info.is_some_and(|info| !info.is_empty()) {
        return Err(PeerMisbehaved::BadRenegotiationInfo.into());
    }
    answered(hello, server_hello, &message, None, cx)
}

/// The ServerHello of a first handshake or of a renegotiation.
pub(super) fn answered(
    hello: Hello,
    server_hello: ServerHello,
    message: &HandshakeMessage,
    renegotiated: Option<Box<Renegotiable>>,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let suite = hello.chosen_suite(server_hello.cipher_suite, ProtocolVersion::TLS12)?;
    check(&hello, &server_hello, suite, cx)?;
    if let Some(limit) = server_hello.extensions.record_size_limit {
        cx.common.writer().limit_fragment(usize::from(limit));
    }
    cx.common
        .set_change_cipher_specs(ChangeCipherSpecs::Delivered);

    let mut transcript = Transcript::new(suite.hash);
    transcript.add(&hello.message);
    transcript.add(&message.bytes);
    cx.common.negotiated = Some(Negotiated {
        server_name: hello
            .name
            .server_name()
            .map(|name| name.as_str().to_owned()),
        alpn: match &renegotiated {
            None => server_hello.extensions.alpn.clone(),
            Some(earlier) => earlier.alpn(),
        },
        extended_master_secret: server_hello.extensions.extended_master_secret,
        secure_renegotiation: server_hello.extensions.renegotiation_info.is_some(),
        ..Negotiated::new(ProtocolVersion::TLS12, suite.code)
    });
    let randoms = Randoms {
        client: hello.hello.random,
        server: server_hello.random,
    };
    let resumed = resumption::accepted(&hello, &server_hello, suite)?;
    let flight = Flight {
        hello,
        server_hello,
        suite,
        randoms,
        transcript,
        renegotiated,
    };
    match resumed {
        Some(resumed) => resumption::go_on(flight, resumed, cx),
        None => Ok(State::ExpectCertificate(Box::new(ExpectCertificate {
            flight,
        }))),
    }
}

fn check(
    hello: &Hello,
    server_hello: &ServerHello,
    suite: &Suite,
    cx: &Context<'_>,
) -> Result<(), Error> {
    let extensions = &server_hello.extensions;
    // RFC 5246 §7.4.1.4: "If a client receives an extension type in ServerHello that it did not request in
    // the associated ClientHello, it MUST abort the handshake with an unsupported_extension fatal alert."
    hello.expect_offered(extensions.types())?;
    // What was offered for TLS 1.3 alone.
    let of_tls13 = [ExtensionType::KEY_SHARE, ExtensionType::PRE_SHARED_KEY];
    if let Some(extension) = extensions
        .types()
        .into_iter()
        .find(|typ| of_tls13.contains(typ))
    {
        return Err(PeerMisbehaved::ForbiddenExtension(extension).into());
    }
    if server_hello.compression_method != CompressionMethod::NULL {
        return Err(PeerMisbehaved::Compression.into());
    }
    // RFC 7366 §3: with an AEAD suite, a server "MUST NOT send an encrypt-then-MAC response extension back
    // to the client."
    if extensions.encrypt_then_mac && !suite.is_cbc() {
        return Err(PeerMisbehaved::ForbiddenExtension(ExtensionType::ENCRYPT_THEN_MAC).into());
    }
    // RFC 8422 §5.1.2: "Implementations of this document MUST support the uncompressed format for all of
    // their supported curves".
    let formats = extensions.ec_point_formats.as_ref();
    if formats.is_some_and(|formats| !formats.contains(&EcPointFormat::UNCOMPRESSED)) {
        return Err(PeerIncompatible::NoUncompressedPoints.into());
    }
    // RFC 7627 §5.2: "If a client receives a ServerHello without the extension, it SHOULD abort the
    // handshake if it does not wish to interoperate with legacy servers."
    if cx.config.policy.require_extended_master_secret && !extensions.extended_master_secret {
        return Err(PeerIncompatible::NoExtendedMasterSecret.into());
    }
    let offered = hello.hello.extensions.alpn.as_deref().unwrap_or_default();
    if extensions
        .alpn
        .as_ref()
        .is_some_and(|chosen| !offered.contains(chosen))
    {
        return Err(PeerMisbehaved::UnofferedProtocol.into());
    }
    Ok(())
}
