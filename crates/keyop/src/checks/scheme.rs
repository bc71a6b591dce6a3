//! The signature scheme: offered by the peer, allowed in the version, right for the key.

use keyward_crypto::signature::{KeyKind, SignatureAlgorithm};
use keyward_wire::values::SignatureScheme as Scheme;

use crate::error::CheckError;
use crate::rules::KeyRules;

/// Which version's rules for signature schemes apply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Tls12,
    Tls13,
}

/// Checks the scheme, among those that the peer offers, and yields how AWS-LC signs with it.
pub(crate) fn check_scheme(
    scheme: Scheme,
    version: Version,
    offered: Option<&[Scheme]>,
    rules: &KeyRules<'_>,
) -> Result<SignatureAlgorithm, CheckError> {
    // Without the extension a TLS 1.2 client means SHA-1 (RFC 5246 §7.4.1.4.1), which nobody gets.
    if !offered.unwrap_or_default().contains(&scheme) {
        return Err(CheckError::SchemeNotOffered(scheme));
    }
    check_key_scheme(scheme, version, rules)
}

/// Checks that the key may sign and the scheme is right for it, and yields how AWS-LC signs with it.
pub(crate) fn check_key_scheme(
    scheme: Scheme,
    version: Version,
    rules: &KeyRules<'_>,
) -> Result<SignatureAlgorithm, CheckError> {
    let kind = rules.public_key.kind();
    let algorithm = fitting(scheme, version, kind)?;
    if matches!(kind, KeyKind::Rsa { .. }) && !rules.rsa_signing {
        return Err(CheckError::SigningDisabled);
    }
    Ok(algorithm)
}

/// How a key of this kind signs by this scheme.
pub(crate) fn fitting(
    scheme: Scheme,
    version: Version,
    kind: KeyKind,
) -> Result<SignatureAlgorithm, CheckError> {
    let (algorithm, fits) = match version {
        Version::Tls13 => tls13(scheme, kind),
        Version::Tls12 => tls12(scheme, kind),
    }
    .ok_or(CheckError::SchemeNotAllowed(scheme))?;
    if fits && kind.supports(algorithm) {
        Ok(algorithm)
    } else {
        Err(CheckError::SchemeKeyMismatch(scheme))
    }
}

/// How a key of this kind signs with a scheme in TLS 1.3, if it can.
pub(crate) fn tls13_algorithm(scheme: Scheme, key: KeyKind) -> Option<SignatureAlgorithm> {
    let (algorithm, fits) = tls13(scheme, key)?;
    fits.then_some(algorithm)
}

/// RFC 9846 §4.3.3. The ECDSA schemes name their curve; the RSASSA-PKCS1-v1_5 schemes "are not defined
/// for use in signed TLS handshake messages". The rsa_pss_pss schemes are for keys with the OID
/// `id-RSASSA-PSS`, whose parameters, if they have any, name the one hash they are for: RFC 9846 §4.3.3:
/// "If the corresponding public key's parameters are present, then the parameters in the signature MUST be
/// identical to those in the public key."
fn tls13(scheme: Scheme, key: KeyKind) -> Option<(SignatureAlgorithm, bool)> {
    use SignatureAlgorithm as Algorithm;
    let is_rsa = matches!(key, KeyKind::Rsa { .. });
    let pss = |algorithm| (algorithm, key.supports(algorithm));
    Some(match scheme {
        Scheme::RSA_PSS_PSS_SHA256 => pss(Algorithm::RsaPssPssSha256),
        Scheme::RSA_PSS_PSS_SHA384 => pss(Algorithm::RsaPssPssSha384),
        Scheme::RSA_PSS_PSS_SHA512 => pss(Algorithm::RsaPssPssSha512),
        Scheme::RSA_PSS_RSAE_SHA256 => (Algorithm::RsaPssSha256, is_rsa),
        Scheme::RSA_PSS_RSAE_SHA384 => (Algorithm::RsaPssSha384, is_rsa),
        Scheme::RSA_PSS_RSAE_SHA512 => (Algorithm::RsaPssSha512, is_rsa),
        Scheme::ECDSA_SECP256R1_SHA256 => (Algorithm::EcdsaSha256, key == KeyKind::EcP256),
        Scheme::ECDSA_SECP384R1_SHA384 => (Algorithm::EcdsaSha384, key == KeyKind::EcP384),
        Scheme::ECDSA_SECP521R1_SHA512 => (Algorithm::EcdsaSha512, key == KeyKind::EcP521),
        Scheme::ED25519 => (Algorithm::Ed25519, key == KeyKind::Ed25519),
        Scheme::MLDSA44 => (Algorithm::MlDsa44, key == KeyKind::MlDsa44),
        Scheme::MLDSA65 => (Algorithm::MlDsa65, key == KeyKind::MlDsa65),
        Scheme::MLDSA87 => (Algorithm::MlDsa87, key == KeyKind::MlDsa87),
        _ => return None,
    })
}

/// RFC 5246 §7.4.1.4.1 and RFC 8422 §5.1.3: the ECDSA code points name a hash and any curve. SHA-1
/// and weaker are out by RFC 9155.
fn tls12(scheme: Scheme, key: KeyKind) -> Option<(SignatureAlgorithm, bool)> {
    use SignatureAlgorithm as Algorithm;
    let is_rsa = matches!(key, KeyKind::Rsa { .. });
    let is_ec = matches!(key, KeyKind::EcP256 | KeyKind::EcP384 | KeyKind::EcP521);
    Some(match scheme {
        Scheme::RSA_PKCS1_SHA256 => (Algorithm::RsaPkcs1Sha256, is_rsa),
        Scheme::RSA_PKCS1_SHA384 => (Algorithm::RsaPkcs1Sha384, is_rsa),
        Scheme::RSA_PKCS1_SHA512 => (Algorithm::RsaPkcs1Sha512, is_rsa),
        Scheme::ECDSA_SECP256R1_SHA256 => (Algorithm::EcdsaSha256, is_ec),
        Scheme::ECDSA_SECP384R1_SHA384 => (Algorithm::EcdsaSha384, is_ec),
        Scheme::ECDSA_SECP521R1_SHA512 => (Algorithm::EcdsaSha512, is_ec),
        // draft-ietf-tls-mldsa defines them for TLS 1.3 alone.
        Scheme::MLDSA44 | Scheme::MLDSA65 | Scheme::MLDSA87 => return None,
        // RSASSA-PSS and Ed25519 are in TLS 1.2 what they are in TLS 1.3 (RFC 9846 §4.3.3).
        _ => return tls13(scheme, key),
    })
}
