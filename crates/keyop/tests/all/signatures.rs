//! From an operation to a signature that verifies with the public key.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{
    CheckedOperation, KeyRules, Operation, OperationResult, PerformError, tls12, tls13,
};
use keyward_wire::handshake::to_message;
use keyward_wire::values::{CipherSuite, SignatureScheme};

use crate::support::identity::{Identity, WhichKey, ed25519, other_p256, p256, p384, rsa};
use crate::support::{Allowed, tls12_ecdhe, tls13 as handshake13};

fn perform(operation: &Operation, identity: &Identity, allowed: Allowed) -> Vec<u8> {
    let rules = allowed.rules(identity);
    match operation
        .check(&rules)
        .unwrap()
        .perform(&identity.key)
        .unwrap()
    {
        OperationResult::Signature(signature) => signature,
        OperationResult::MasterSecret(_) => panic!("a master secret instead of a signature"),
    }
}

fn verifies(
    identity: &Identity,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let algorithm = SignatureAlgorithm::from_code(scheme.0).unwrap();
    identity
        .key
        .public_key()
        .verify(algorithm, message, signature)
        .is_ok()
}

const TLS13_SCHEMES: [(WhichKey, SignatureScheme); 4] = [
    (p256, SignatureScheme::ECDSA_SECP256R1_SHA256),
    (p384, SignatureScheme::ECDSA_SECP384R1_SHA384),
    (rsa, SignatureScheme::RSA_PSS_RSAE_SHA256),
    (ed25519, SignatureScheme::ED25519),
];

#[test]
fn tls13_signs_the_transcript() {
    let suites = [
        (CipherSuite::TLS_AES_128_GCM_SHA256, HashAlgorithm::Sha256),
        (CipherSuite::TLS_AES_256_GCM_SHA384, HashAlgorithm::Sha384),
        (
            CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
            HashAlgorithm::Sha256,
        ),
    ];
    for (identity, scheme) in TLS13_SCHEMES {
        for (suite, hash) in suites {
            let identity = identity();
            let mut handshake = handshake13::handshake_with(identity, scheme);
            handshake.server_hello.cipher_suite = suite;
            let transcript_hash = hash.digest(&handshake.messages().concat());
            let signature = perform(&handshake.operation(), identity, Allowed::default());

            // RFC 9846 §4.5.2, written out.
            let mut signed = vec![0x20; 64];
            signed.extend_from_slice(b"TLS 1.3, server CertificateVerify\0");
            signed.extend_from_slice(&transcript_hash);
            assert!(
                verifies(identity, scheme, &signed, &signature),
                "{scheme} {suite}"
            );
            assert_eq!(
                signed,
                tls13::server_certificate_verify_message(&transcript_hash)
            );

            *signed.last_mut().unwrap() ^= 1;
            assert!(
                !verifies(identity, scheme, &signed, &signature),
                "{scheme} {suite}"
            );
        }
    }
}

#[test]
fn after_a_retry_the_first_client_hello_counts_as_its_hash() {
    let mut handshake = handshake13::retried();
    handshake.certificate_request = Some(handshake13::certificate_request());
    let messages = handshake.messages();
    let mut transcript = vec![254, 0, 0, 32];
    transcript.extend_from_slice(&HashAlgorithm::Sha256.digest(&messages[0]));
    transcript.extend(messages[1..].concat());
    let transcript_hash = HashAlgorithm::Sha256.digest(&transcript);

    let scheme = handshake.scheme;
    let signature = perform(&handshake.operation(), p256(), Allowed::default());
    let signed = tls13::server_certificate_verify_message(&transcript_hash);
    assert!(verifies(p256(), scheme, &signed, &signature));
}

