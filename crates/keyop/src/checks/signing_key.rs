//! Whose key a TLS 1.3 server signs with: its leaf's, or the one that the leaf delegates to.

use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_wire::codec::{Decode, DecodeError, DecodeErrorKind};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::handshake::{CertificateTls13, ClientHello};
use keyward_wire::values::SignatureScheme;

use super::certificate::check_leaf_tls13;
use super::scheme::{Version, check_scheme};
use crate::delegated_credential;
use crate::error::CheckError;
use crate::rules::KeyRules;

/// Checks that the key is the one that the client will verify the signature with, and that the client takes
/// the scheme for it.
pub(crate) fn check_signing_key(
    certificate: &CertificateTls13,
    scheme: SignatureScheme,
    client_hello: &ClientHello,
    rules: &KeyRules<'_>,
) -> Result<SignatureAlgorithm, CheckError> {
    let leaf = certificate.certificate_list.first();
    let delegated = leaf.and_then(|leaf| leaf.extensions.delegated_credential.as_deref());
    let extensions = &client_hello.extensions;
    let schemes = extensions.signature_algorithms.as_deref();
    match (leaf, delegated) {
        (Some(leaf), Some(delegated)) => {
            let credential = DelegatedCredential::from_bytes(delegated)?;
            check_delegation(&credential, &leaf.cert_data, scheme, schemes, rules)?;
            // RFC 9345 §4.1.1: "the dc_cert_verify_algorithm field MUST be of a type advertised by the
            // client in the SignatureSchemeList".
            let offered = extensions.delegated_credential.as_deref();
            check_scheme(scheme, Version::Tls13, offered, rules)
        }
        _ => {
            check_leaf_tls13(certificate, rules)?;
            check_scheme(scheme, Version::Tls13, schemes, rules)
        }
    }
}

fn check_delegation(
    credential: &DelegatedCredential,
    leaf: &[u8],
    scheme: SignatureScheme,
    schemes: Option<&[SignatureScheme]>,
    rules: &KeyRules<'_>,
) -> Result<(), CheckError> {
    // RFC 9345 §4.1.1: "The algorithm field MUST be of a type advertised by the client in the
    // "signature_algorithms" extension of the ClientHello message".
    if !schemes.unwrap_or_default().contains(&credential.algorithm) {
        return Err(CheckError::SchemeNotOffered(credential.algorithm));
    }
    if credential.dc_cert_verify_algorithm != scheme {
        return Err(CheckError::SchemeKeyMismatch(scheme));
    }
    let leaf_key = PublicKey::from_certificate_der(leaf).map_err(|_| DecodeError {
        what: "leaf certificate",
        kind: DecodeErrorKind::IllegalValue,
        offset: 0,
    })?;
    let delegation = delegated_credential::verify(credential, leaf, &leaf_key)
        .map_err(CheckError::DelegatedCredential)?;
    if delegation.public_key == *rules.public_key {
        Ok(())
    } else {
        Err(CheckError::CertificateOfAnotherKey)
    }
}
