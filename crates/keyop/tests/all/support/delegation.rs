//! A certificate that may delegate, and a credential for it that is right in everything.

use std::sync::OnceLock;

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::{DelegatedCredential, KeyId, Operation};
use keyward_wire::values::SignatureScheme;
use rcgen::{
    CertificateParams, CustomExtension, KeyPair, KeyUsagePurpose, SanType, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime};

use super::Allowed;
use super::identity::{self, Identity};

/// 1.3.6.1.4.1.44363.44 (RFC 9345 §4.2).
const DELEGATION_USAGE: [u64; 8] = [1, 3, 6, 1, 4, 1, 44363, 44];

/// When the certificates begin, and how long they last.
pub(crate) const NOT_BEFORE: u64 = 1_800_000_000;
pub(crate) const LIFETIME: u64 = 90 * 24 * 60 * 60;
/// The time of the tests: ten days later.
pub(crate) const NOW: u64 = NOT_BEFORE + 10 * 24 * 60 * 60;

/// What a certificate is like.
pub(crate) struct Leaf {
    pub(crate) algorithm: &'static SignatureAlgorithm,
    pub(crate) delegation_usage: bool,
    pub(crate) usages: Vec<KeyUsagePurpose>,
    pub(crate) names: Vec<SanType>,
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            algorithm: &rcgen::PKCS_ECDSA_P256_SHA256,
            delegation_usage: true,
            usages: vec![KeyUsagePurpose::DigitalSignature],
            names: vec![dns("shop.example"), dns("*.shop.example")],
        }
    }
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

impl Leaf {
    pub(crate) fn issue(self) -> Identity {
        let key = KeyPair::generate_for(self.algorithm).unwrap();
        let mut params = CertificateParams::default();
        let begin = OffsetDateTime::from_unix_timestamp(NOT_BEFORE.try_into().unwrap()).unwrap();
        params.not_before = begin;
        params.not_after = begin + Duration::seconds(LIFETIME.try_into().unwrap());
        params.key_usages = self.usages;
        params.subject_alt_names = self.names;
        if self.delegation_usage {
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(
                    &DELEGATION_USAGE,
                    vec![5, 0],
                ));
        }
        Identity {
            certificate: params.self_signed(&key).unwrap().der().to_vec(),
            key: PrivateKey::from_der(&key.serialize_der()).unwrap(),
        }
    }
}

pub(crate) fn leaf() -> &'static Identity {
    static LEAF: OnceLock<Identity> = OnceLock::new();
    LEAF.get_or_init(|| Leaf::default().issue())
}

pub(crate) fn allowed() -> Allowed {
    Allowed {
        now: NOW,
        ..Allowed::default()
    }
}

/// An Ed25519 credential for twelve hours.
pub(crate) fn credential(leaf: &Identity) -> DelegatedCredential {
    DelegatedCredential {
        key: KeyId::of_public_key(leaf.key.public_key()),
        scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
        certificate: leaf.certificate.clone(),
        valid_time: seconds(NOW - NOT_BEFORE + 12 * 60 * 60),
        credential_scheme: SignatureScheme::ED25519,
        public_key: identity::ed25519().key.public_key().spki_der().to_vec(),
    }
}

pub(crate) fn seconds(count: u64) -> u32 {
    count.try_into().unwrap()
}

pub(crate) fn operation() -> Operation {
    Operation::DelegatedCredential(credential(leaf()))
}
