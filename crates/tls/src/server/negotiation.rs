//! What is chosen from a ClientHello, the same way in both versions.

use keyward_crypto::aead::AeadAlgorithm;
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion};

use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::needs::{CertificateAnswer, ClientAuthentication};
use crate::policy::Policy;
use crate::server::Context;
use crate::server::client_hello::Opening;
use crate::session::SessionState;
use crate::suites::Suite;
use crate::time::UnixTime;

/// The versions that the engine speaks, the best first.
const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::TLS13, ProtocolVersion::TLS12];

/// The best version that the client and the engine have in common.
pub(crate) fn best_version(hello: &ClientHello) -> Result<ProtocolVersion, Error> {
    // RFC 9846 §4.2.2: "A server which receives a legacy_version value not equal to 0x0303 MUST abort
    // the handshake with a "protocol_version" alert." Older clients, which know no supported_versions,
    // say in it what they speak.
    if hello.extensions.supported_versions.is_some()
        && hello.legacy_version != ProtocolVersion::TLS12
    {
        return Err(PeerMisbehaved::LegacyVersion.into());
    }
    VERSIONS
        .into_iter()
        .find(|version| offers_version(hello, *version))
        .ok_or_else(|| none_in_common(hello))
}

/// The best version that the client and the policy have in common.
pub(crate) fn version(hello: &ClientHello, policy: &Policy) -> Result<ProtocolVersion, Error> {
    let version = VERSIONS
        .into_iter()
        .filter(|version| policy.versions.contains(version))
        .find(|version| offers_version(hello, *version));
    let best = VERSIONS
        .into_iter()
        .find(|version| policy.versions.contains(version));
    match version {
        None => Err(none_in_common(hello)),
        Some(version) if best != Some(version) && is_fallback(hello) => {
            Err(PeerMisbehaved::InappropriateFallback.into())
        }
        Some(version) => Ok(version),
    }
}

/// A fallback below all that we speak is a fallback still.
fn none_in_common(hello: &ClientHello) -> Error {
    if is_fallback(hello) {
        PeerMisbehaved::InappropriateFallback.into()
    } else {
        PeerIncompatible::NoVersion.into()
    }
}

/// RFC 7507 §3: "If TLS_FALLBACK_SCSV appears in ClientHello.cipher_suites and the highest protocol
/// version supported by the server is higher than the version indicated in
/// ClientHello.client_version, the server MUST respond with a fatal inappropriate_fallback alert".
fn is_fallback(hello: &ClientHello) -> bool {
    let scsv = CipherSuite::TLS_FALLBACK_SCSV;
    hello.cipher_suites.contains(&scsv)
}

/// RFC 9846 §4.3.1: "If this extension is present in the ClientHello, servers MUST NOT use the
/// ClientHello.legacy_version value for version negotiation"; without it TLS 1.3 is not offered.
pub(crate) fn offers_version(hello: &ClientHello, version: ProtocolVersion) -> bool {
    match &hello.extensions.supported_versions {
        Some(versions) => versions.contains(&version),
        None => version == ProtocolVersion::TLS12 && hello.legacy_version >= version,
    }
}

/// The cipher suite: the policy's first that the client offers, that belongs to `version` and that
/// `fits`. A client that prefers ChaCha20-Poly1305 to all others has no AES in hardware, and gets it.
pub(crate) fn cipher_suite(
    hello: &ClientHello,
    policy: &Policy,
    version: ProtocolVersion,
    fits: impl Fn(&Suite) -> bool,
) -> Result<&'static Suite, Error> {
    let usable = || {
        policy
            .cipher_suites
            .iter()
            .filter(|code| hello.cipher_suites.contains(code))
            .filter_map(|code| Suite::of(*code))
            .filter(|suite| suite.version() == version && fits(suite))
            .filter(|suite| policy.legacy || !suite.is_legacy())
    };
    let favourite = hello
        .cipher_suites
        .iter()
        .filter_map(|code| Suite::of(*code))
        .find(|suite| suite.version() == version)
        .filter(|suite| suite.aead() == Some(AeadAlgorithm::Chacha20Poly1305));
    favourite
        .and_then(|favourite| usable().find(|suite| suite.aead() == favourite.aead()))
        .or_else(|| usable().next())
        .ok_or_else(|| PeerIncompatible::NoCipherSuite.into())
}

/// The policy's groups that the client supports and `speaks` says yes to, in the policy's order.
pub(crate) fn common_groups<'a>(
    hello: &'a ClientHello,
    policy: &'a Policy,
    speaks: impl Fn(NamedGroup) -> bool + 'a,
) -> impl Iterator<Item = NamedGroup> + 'a {
    let offered = hello.extensions.supported_groups.as_deref().unwrap_or(&[]);
    policy
        .groups
        .iter()
        .copied()
        .filter(move |group| offered.contains(group) && speaks(*group))
}

/// The ALPN protocol: the site's first that the client offers.
///
/// RFC 7301 §3.2: "In the event that the server supports no protocols that the client advertises,
/// then the server SHALL respond with a fatal "no_application_protocol" alert."
pub(crate) fn alpn(
    hello: &ClientHello,
    site: &CertificateAnswer,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(offered) = &hello.extensions.alpn else {
        return Ok(None);
    };
    if site.alpn.is_empty() {
        return Ok(None);
    }
    site.alpn
        .iter()
        .find(|protocol| offered.contains(protocol))
        .map(|protocol| Some(protocol.clone()))
        .ok_or_else(|| PeerIncompatible::NoApplicationProtocol.into())
}

/// What a session must agree with before it is resumed, beside what its version asks for.
pub(crate) struct Resumption<'a> {
    version: ProtocolVersion,
    server_name: Option<String>,
    alpn: Option<&'a [u8]>,
    site: &'a CertificateAnswer,
    /// How long sessions may be resumed now: a session from before that was shortened was promised more.
    lifetime_s: u32,
    now: UnixTime,
}

impl<'a> Resumption<'a> {
    /// In a handshake that has come to this version and protocol.
    pub(crate) fn new(
        version: ProtocolVersion,
        opening: &'a Opening,
        alpn: Option<&'a [u8]>,
        cx: &Context<'_>,
    ) -> Self {
        Self {
            version,
            server_name: opening.server_name(),
            alpn,
            site: &opening.site,
            lifetime_s: cx.config.session_lifetime_s,
            now: cx.now,
        }
    }

    /// Whether the client is known as well as the site wants to know it: nobody who resumes is asked for a
    /// certificate.
    fn permits_client(&self, session: &SessionState) -> bool {
        let known = !session.peer_certificates.is_empty();
        match self.site.client_authentication {
            ClientAuthentication::Off => !known,
            ClientAuthentication::Optional(_) => true,
            ClientAuthentication::Required(_) => known,
        }
    }

    /// Whether the session may be resumed here. A session that leads to another site, protocol or
    /// policy than this handshake does would carry one's authentication over to the other.
    pub(crate) fn permits(&self, session: &SessionState) -> bool {
        session.version == self.version
            && session.is_alive(self.now)
            && !session.is_older_than(self.lifetime_s, self.now)
            && session.server_name() == self.server_name.as_deref()
            && session.alpn.as_deref() == self.alpn
            && session.context == self.site.session_context
            && self.permits_client(session)
            && self
                .site
                .policy
                .cipher_suites
                .contains(&session.cipher_suite)
    }
}
