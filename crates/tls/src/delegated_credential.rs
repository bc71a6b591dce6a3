//! Delegated credentials (RFC 9345): ours, to be presented, and a server's, to be checked.

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_keyop::{KeyId, tls13};
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::values::{ProtocolVersion, SignatureScheme};

use crate::credential::CertificateError;
use crate::error::{Error, PeerMisbehaved};
use crate::signature_schemes;
use crate::time::UnixTime;

/// RFC 9345 §4.1.3: "the maximum validity period (7 days by default)".
const MAX_VALIDITY_S: u64 = 7 * 24 * 60 * 60;

/// A delegated credential of ours, with what the engine has to know of it.
pub(crate) struct Delegated {
    encoded: Vec<u8>,
    scheme: SignatureScheme,
    delegation_scheme: SignatureScheme,
    key: KeyId,
    public_key: PublicKey,
    /// In seconds since 1970.
    expires: u64,
}

impl Delegated {
    /// Takes one, checked as a client will check it, but for the time.
    pub(crate) fn new(
        credential: &DelegatedCredential,
        leaf: &[u8],
        leaf_key: &PublicKey,
    ) -> Result<Self, CertificateError> {
        let refused = CertificateError::DelegatedCredential;
        let (public_key, expires) = check(credential, leaf, leaf_key).map_err(refused)?;
        Ok(Self {
            encoded: credential.to_bytes(),
            scheme: credential.dc_cert_verify_algorithm,
            delegation_scheme: credential.algorithm,
            key: KeyId::of_public_key(&public_key),
            public_key,
            expires,
        })
    }

    /// As it goes into the Certificate.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// How its key signs.
    pub(crate) fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// How it was signed itself.
    pub(crate) fn delegation_scheme(&self) -> SignatureScheme {
        self.delegation_scheme
    }

    pub(crate) fn key(&self) -> KeyId {
        self.key
    }

    pub(crate) fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether clients take it now.
    pub(crate) fn is_current(&self, now: UnixTime) -> bool {
        is_current(self.expires, now)
    }
}

/// What a client asked for, and is held against what it gets.
pub(crate) struct Offered<'a> {
    /// `signature_algorithms`.
    pub(crate) schemes: &'a [SignatureScheme],
    /// `delegated_credential`.
    pub(crate) delegated: &'a [SignatureScheme],
}

/// Checks the delegated credential beside a server's leaf: the key that signs the CertificateVerify, of
/// which `certificate_verify` is the scheme.
///
/// RFC 9345 §4.1.3: "If one or more of these checks fail, then the delegated credential is deemed not
/// valid. Clients and servers that receive non-valid delegated credentials MUST terminate the connection
/// with an "illegal_parameter" alert."
pub(crate) fn accept(
    encoded: &[u8],
    (leaf, leaf_key): (&[u8], &PublicKey),
    offered: &Offered<'_>,
    certificate_verify: SignatureScheme,
    now: UnixTime,
) -> Result<PublicKey, Error> {
    let refused = |why| Error::from(PeerMisbehaved::BadDelegatedCredential(why));
    let credential =
        DelegatedCredential::from_bytes(encoded).map_err(|_| refused("it does not parse"))?;
    if !offered.schemes.contains(&credential.algorithm) {
        return Err(refused("its signature is of a scheme that was not offered"));
    }
    let scheme = credential.dc_cert_verify_algorithm;
    if !offered.delegated.contains(&scheme) {
        return Err(refused("its key is of a scheme that was not offered"));
    }
    // "Verify that dc_cert_verify_algorithm matches the scheme indicated in the peer's CertificateVerify
    // message".
    if scheme != certificate_verify {
        return Err(refused("the CertificateVerify is of another scheme"));
    }
    let (public_key, expires) = check(&credential, leaf, leaf_key).map_err(refused)?;
    if !is_current(expires, now) {
        return Err(refused("it has expired, or is valid for more than 7 days"));
    }
    Ok(public_key)
}

/// "asserting that the current time does not exceed the expiry time"; "asserting that the expiry time does
/// not exceed the current time plus the maximum validity period (7 days by default)".
fn is_current(expires: u64, now: UnixTime) -> bool {
    let now = now.as_millis() / 1000;
    (now..=now.saturating_add(MAX_VALIDITY_S)).contains(&expires)
}

/// What must be so whatever the time and the peer: the credential's key, and when it expires, in seconds
/// since 1970.
fn check(
    credential: &DelegatedCredential,
    leaf: &[u8],
    leaf_key: &PublicKey,
) -> Result<(PublicKey, u64), &'static str> {
    let info = CertificateInfo::parse(leaf).ok_or("its certificate does not parse")?;
    // RFC 9345 §4.2: "An endpoint MUST NOT accept a delegated credential unless the peer's end-entity
    // certificate satisfies the following criteria".
    if !info.may_delegate() {
        return Err("its certificate lacks DelegationUsage or digitalSignature");
    }
    let public_key = PublicKey::from_spki_der(&credential.subject_public_key_info)
        .map_err(|_| "its key is of no kind that is known")?;
    let scheme = credential.dc_cert_verify_algorithm;
    // RFC 9345 §4: "the following algorithms are not allowed for use with delegated credentials:
    // rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pss_rsae_sha512."
    let forbidden = [
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA512,
    ];
    let fits = |key: &PublicKey, scheme| {
        signature_schemes::of_key(key.kind(), ProtocolVersion::TLS13).contains(&scheme)
    };
    if forbidden.contains(&scheme) || !fits(&public_key, scheme) {
        return Err("its key does not fit its scheme, or is RSA");
    }
    let algorithm = SignatureAlgorithm::from_code(credential.algorithm.0)
        .filter(|_| fits(leaf_key, credential.algorithm))
        .ok_or("its signature is of a scheme that does not fit the certificate's key")?;
    let signed = tls13::server_delegated_credential_message(leaf, credential);
    leaf_key
        .verify(algorithm, &signed, &credential.signature)
        .map_err(|_| "its signature is wrong")?;
    let expires = info
        .not_before()
        .saturating_add(u64::from(credential.valid_time));
    Ok((public_key, expires))
}
