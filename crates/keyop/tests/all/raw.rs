//! Raw operations: off unless they are switched on, on no wire of Keyward's, and no raw RSA operation.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::rsa_kex::{encrypt_premaster, premaster};
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{
    CheckError, Operation, OperationKind, PerformError, RawDigest, RawOperation, RawRsaDecryption,
};
use keyward_wire::codec::Decode;

use crate::support::Allowed;
use crate::support::identity::{Identity, ed25519, p256, p384, rsa};

fn digest(identity: &Identity, algorithm: SignatureAlgorithm, digest: Vec<u8>) -> RawOperation {
    RawOperation::Digest(RawDigest {
        key: identity.id(),
        algorithm,
        digest,
    })
}

fn decryption(identity: &Identity, ciphertext: Vec<u8>) -> RawOperation {
    RawOperation::RsaDecryption(RawRsaDecryption {
        key: identity.id(),
        ciphertext,
    })
}

const SIGNS: fn() -> Allowed = || Allowed {
    raw_digest: true,
    ..Allowed::default()
};
const DECRYPTS: fn() -> Allowed = || Allowed {
    raw_rsa_decryption: true,
    rsa_signing: false,
    ..Allowed::default()
};

fn error(operation: &RawOperation, identity: &Identity, allowed: Allowed) -> CheckError {
    let error = operation.check(&allowed.rules(identity)).unwrap_err();
    assert!(!error.to_string().is_empty());
    error
}

fn perform(operation: &RawOperation, identity: &Identity, allowed: Allowed) -> Vec<u8> {
    let checked = operation.check(&allowed.rules(identity)).unwrap();
    checked.perform(&identity.key).unwrap().as_bytes().to_vec()
}

#[test]
fn no_frame_carries_one() {
    for kind in [OperationKind::RawDigest, OperationKind::RawRsaDecryption] {
        let mut bytes = vec![0; 200];
        bytes[0] = kind.code();
        assert!(Operation::from_bytes(&bytes).is_err());
    }
}

#[test]
fn each_is_off_unless_it_is_switched_on_itself() {
    let sign = digest(p256(), SignatureAlgorithm::EcdsaSha256, vec![1; 32]);
    assert_eq!(
        error(&sign, p256(), Allowed::default()),
        CheckError::RawDigestDisabled
    );
    assert_eq!(
        error(&sign, p256(), DECRYPTS()),
        CheckError::RawDigestDisabled
    );
    let decrypt = decryption(rsa(), vec![1; 256]);
    assert_eq!(
        error(&decrypt, rsa(), SIGNS()),
        CheckError::RawRsaDecryptionDisabled
    );
    let key_transport = Allowed {
        rsa_decryption: true,
        ..SIGNS()
    };
    assert_eq!(
        error(&decrypt, rsa(), key_transport),
        CheckError::RawRsaDecryptionDisabled
    );
    let sign = digest(rsa(), SignatureAlgorithm::RsaPssSha256, vec![1; 32]);
    let decrypts_only = Allowed {
        raw_digest: true,
        ..DECRYPTS()
    };
    assert_eq!(
        error(&sign, rsa(), decrypts_only),
        CheckError::SigningDisabled
    );
    let client = Allowed {
        client: true,
        ..SIGNS()
    };
    assert_eq!(error(&sign, rsa(), client), CheckError::ClientKey);
    assert_eq!(error(&sign, p256(), SIGNS()), CheckError::WrongKey);
}

#[test]
fn every_algorithm_of_a_key_signs_a_digest_of_its_hash() {
    for identity in [rsa(), p256(), p384(), ed25519()] {
        let public = identity.key.public_key();
        for algorithm in SignatureAlgorithm::ALL {
            let message = b"what nobody but the client knows";
            let hashed = match algorithm.hash() {
                Some(hash) => hash.digest(message).to_vec(),
                None => message.to_vec(),
            };
            let operation = digest(identity, algorithm, hashed.clone());
            if !public.supports(algorithm) {
                assert_eq!(
                    error(&operation, identity, SIGNS()),
                    CheckError::AlgorithmKeyMismatch
                );
                continue;
            }
            let signature = perform(&operation, identity, SIGNS());
            public.verify(algorithm, message, &signature).unwrap();
            let rules = SIGNS().rules(identity);
            let fingerprint = operation.check(&rules).unwrap().fingerprint();
            if let Some(hash) = algorithm.hash() {
                assert_eq!(fingerprint, hashed);
                for found in [0, 1, 20, 28, 33, 36, 65] {
                    let operation = digest(identity, algorithm, vec![7; found]);
                    let expected = hash.output_len();
                    assert_eq!(
                        error(&operation, identity, SIGNS()),
                        CheckError::RawDigestLength { found, expected }
                    );
                }
            } else {
                assert_eq!(fingerprint, HashAlgorithm::Sha256.digest(message).to_vec());
            }
        }
    }
}

#[test]
fn a_premaster_secret_comes_back_in_its_block() {
    let mut secret = [0x42; 48];
    secret[..2].copy_from_slice(&[3, 3]);
    let ciphertext = encrypt_premaster(rsa().key.public_key(), &secret).unwrap();
    let operation = decryption(rsa(), ciphertext.clone());
    let block = perform(&operation, rsa(), DECRYPTS());
    assert_eq!(*block, **rsa().key.rsa_decrypt_raw(&ciphertext).unwrap());
    assert_eq!(*premaster(&block, 0x0303, &[0; 48]), secret);
}

#[test]
fn what_is_no_premaster_secret_comes_back_as_another_of_the_same_form() {
    // A block that has the form of a signature's, one of zeros, and numbers that do not decrypt at all.
    let public = rsa().key.public_key();
    let signature = rsa()
        .key
        .sign(SignatureAlgorithm::RsaPkcs1Sha256, b"message")
        .unwrap();
    let mut blocks = Vec::new();
    for ciphertext in [vec![2; 256], signature, vec![0; 256], vec![0xff; 256]] {
        let operation = decryption(rsa(), ciphertext.clone());
        let block = perform(&operation, rsa(), DECRYPTS());
        assert_eq!(block.len(), 256);
        assert_ne!(*premaster(&block, 0x0303, &[0; 48]), [0; 48], "it unpads");
        assert_eq!(
            perform(&operation, rsa(), DECRYPTS()),
            block,
            "and is the same each time"
        );
        assert!(
            public
                .verify(SignatureAlgorithm::RsaPkcs1Sha256, b"message", &block)
                .is_err()
        );
        assert!(!blocks.contains(&block));
        blocks.push(block);
    }
}

#[test]
fn a_ciphertext_is_as_long_as_the_modulus_and_the_key_an_rsa_key() {
    for found in [0, 255, 257] {
        assert_eq!(
            error(&decryption(rsa(), vec![1; found]), rsa(), DECRYPTS()),
            CheckError::CiphertextLength {
                found,
                modulus: 256
            }
        );
    }
    assert_eq!(
        error(&decryption(p256(), vec![1; 256]), p256(), DECRYPTS()),
        CheckError::AlgorithmKeyMismatch
    );
}

#[test]
fn another_key_performs_nothing() {
    let operation = digest(p256(), SignatureAlgorithm::EcdsaSha256, vec![1; 32]);
    let rules = SIGNS().rules(p256());
    let checked = operation.check(&rules).unwrap();
    assert!(matches!(
        checked.perform(&p384().key),
        Err(PerformError::WrongKey)
    ));
}
