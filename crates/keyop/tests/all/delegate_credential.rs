//! Every check of `DelegatedCredential`, broken once.

use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{
    CheckError, DelegatedCredential, MAX_CREDENTIAL_SECONDS, Names, Operation, OperationResult,
};
use keyward_wire::codec::Encode;
use keyward_wire::values::SignatureScheme;
use rcgen::{KeyUsagePurpose, SanType};

use crate::support::delegation::{
    LIFETIME, Leaf, NOT_BEFORE, NOW, allowed, credential, dns, leaf, operation, seconds,
};
use crate::support::identity::{Identity, other_p256, p384, rsa};
use crate::support::{Allowed, check};

fn error(
    leaf: &Identity,
    allowed: Allowed,
    change: impl FnOnce(&mut DelegatedCredential),
) -> CheckError {
    let mut credential = credential(leaf);
    change(&mut credential);
    let operation = Operation::DelegatedCredential(credential);
    let error = check(&operation, &allowed.rules(leaf)).unwrap_err();
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn the_certificate_must_let_its_key_delegate() {
    let leaves = [
        Leaf {
            delegation_usage: false,
            ..Leaf::default()
        },
        Leaf {
            usages: vec![KeyUsagePurpose::KeyEncipherment],
            ..Leaf::default()
        },
        Leaf {
            usages: Vec::new(),
            ..Leaf::default()
        },
    ];
    for leaf in leaves {
        let leaf = leaf.issue();
        assert_eq!(
            error(&leaf, allowed(), |_| ()),
            CheckError::DelegationNotAllowed
        );
    }
}

#[test]
fn the_certificate_must_be_of_this_key() {
    let other = other_p256().certificate.clone();
    assert_eq!(
        error(leaf(), allowed(), |credential| credential.certificate =
            other),
        CheckError::CertificateOfAnotherKey
    );
    let noise = error(leaf(), allowed(), |credential| {
        credential.certificate = vec![0x30, 0];
    });
    assert!(matches!(noise, CheckError::Malformed(_)));
}

#[test]
fn a_key_that_decrypts_delegates_nothing() {
    let decrypts = Allowed {
        rsa_decryption: true,
        ..allowed()
    };
    assert_eq!(
        error(leaf(), decrypts, |_| ()),
        CheckError::DelegationByDecryptionKey
    );
}

#[test]
fn a_clients_key_delegates_nothing() {
    let client = Allowed {
        client: true,
        ..allowed()
    };
    assert_eq!(error(leaf(), client, |_| ()), CheckError::ClientKey);
}

#[test]
fn a_credential_is_valid_for_a_day_at_most() {
    let valid_until = |time: u64| {
        move |credential: &mut DelegatedCredential| {
            credential.valid_time = seconds(time - NOT_BEFORE);
        }
    };
    let day = MAX_CREDENTIAL_SECONDS;
    assert_eq!(
        error(leaf(), allowed(), valid_until(NOW + day + 1)),
        CheckError::CredentialTooLong { seconds: day + 1 }
    );
    for time in [NOW, NOW - 1, NOT_BEFORE] {
        assert_eq!(
            error(leaf(), allowed(), valid_until(time)),
            CheckError::CredentialExpired
        );
    }
    for time in [NOW + 1, NOW + day] {
        let mut credential = credential(leaf());
        valid_until(time)(&mut credential);
        let operation = Operation::DelegatedCredential(credential);
        assert_eq!(check(&operation, &allowed().rules(leaf())), Ok(()));
    }
    // Who does not know the time signs none.
    let error = error(leaf(), Allowed::default(), |_| ());
    assert!(
        matches!(error, CheckError::CredentialTooLong { .. }),
        "{error}"
    );
}

#[test]
fn a_credential_ends_before_its_certificate() {
    let late = Allowed {
        now: NOT_BEFORE + LIFETIME - 60,
        ..Allowed::default()
    };
    let error = error(leaf(), late, |credential| {
        credential.valid_time = seconds(LIFETIME + 1);
    });
    assert_eq!(error, CheckError::CredentialOutlivesCertificate);
}

#[test]
fn the_credentials_key_is_one_for_its_scheme() {
    let rsa_key = rsa().key.public_key().spki_der().to_vec();
    assert_eq!(
        error(leaf(), allowed(), |credential| {
            credential.public_key = rsa_key;
            credential.credential_scheme = SignatureScheme::RSA_PSS_RSAE_SHA256;
        }),
        CheckError::CredentialKey
    );
    assert_eq!(
        error(leaf(), allowed(), |credential| credential.public_key =
            vec![1, 2, 3]),
        CheckError::CredentialKey
    );
    let p384_key = p384().key.public_key().spki_der().to_vec();
    assert_eq!(
        error(leaf(), allowed(), |credential| {
            credential.public_key = p384_key;
            credential.credential_scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
        }),
        CheckError::SchemeKeyMismatch(SignatureScheme::ECDSA_SECP256R1_SHA256)
    );
    for scheme in [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_SHA1,
    ] {
        assert_eq!(
            error(leaf(), allowed(), |credential| credential
                .credential_scheme =
                scheme),
            CheckError::SchemeNotAllowed(scheme)
        );
    }
}

#[test]
fn it_is_signed_as_tls13_signs() {
    let leaf = Leaf {
        algorithm: &rcgen::PKCS_RSA_SHA256,
        ..Leaf::default()
    }
    .issue();
    let pkcs1 = SignatureScheme::RSA_PKCS1_SHA256;
    assert_eq!(
        error(&leaf, allowed(), |credential| credential.scheme = pkcs1),
        CheckError::SchemeNotAllowed(pkcs1)
    );
    let verifying_only = Allowed {
        rsa_signing: false,
        ..allowed()
    };
    assert_eq!(
        error(&leaf, verifying_only, |credential| {
            credential.scheme = SignatureScheme::RSA_PSS_RSAE_SHA256;
        }),
        CheckError::SigningDisabled
    );
}

/// The credential is good for all of them, and for an address there is no rule.
#[test]
fn all_names_of_the_certificate_are_asked_of_policy() {
    let operation = operation();
    let rules = allowed().rules(leaf());
    let checked = operation.check(&rules).unwrap();
    let names = ["shop.example", "*.shop.example"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(checked.names(), &Names::Each(names));
    assert_eq!(checked.server_name(), None);

    let address = Leaf {
        names: vec![
            dns("shop.example"),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ],
        ..Leaf::default()
    }
    .issue();
    assert_eq!(error(&address, allowed(), |_| ()), CheckError::NameNotDns);
    let nameless = Leaf {
        names: Vec::new(),
        ..Leaf::default()
    }
    .issue();
    assert_eq!(
        error(&nameless, allowed(), |_| ()),
        CheckError::NumberOfNames { found: 0 }
    );
}

/// RFC 9345 §4, written out.
#[test]
fn what_is_signed_is_certificate_and_credential() {
    let operation = operation();
    let rules = allowed().rules(leaf());
    let OperationResult::Signature(signature) = operation
        .check(&rules)
        .unwrap()
        .perform(&leaf().key)
        .unwrap()
    else {
        panic!("no signature");
    };
    let asked = credential(leaf());
    let mut signed = vec![0x20; 64];
    signed.extend_from_slice(b"TLS, server delegated credentials\0");
    signed.extend_from_slice(&asked.certificate);
    signed.extend_from_slice(&asked.valid_time.to_be_bytes());
    signed.extend_from_slice(&[8, 7]);
    let len = u32::try_from(asked.public_key.len()).unwrap().to_be_bytes();
    signed.extend_from_slice(&len[1..]);
    signed.extend_from_slice(&asked.public_key);
    signed.extend_from_slice(&[4, 3]);
    let key = leaf().key.public_key();
    key.verify(SignatureAlgorithm::EcdsaSha256, &signed, &signature)
        .unwrap();

    let begin = 64 + 34 + asked.certificate.len();
    let whole = asked.into_credential(signature.clone()).to_bytes();
    let expected = [
        &signed[begin..],
        &u16::try_from(signature.len()).unwrap().to_be_bytes(),
        &signature,
    ];
    assert_eq!(whole, expected.concat());
}
