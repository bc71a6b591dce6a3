//! Delegated credentials (RFC 9345): ours, to be presented, and a server's, to be checked.

use keyward_crypto::signature::PublicKey;
use keyward_keyop::KeyId;
use keyward_keyop::delegated_credential::{self, Delegation};
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::values::SignatureScheme;

use crate::credential::CertificateError;
use crate::error::{Error, PeerMisbehaved};
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
        let Delegation {
            public_key,
            expires,
        } = delegated_credential::verify(credential, leaf, leaf_key)
            .map_err(|error| CertificateError::DelegatedCredential(error.reason()))?;
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
    // RFC 9345 §4.1.3: "Verify that dc_cert_verify_algorithm matches the scheme indicated in the peer's
    // CertificateVerify message".
    if scheme != certificate_verify {
        return Err(refused("the CertificateVerify is of another scheme"));
    }
    let delegation = delegated_credential::verify(&credential, leaf, leaf_key)
        .map_err(|error| refused(error.reason()))?;
    if !is_current(delegation.expires, now) {
        return Err(refused("it has expired, or is valid for more than 7 days"));
    }
    Ok(delegation.public_key)
}

/// RFC 9345 §4.1.3: "asserting that the current time does not exceed the expiry time"; "asserting that the
/// expiry time does not exceed the current time plus the maximum validity period (7 days by default)".
fn is_current(expires: u64, now: UnixTime) -> bool {
    let now = now.as_millis() / 1000;
    (now..=now.saturating_add(MAX_VALIDITY_S)).contains(&expires)
}

#[cfg(test)]
mod tests {
    use keyward_crypto::certificate::CertificateInfo;
    use keyward_crypto::private_key::PrivateKey;
    use keyward_crypto::signature::SignatureAlgorithm;
    use keyward_keyop::tls13::server_delegated_credential_message;
    use rcgen::{CertificateParams, CustomExtension, KeyPair, KeyUsagePurpose};

    use super::*;

    const P256: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
    const DAY_S: u32 = 24 * 60 * 60;

    struct Server {
        leaf: Vec<u8>,
        leaf_key: PublicKey,
        credential: DelegatedCredential,
    }

    /// A leaf with a credential that is valid for a day from its notBefore.
    fn server(valid_time: u32) -> Server {
        let mut params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = [1, 3, 6, 1, 4, 1, 44363, 44];
        let usage = CustomExtension::from_oid_content(&usage, vec![5, 0]);
        params.custom_extensions = vec![usage];
        let key = KeyPair::generate().unwrap();
        let leaf = params.self_signed(&key).unwrap().der().to_vec();
        let key = PrivateKey::from_der(&key.serialize_der()).unwrap();
        let delegated = KeyPair::generate().unwrap();
        let delegated = PrivateKey::from_der(&delegated.serialize_der()).unwrap();
        let mut credential = DelegatedCredential {
            valid_time,
            dc_cert_verify_algorithm: P256,
            subject_public_key_info: delegated.public_key().spki_der().to_vec(),
            algorithm: P256,
            signature: Vec::new(),
        };
        let message = server_delegated_credential_message(&leaf, &credential);
        credential.signature = key.sign(SignatureAlgorithm::EcdsaSha256, &message).unwrap();
        Server {
            leaf_key: key.public_key().clone(),
            leaf,
            credential,
        }
    }

    fn outcome(server: &Server, age_s: u64) -> Result<PublicKey, Error> {
        outcome_for(server, age_s, &[P256], &[P256], P256)
    }

    fn outcome_for(
        server: &Server,
        age_s: u64,
        schemes: &[SignatureScheme],
        delegated: &[SignatureScheme],
        certificate_verify: SignatureScheme,
    ) -> Result<PublicKey, Error> {
        let begin = CertificateInfo::parse(&server.leaf).unwrap().not_before();
        accept(
            &server.credential.to_bytes(),
            (&server.leaf, &server.leaf_key),
            &Offered { schemes, delegated },
            certificate_verify,
            UnixTime::from_secs(begin + age_s),
        )
    }

    fn refused(outcome: Result<PublicKey, Error>) -> bool {
        matches!(
            outcome,
            Err(Error::PeerMisbehaved(
                PeerMisbehaved::BadDelegatedCredential(_)
            ))
        )
    }

    #[test]
    fn it_is_accepted_until_it_expires_and_for_seven_days_at_most() {
        let day = u64::from(DAY_S);
        let one = server(DAY_S);
        let key = outcome(&one, 0).unwrap();
        assert_eq!(key.spki_der(), one.credential.subject_public_key_info);
        assert!(outcome(&one, day).is_ok());
        assert!(refused(outcome(&one, day + 1)));

        let ten = server(10 * DAY_S);
        assert!(refused(outcome(&ten, 3 * day - 1)));
        assert!(outcome(&ten, 3 * day).is_ok());
        assert!(outcome(&ten, 10 * day).is_ok());
    }

    #[test]
    fn it_is_accepted_only_with_what_was_offered() {
        let server = server(DAY_S);
        let other = SignatureScheme::ED25519;
        assert!(refused(outcome_for(&server, 0, &[other], &[P256], P256)));
        assert!(refused(outcome_for(&server, 0, &[P256], &[other], P256)));
        let both = [other, P256];
        assert!(refused(outcome_for(&server, 0, &both, &both, other)));
        assert!(outcome_for(&server, 0, &both, &both, P256).is_ok());
    }

    #[test]
    fn what_is_not_valid_or_does_not_parse_is_refused() {
        let mut spoilt = server(DAY_S);
        spoilt.credential.valid_time -= 1;
        assert!(refused(outcome(&spoilt, 0)));

        let server = server(DAY_S);
        let bytes = server.credential.to_bytes();
        let offered = Offered {
            schemes: &[P256],
            delegated: &[P256],
        };
        for length in 0..bytes.len() {
            let leaf = (&server.leaf[..], &server.leaf_key);
            let outcome = accept(&bytes[..length], leaf, &offered, P256, UnixTime::now());
            assert!(refused(outcome), "{length}");
        }
    }
}
