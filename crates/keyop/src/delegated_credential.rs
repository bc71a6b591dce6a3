//! What makes a delegated credential (RFC 9345) good, whatever the time: engine and key server refuse the same.

use core::fmt;

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::signature::{KeyKind, PublicKey};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::values::SignatureScheme;

use crate::checks::scheme::tls13_algorithm;
use crate::tls13::server_delegated_credential_message;

/// What a certificate's key delegates.
#[derive(Debug)]
pub struct Delegation {
    /// The key that signs in its place.
    pub public_key: PublicKey,
    /// Until when, in seconds since 1970.
    pub expires: u64,
}

/// Checks a server's delegated credential: that `certificate`, whose key is `certificate_key`, may delegate,
/// has signed it, and that it is for a key that may sign with its scheme.
///
/// # Errors
/// [`InvalidDelegation`] says which of the rules is broken.
pub fn verify(
    credential: &DelegatedCredential,
    certificate: &[u8],
    certificate_key: &PublicKey,
) -> Result<Delegation, InvalidDelegation> {
    let info = CertificateInfo::parse(certificate).ok_or(InvalidDelegation::Certificate)?;
    // RFC 9345 §4.2: "An endpoint MUST NOT accept a delegated credential unless the peer's end-entity
    // certificate satisfies the following criteria".
    if !info.may_delegate() {
        return Err(InvalidDelegation::NotAllowed);
    }
    let public_key = PublicKey::from_spki_der(&credential.subject_public_key_info)
        .map_err(|_| InvalidDelegation::Key)?;
    // RFC 9345 §4: "When using RSA, the public key MUST NOT use the rsaEncryption OID."
    let rsa = matches!(public_key.kind(), KeyKind::Rsa { .. });
    if rsa || !fits(&public_key, credential.dc_cert_verify_algorithm) {
        return Err(InvalidDelegation::Scheme);
    }
    let algorithm = tls13_algorithm(credential.algorithm, certificate_key.kind())
        .ok_or(InvalidDelegation::DelegationScheme)?;
    let signed = server_delegated_credential_message(certificate, credential);
    certificate_key
        .verify(algorithm, &signed, &credential.signature)
        .map_err(|_| InvalidDelegation::Signature)?;
    Ok(Delegation {
        public_key,
        // RFC 9345 §4: "Time, in seconds relative to the delegation certificate's notBefore value, after
        // which the delegated credential is no longer valid."
        expires: info
            .not_before()
            .saturating_add(u64::from(credential.valid_time)),
    })
}

fn fits(key: &PublicKey, scheme: SignatureScheme) -> bool {
    tls13_algorithm(scheme, key.kind()).is_some_and(|algorithm| key.supports(algorithm))
}

/// The rule that a delegated credential breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidDelegation {
    /// The certificate does not parse.
    Certificate,
    /// The certificate lacks DelegationUsage or the digitalSignature KeyUsage.
    NotAllowed,
    /// The key is of no kind that is known.
    Key,
    /// The key does not fit its scheme, or is RSA.
    Scheme,
    /// The certificate's key does not fit the scheme of its signature.
    DelegationScheme,
    /// The signature is not the certificate's over this credential.
    Signature,
}

impl InvalidDelegation {
    /// The rule in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Certificate => "its certificate does not parse",
            Self::NotAllowed => "its certificate lacks DelegationUsage or digitalSignature",
            Self::Key => "its key is of no kind that is known",
            Self::Scheme => "its key does not fit its scheme, or is RSA",
            Self::DelegationScheme => "its signature's scheme does not fit the certificate's key",
            Self::Signature => "its signature is wrong",
        }
    }
}

impl fmt::Display for InvalidDelegation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the delegated credential is not valid: {} (RFC 9345 §4)",
            self.reason()
        )
    }
}

impl core::error::Error for InvalidDelegation {}