#[test]
fn tls12_signs_randoms_and_params() {
    let ecdsa = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let with_rsa = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    let cases: [(WhichKey, CipherSuite, SignatureScheme); 6] = [
        (p256, ecdsa, SignatureScheme::ECDSA_SECP256R1_SHA256),
        (p256, ecdsa, SignatureScheme::ECDSA_SECP384R1_SHA384),
        (p384, ecdsa, SignatureScheme::ECDSA_SECP256R1_SHA256),
        (ed25519, ecdsa, SignatureScheme::ED25519),
        (rsa, with_rsa, SignatureScheme::RSA_PKCS1_SHA256),
        (rsa, with_rsa, SignatureScheme::RSA_PSS_RSAE_SHA256),
    ];
    for (identity, suite, scheme) in cases {
        let identity = identity();
        let handshake = tls12_ecdhe::handshake_with(identity, suite, scheme);
        let client_random = handshake.client_hello.random;
        let server_random = handshake.server_hello.random;
        let params = handshake.params.clone();
        let signature = perform(&handshake.operation(), identity, Allowed::default());

        let signed = [&client_random[..], &server_random[..], &params[..]].concat();
        assert!(verifies(identity, scheme, &signed, &signature), "{scheme}");
        assert_eq!(
            signed,
            tls12::server_key_exchange_message(&client_random, &server_random, &params)
        );
        assert!(
            !verifies(identity, scheme, &signed[1..], &signature),
            "{scheme}"
        );
    }
}

#[test]
fn another_private_key_is_refused() {
    let handshake = handshake13::handshake();
    let operation = handshake.operation();
    let checked = operation.check(&Allowed::default().rules(p256())).unwrap();
    assert!(matches!(
        checked.perform(&other_p256().key),
        Err(PerformError::WrongKey)
    ));
}

#[test]
fn what_is_performed_here_proves_its_key_scheme_and_message_and_no_other() {
    for (identity, scheme) in TLS13_SCHEMES {
        let identity = identity();
        let mut handshake = handshake13::handshake_with(identity, scheme);
        handshake.server_hello.cipher_suite = CipherSuite::TLS_AES_128_GCM_SHA256;
        let hash = HashAlgorithm::Sha256.digest(&handshake.messages().concat());
        let operation = handshake.operation();
        let checked = operation
            .check(&Allowed::default().rules(identity))
            .unwrap();
        let performed = checked.perform_here(&identity.key).unwrap();

        let mut message = tls13::server_certificate_verify_message(&hash);
        let key = identity.key.public_key();
        let algorithm = SignatureAlgorithm::from_code(scheme.0).unwrap();
        assert!(performed.is_signature_of(key, algorithm, &message));
        let others = SignatureAlgorithm::ALL.into_iter();
        for other in others.filter(|other| *other != algorithm) {
            assert!(!performed.is_signature_of(key, other, &message));
        }
        let other_key = other_p256().key.public_key();
        assert!(!performed.is_signature_of(other_key, algorithm, &message));
        *message.last_mut().unwrap() ^= 1;
        assert!(!performed.is_signature_of(key, algorithm, &message));
        message.pop();
        assert!(!performed.is_signature_of(key, algorithm, &message));
    }
}

#[test]
fn the_server_name_comes_out_for_policy() {
    fn name(operation: &Operation, rules: &KeyRules<'_>) -> Option<String> {
        operation
            .check(rules)
            .unwrap()
            .server_name()
            .map(str::to_owned)
    }
    let rules = Allowed::default().rules(p256());
    assert_eq!(
        name(&handshake13::handshake().operation(), &rules).as_deref(),
        Some("shop.example")
    );
    assert_eq!(
        name(&tls12_ecdhe::handshake().operation(), &rules).as_deref(),
        Some("shop.example")
    );
    let mut nameless = handshake13::handshake();
    nameless.client_hello.extensions.server_name = None;
    assert_eq!(name(&nameless.operation(), &rules), None);
}

#[test]
fn the_proof_shows_what_it_is_and_no_bytes() {
    let operation = handshake13::handshake().operation();
    let checked: CheckedOperation<'_> = operation.check(&Allowed::default().rules(p256())).unwrap();
    let expected =
        r#"CheckedOperation { task: "Sign", names: ServerName(Some("shop.example")), .. }"#;
    assert_eq!(format!("{checked:?}"), expected);
}

#[test]
fn a_transcript_without_retry_is_the_plain_hash() {
    let hello = to_message(&handshake13::handshake().client_hello);
    let hash = HashAlgorithm::Sha256;
    assert_eq!(
        tls13::transcript_hash(&hello, hash),
        Ok(hash.digest(&hello))
    );
    assert!(tls13::transcript_hash(&hello[..10], hash).is_err());
}
