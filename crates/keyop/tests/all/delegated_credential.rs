//! A TLS 1.3 server that signs with the key of a delegated credential (RFC 9345).

use std::sync::OnceLock;

use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::delegated_credential::{InvalidDelegation, verify};
use keyward_keyop::tls13::server_delegated_credential_message;
use keyward_keyop::{CheckError, Operation};
use keyward_wire::codec::Encode;
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::values::SignatureScheme;
use rcgen::{CertificateParams, CustomExtension, KeyPair, KeyUsagePurpose};

use crate::support::check;
use crate::support::identity::{ed25519, other_p256, p256, rsa};
use crate::support::tls13::{Handshake, handshake};

/// A certificate that may delegate, and its key.
struct Delegator {
    key: PrivateKey,
    certificate: Vec<u8>,
}

fn delegator() -> &'static Delegator {
    static DELEGATOR: OnceLock<Delegator> = OnceLock::new();
    DELEGATOR.get_or_init(|| {
        let mut params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = [1, 3, 6, 1, 4, 1, 44363, 44];
        let usage = CustomExtension::from_oid_content(&usage, vec![5, 0]);
        params.custom_extensions = vec![usage];
        let key = KeyPair::generate().unwrap();
        Delegator {
            key: PrivateKey::from_der(&key.serialize_der()).unwrap(),
            certificate: params.self_signed(&key).unwrap().der().to_vec(),
        }
    })
}

/// One for the Ed25519 key, signed after `change`.
fn credential(change: impl FnOnce(&mut DelegatedCredential)) -> DelegatedCredential {
    let mut credential = DelegatedCredential {
        valid_time: 86_400,
        dc_cert_verify_algorithm: SignatureScheme::ED25519,
        subject_public_key_info: ed25519().key.public_key().spki_der().to_vec(),
        algorithm: SignatureScheme::ECDSA_SECP256R1_SHA256,
        signature: Vec::new(),
    };
    change(&mut credential);
    let message = server_delegated_credential_message(&delegator().certificate, &credential);
    credential.signature = delegator()
        .key
        .sign(SignatureAlgorithm::EcdsaSha256, &message)
        .unwrap();
    credential
}

/// A handshake with it.
fn delegated(credential: &DelegatedCredential) -> Handshake {
    let mut handshake = handshake();
    handshake.identity = ed25519();
    handshake.scheme = SignatureScheme::ED25519;
    let leaf = &mut handshake.certificate.certificate_list[0];
    leaf.cert_data.clone_from(&delegator().certificate);
    leaf.extensions.delegated_credential = Some(credential.to_bytes());
    handshake.client_hello.extensions.delegated_credential = Some(vec![
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        SignatureScheme::ED25519,
    ]);
    handshake
}

fn outcome(handshake: Handshake) -> Result<(), CheckError> {
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    let operation: Operation = handshake.operation();
    check(&operation, &allowed.rules(identity))
}

#[test]
fn its_key_signs() {
    assert_eq!(outcome(delegated(&credential(|_| ()))), Ok(()));
    let delegation = verify(
        &credential(|_| ()),
        &delegator().certificate,
        delegator().key.public_key(),
    )
    .unwrap();
    assert_eq!(&delegation.public_key, ed25519().key.public_key());
}

#[test]
fn the_certificates_own_key_does_not_where_another_is_delegated_to() {
    let mut handshake = delegated(&credential(|_| ()));
    handshake.identity = other_p256();
    assert_eq!(outcome(handshake), Err(CheckError::CertificateOfAnotherKey));
}

#[test]
fn the_client_must_take_it() {
    type Change = fn(&mut Handshake);
    let changes: [(Change, SignatureScheme); 3] = [
        (
            |h| h.client_hello.extensions.delegated_credential = None,
            SignatureScheme::ED25519,
        ),
        (
            |h| {
                h.client_hello.extensions.delegated_credential =
                    Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]);
            },
            SignatureScheme::ED25519,
        ),
        (
            |h| {
                h.client_hello.extensions.signature_algorithms =
                    Some(vec![SignatureScheme::ED25519]);
            },
            SignatureScheme::ECDSA_SECP256R1_SHA256,
        ),
    ];
    for (change, missing) in changes {
        let mut handshake = delegated(&credential(|_| ()));
        change(&mut handshake);
        assert_eq!(
            outcome(handshake),
            Err(CheckError::SchemeNotOffered(missing))
        );
    }
}

#[test]
fn one_that_is_not_valid_is_refused() {
    let mut spoilt = credential(|_| ());
    *spoilt.signature.last_mut().unwrap() ^= 1;
    let mut longer = credential(|_| ());
    longer.valid_time += 1;
    let rsa_key = credential(|credential| {
        credential.subject_public_key_info = rsa().key.public_key().spki_der().to_vec();
        credential.dc_cert_verify_algorithm = SignatureScheme::RSA_PSS_RSAE_SHA256;
    });
    let unfit = credential(|credential| {
        credential.dc_cert_verify_algorithm = SignatureScheme::ECDSA_SECP256R1_SHA256;
    });
    let noise = credential(|credential| credential.subject_public_key_info = vec![1, 2, 3]);
    let scheme = credential(|c| c.algorithm = SignatureScheme::RSA_PSS_RSAE_SHA256);
    for (credential, expected) in [
        (spoilt, InvalidDelegation::Signature),
        (longer, InvalidDelegation::Signature),
        (rsa_key, InvalidDelegation::Scheme),
        (unfit, InvalidDelegation::Scheme),
        (noise, InvalidDelegation::Key),
        (scheme, InvalidDelegation::DelegationScheme),
    ] {
        let mut handshake = delegated(&credential);
        handshake.scheme = credential.dc_cert_verify_algorithm;
        let error = CheckError::DelegatedCredential(expected);
        assert!(error.to_string().contains(expected.reason()));
        assert_eq!(outcome(handshake), Err(error));
    }
}

/// RFC 9345 §4.2: "An endpoint MUST NOT accept a delegated credential unless the peer's end-entity certificate
/// satisfies the following criteria".
#[test]
fn a_certificate_that_may_not_delegate_is_refused() {
    let mut handshake = delegated(&credential(|_| ()));
    let leaf = &mut handshake.certificate.certificate_list[0];
    leaf.cert_data.clone_from(&p256().certificate);
    assert_eq!(
        outcome(handshake),
        Err(CheckError::DelegatedCredential(
            InvalidDelegation::NotAllowed
        ))
    );
}

#[test]
fn another_scheme_than_its_own_is_refused() {
    let mut handshake = delegated(&credential(|_| ()));
    handshake.scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
    assert_eq!(
        outcome(handshake),
        Err(CheckError::SchemeKeyMismatch(
            SignatureScheme::ECDSA_SECP256R1_SHA256
        ))
    );
}

#[test]
fn one_beside_another_certificate_is_not_looked_at() {
    let mut handshake = handshake();
    let mut second = handshake.certificate.certificate_list[0].clone();
    second.extensions.delegated_credential = Some(vec![1, 2, 3]);
    handshake.certificate.certificate_list.push(second);
    assert_eq!(outcome(handshake), Ok(()));
}
