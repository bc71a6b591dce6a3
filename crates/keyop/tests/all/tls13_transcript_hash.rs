//! Every check of `Tls13TranscriptHash`, broken once.

use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{CheckError, Names, Operation, OperationResult, Tls13TranscriptHash, tls13};
use keyward_wire::values::SignatureScheme;

use crate::support::identity::{Identity, p256, rsa};
use crate::support::{Allowed, check};

const ECDSA: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
const ALLOWED: fn() -> Allowed = || Allowed {
    transcript_hash: true,
    ..Allowed::default()
};

pub(crate) fn operation(identity: &Identity, scheme: SignatureScheme, len: usize) -> Operation {
    Operation::Tls13TranscriptHash(Tls13TranscriptHash {
        key: identity.id(),
        scheme,
        transcript_hash: vec![0x4a; len],
    })
}

fn error(identity: &Identity, allowed: Allowed, scheme: SignatureScheme, len: usize) -> CheckError {
    let error = check(&operation(identity, scheme, len), &allowed.rules(identity)).unwrap_err();
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn a_key_that_is_not_enabled_for_it_signs_no_hash() {
    assert_eq!(
        error(p256(), Allowed::default(), ECDSA, 32),
        CheckError::TranscriptHashDisabled
    );
}

#[test]
fn the_hash_is_as_long_as_one_of_tls13() {
    for found in [0, 1, 20, 31, 33, 47, 49, 64, 255] {
        assert_eq!(
            error(p256(), ALLOWED(), ECDSA, found),
            CheckError::TranscriptHashLength { found }
        );
    }
}

#[test]
fn the_scheme_is_one_of_tls13_and_of_the_key() {
    let pkcs1 = SignatureScheme::RSA_PKCS1_SHA256;
    assert_eq!(
        error(rsa(), ALLOWED(), pkcs1, 32),
        CheckError::SchemeNotAllowed(pkcs1)
    );
    assert_eq!(
        error(rsa(), ALLOWED(), ECDSA, 32),
        CheckError::SchemeKeyMismatch(ECDSA)
    );
    let verifying_only = Allowed {
        rsa_signing: false,
        ..ALLOWED()
    };
    assert_eq!(
        error(
            rsa(),
            verifying_only,
            SignatureScheme::RSA_PSS_RSAE_SHA256,
            32
        ),
        CheckError::SigningDisabled
    );
    let client = Allowed {
        client: true,
        ..ALLOWED()
    };
    assert_eq!(error(p256(), client, ECDSA, 32), CheckError::ClientKey);
}

#[test]
fn what_is_signed_can_only_be_a_servers() {
    for len in [32, 48] {
        let operation = operation(p256(), ECDSA, len);
        let rules = ALLOWED().rules(p256());
        let checked = operation.check(&rules).unwrap();
        assert_eq!(checked.names(), &Names::Any);
        let OperationResult::Signature(signature) = checked.perform(&p256().key).unwrap() else {
            panic!("no signature");
        };
        let signed = tls13::server_certificate_verify_message(&vec![0x4a; len]);
        let key = p256().key.public_key();
        key.verify(SignatureAlgorithm::EcdsaSha256, &signed, &signature)
            .unwrap();
    }
}
