//! Cipher suite, group and certificate of a full handshake, chosen together.

use std::slice;
use std::sync::Arc;

use keyward_crypto::key_exchange::Group;
use keyward_crypto::signature::KeyKind;
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{NamedGroup, ProtocolVersion};

use crate::credential::Credential;
use crate::error::PeerIncompatible;
use crate::needs::CertificateAnswer;
use crate::policy::Policy;
use crate::server::negotiation;
use crate::signer::{Signer, Wishes, choose, in_order};
use crate::suites::{KeyExchange, Suite};
use crate::tls12::{curve, is_tls12_group};

/// How a full handshake exchanges keys, and with which certificate.
pub(super) enum Choice {
    /// ECDHE or DHE.
    Ephemeral {
        suite: &'static Suite,
        group: Group,
        signer: Signer,
    },
    Rsa {
        suite: &'static Suite,
        certificate: Arc<Credential>,
    },
}

/// The first candidate that fits the client with forward secrecy, and only then one for RSA key
/// transport.
pub(super) fn choose_full(
    hello: &ClientHello,
    site: &CertificateAnswer,
) -> Result<Choice, PeerIncompatible> {
    let policy = &site.policy;
    let usable = |fits: &dyn Fn(&Suite) -> bool| {
        negotiation::cipher_suite(hello, policy, ProtocolVersion::TLS12, fits).ok()
    };
    let wishes = wishes(hello, policy);
    let mut reason = PeerIncompatible::NoCipherSuite;
    for candidate in in_order(&site.candidates, &wishes) {
        let key = candidate.public_key().kind();
        let group = |suite: &Suite| group(suite.key_exchange, hello, policy, key);
        let Some((suite, group)) = usable(&|suite| suite.fits(key) && group(suite).is_some())
            .and_then(|suite| Some((suite, group(suite)?)))
        else {
            let ephemeral = |suite: &Suite| suite.key_exchange.is_ephemeral() && suite.fits(key);
            if let Some(suite) = usable(&ephemeral) {
                reason = no_group(suite.key_exchange);
            }
            continue;
        };
        match signer(hello, &wishes, candidate) {
            Some(signer) => {
                return Ok(Choice::Ephemeral {
                    suite,
                    group,
                    signer,
                });
            }
            None => reason = PeerIncompatible::NoSignatureScheme,
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
    Err(reason)
}

/// RFC 7919 §4: "If the extension is present with FFDHE groups, none of the client's offered groups are
/// acceptable by the server, and none of the client's proposed non-FFDHE cipher suites are acceptable to
/// the server, the server MUST end the connection with a fatal TLS alert of type
/// insufficient_security(71)."
fn no_group(exchange: KeyExchange) -> PeerIncompatible {
    match exchange {
        KeyExchange::DheRsa => PeerIncompatible::NoFiniteField,
        _ => PeerIncompatible::NoGroup,
    }
}

/// The scheme that this certificate's key can sign with.
///
/// A client without `signature_algorithms` means SHA-1 (RFC 5246 §7.4.1.4.1), which nobody gets (RFC
/// 9155 §4).
fn signer(hello: &ClientHello, wishes: &Wishes<'_>, candidate: &Arc<Credential>) -> Option<Signer> {
    let extensions = &hello.extensions;
    let groups = extensions.supported_groups.as_deref().unwrap_or_default();
    // RFC 8422 §5.1: certificate and ServerKeyExchange may have different curves, and "The server MUST
    // consider the extensions in both cases."
    let curve = curve(candidate.public_key().kind());
    let fits = |_: &Credential| curve.is_none_or(|curve| groups.contains(&curve));
    choose(slice::from_ref(candidate), wishes, fits)
}

/// RFC 5246 §7.4.2: "If the client provided a "signature_algorithms" extension, then all certificates
/// provided by the server MUST be signed by a hash/signature algorithm pair that appears in that
/// extension." For them `signature_algorithms_cert` goes before it; RFC 9846 §4.3.3: "TLS 1.2
/// implementations SHOULD also process this extension."
fn wishes<'a>(hello: &'a ClientHello, policy: &'a Policy) -> Wishes<'a> {
    let extensions = &hello.extensions;
    let schemes = extensions.signature_algorithms.as_deref();
    let wishes = Wishes::of_schemes(ProtocolVersion::TLS12, schemes.unwrap_or_default());
    let certificate_schemes = extensions.signature_algorithms_cert.as_deref();
    Wishes {
        ours: policy.signature_schemes.as_deref(),
        certificate_schemes: certificate_schemes.unwrap_or(wishes.certificate_schemes),
        ..wishes
    }
}

/// The group for a suite with this key exchange.
fn group(
    exchange: KeyExchange,
    hello: &ClientHello,
    policy: &Policy,
    key: KeyKind,
) -> Option<Group> {
    let speak = move |group: NamedGroup| {
        Group::from_code(group.0).filter(|group| is_tls12_group(exchange, *group))
    };
    let common = || {
        negotiation::common_groups(hello, policy, move |group| speak(group).is_some())
            .filter_map(speak)
    };
    if exchange != KeyExchange::DheRsa {
        return common().next();
    }
    let (KeyKind::Rsa { bits } | KeyKind::RsaPss { bits, .. }) = key else {
        return None;
    };
    let offered = hello.extensions.supported_groups.as_deref();
    if offered.unwrap_or_default().iter().any(is_finite_field) {
        // RFC 7919 §4: "the server SHOULD select an FFDHE group at least as strong as the server's
        // public key."
        return common()
            .find(|group| field_bits(*group) >= bits)
            .or_else(|| common().max_by_key(|group| field_bits(*group)));
    }
    // RFC 7919 §4: a client that names none "is not compatible with this document. In this scenario, a
    // server ... MAY select an FFDHE cipher suite and offer an FFDHE group of its choice".
    policy.groups.iter().copied().find_map(speak)
}

/// RFC 7919 §4: "any codepoint between 256 and 511, inclusive, even if unknown to the server".
fn is_finite_field(group: &NamedGroup) -> bool {
    (256..=511).contains(&group.0)
}

/// The length of the field's prime.
fn field_bits(group: Group) -> usize {
    match group {
        Group::Ffdhe2048 => 2048,
        Group::Ffdhe3072 => 3072,
        Group::Ffdhe4096 => 4096,
        Group::Ffdhe6144 => 6144,
        Group::Ffdhe8192 => 8192,
        _ => 0,
    }
}
