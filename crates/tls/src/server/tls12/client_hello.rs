//! The ClientHello: what TLS 1.2 chooses from it.

use std::slice;
use std::sync::Arc;

use keyward_crypto::key_exchange::Group;
use keyward_crypto::signature::KeyKind;
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{CipherSuite, EcPointFormat, NamedGroup, ProtocolVersion};

use super::{State, resumption};
use crate::credential::Credential;
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::needs::CertificateAnswer;
use crate::server::client_hello::Opening;
use crate::server::{Context, negotiation};
use crate::signer::{Signer, Wishes, choose};
use crate::suites::{KeyExchange, Suite};

/// A ClientHello that will be answered, with a full or an abbreviated handshake.
pub(super) struct Offer {
    pub(super) opening: Opening,
    pub(super) alpn: Option<Vec<u8>>,
}

/// The policy and the client agreed on TLS 1.2.
pub(crate) fn start(opening: Opening, cx: &mut Context<'_>) -> Result<State, Error> {
    // What follows depends on our answer.
    cx.common.expect_no_more_handshake()?;
    check(&opening.hello)?;
    let alpn = negotiation::alpn(&opening.hello, &opening.site)?;
    resumption::look_up(Offer { opening, alpn }, cx)
}

/// What must be so in every ClientHello that TLS 1.2 answers.
fn check(hello: &ClientHello) -> Result<(), Error> {
    let extensions = &hello.extensions;
    // RFC 5746 §3.6: "The server MUST then verify that the length of the "renegotiated_connection"
    // field is zero, and if it is not, MUST abort the handshake", which §3.4 explains: with
    // handshake_failure.
    if extensions
        .renegotiation_info
        .as_ref()
        .is_some_and(|info| !info.is_empty())
    {
        return Err(PeerMisbehaved::BadRenegotiationInfo.into());
    }
    // RFC 8422 §5.1.2: "If the client sends the extension and the extension does not contain the
    // uncompressed point format, and the client has used the Supported Groups extension to indicate
    // support for any of the curves defined in this specification, then the server MUST abort the
    // handshake and return an illegal_parameter alert."
    let formats = extensions.ec_point_formats.as_ref();
    if formats.is_some_and(|formats| !formats.contains(&EcPointFormat::UNCOMPRESSED))
        && extensions.supported_groups.is_some()
    {
        return Err(PeerIncompatible::NoUncompressedPoints.into());
    }
    Ok(())
}

/// RFC 5746 §3.6: whether the client has the extension or the signalling cipher suite value; the
/// server answers either with the extension.
pub(super) fn speaks_secure_renegotiation(hello: &ClientHello) -> bool {
    hello.extensions.renegotiation_info.is_some()
        || hello
            .cipher_suites
            .contains(&CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
}

/// How a full handshake exchanges keys, and with which certificate.
pub(super) enum Choice {
    Ecdhe {
        suite: &'static Suite,
        group: Group,
        signer: Signer,
    },
    Rsa {
        suite: &'static Suite,
        certificate: Arc<Credential>,
    },
}

/// Chooses cipher suite and certificate together: the first candidate that fits the client with
/// forward secrecy, and only then one for RSA key transport.
pub(super) fn choose_full(
    hello: &ClientHello,
    site: &CertificateAnswer,
) -> Result<Choice, PeerIncompatible> {
    let usable = |fits: &dyn Fn(&Suite) -> bool| {
        negotiation::cipher_suite(hello, &site.policy, ProtocolVersion::TLS12, fits).ok()
    };
    let group = negotiation::common_groups(hello, &site.policy, |group| speak(group).is_some())
        .find_map(speak);
    let mut reason = PeerIncompatible::NoSignatureScheme;
    for candidate in &site.candidates {
        let Some(group) = group else { break };
        let Some(signer) = signer(hello, candidate) else {
            continue;
        };
        let key = candidate.public_key().kind();
        match usable(&|suite| suite.key_exchange.is_ephemeral() && suite.fits(key)) {
            Some(suite) => {
                return Ok(Choice::Ecdhe {
                    suite,
                    group,
                    signer,
                });
            }
            None => reason = PeerIncompatible::NoCipherSuite,
        }
    }
    for candidate in &site.candidates {
        let key = candidate.public_key().kind();
        let transports = |suite: &Suite| suite.key_exchange == KeyExchange::Rsa && suite.fits(key);
        if let Some(suite) = usable(&transports) {
            return Ok(Choice::Rsa {
                suite,
                certificate: candidate.clone(),
            });
        }
    }
    Err(match group {
        _ if usable(&|_| true).is_none() => PeerIncompatible::NoCipherSuite,
        None => PeerIncompatible::NoGroup,
        Some(_) => reason,
    })
}

/// The scheme that this certificate's key can sign with.
///
/// A client without `signature_algorithms` means SHA-1 (RFC 5246 §7.4.1.4.1), which nobody gets (RFC
/// 9155 §4).
fn signer(hello: &ClientHello, candidate: &Arc<Credential>) -> Option<Signer> {
    let extensions = &hello.extensions;
    let offered = extensions.signature_algorithms.as_deref()?;
    let groups = extensions.supported_groups.as_deref().unwrap_or_default();
    // RFC 8422 §5.1: certificate and ServerKeyExchange may have different curves, and "The server MUST
    // consider the extensions in both cases."
    let curve = match candidate.public_key().kind() {
        KeyKind::EcP256 => Some(NamedGroup::SECP256R1),
        KeyKind::EcP384 => Some(NamedGroup::SECP384R1),
        KeyKind::EcP521 => Some(NamedGroup::SECP521R1),
        KeyKind::Rsa { .. } | KeyKind::Ed25519 => None,
    };
    let fits = |_: &Credential| curve.is_none_or(|curve| groups.contains(&curve));
    choose(
        slice::from_ref(candidate),
        &Wishes::of_schemes(ProtocolVersion::TLS12, offered),
        fits,
    )
}

/// Hybrid groups exist in TLS 1.3 only, and finite fields are for other suites.
fn speak(group: NamedGroup) -> Option<Group> {
    Group::from_code(group.0).filter(|group| group.is_elliptic_curve())
}
