use std::sync::Arc;

use keyward_crypto::hkdf::Secret;
use keyward_keyop::OperationResult;
use keyward_tls::{
    Answer, Credential, Error, KeyOperationFault, Need, ServerConfig, Step, VerifySignatures,
};
use keyward_wire::handshake;
use keyward_wire::values::{ContentType, HandshakeType, SignatureScheme};

use crate::support::{HandClient, KeyAlgorithm, Site, now};

/// Runs a handshake up to its signature, which `change` may change: the messages that the client saw
/// after Certificate, and how the step ended.
fn with_signature(
    site: &Arc<Site>,
    verify_signatures: VerifySignatures,
    change: impl FnOnce(Vec<u8>) -> OperationResult,
) -> (Vec<HandshakeType>, Result<(), Error>) {
    let config = ServerConfig {
        verify_signatures,
        ..ServerConfig::default()
    };
    let mut client = HandClient::with_config(site, config);
    client.hello.extensions.signature_algorithms = Some(vec![
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        SignatureScheme::ECDSA_SECP384R1_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::ED25519,
    ]);
    let hello = client.client_hello();
    client
        .server
        .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
    let id = loop {
        match client.server.step(now()).unwrap() {
            Step::Need(Need::KeyOperation(need)) => {
                let (id, operation) = need.into_parts();
                let OperationResult::Signature(signature) = site.perform(&operation) else {
                    panic!("a signature was asked for");
                };
                break Answer::key_operation(id, Ok(change(signature)));
            }
            Step::Need(need) => client.server.answer(site.answer(need)).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    client.server.answer(id).unwrap();
    let outcome = client.step();

    client.take_server_hello();
    let mut seen = Vec::new();
    for (content_type, content) in client.records() {
        if content_type == ContentType::HANDSHAKE {
            let messages = handshake::split(&content).map(Result::unwrap);
            seen.extend(messages.map(|message| message.message_type));
        }
    }
    (seen, outcome)
}

/// A site with a certificate of its own, whose sample starts afresh.
fn fresh_site(kind: KeyAlgorithm) -> Arc<Site> {
    let mut site = Site::new(&[kind]);
    let identity = site.identities[0].clone();
    let chain = identity.certificate.chain().to_vec();
    site.identities = vec![Arc::new(identity.with(Credential::new(chain).unwrap()))];
    Arc::new(site)
}

fn spoil(mut signature: Vec<u8>) -> OperationResult {
    let last = signature.len() - 1;
    signature[last] ^= 1;
    OperationResult::Signature(signature)
}

const WRONG: Error = Error::KeyOperation(KeyOperationFault::WrongSignature);

#[test]
fn a_wrong_signature_never_reaches_the_client() {
    for kind in [
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
        KeyAlgorithm::Rsa2048,
        KeyAlgorithm::Ed25519,
    ] {
        let site = fresh_site(kind);
        let (seen, outcome) = with_signature(&site, VerifySignatures::Always, spoil);
        assert_eq!(outcome, Err(WRONG));
        assert_eq!(
            seen,
            [
                HandshakeType::ENCRYPTED_EXTENSIONS,
                HandshakeType::CERTIFICATE
            ]
        );
    }
}

#[test]
fn a_master_secret_is_no_signature() {
    let site = fresh_site(KeyAlgorithm::P256);
    let (seen, outcome) = with_signature(&site, VerifySignatures::Always, |_| {
        OperationResult::MasterSecret(Secret::from_slice(&[0; 48]))
    });
    assert_eq!(
        outcome,
        Err(Error::KeyOperation(KeyOperationFault::WrongResult))
    );
    assert!(!seen.contains(&HandshakeType::CERTIFICATE_VERIFY));
}

/// Even where it is not its turn to be verified.
#[test]
fn a_signature_longer_than_its_message_allows_is_refused() {
    let site = fresh_site(KeyAlgorithm::P256);
    let sampled = VerifySignatures::Sampled;
    with_signature(&site, sampled, OperationResult::Signature)
        .1
        .unwrap();
    let long = |_| OperationResult::Signature(vec![0; 1 << 16]);
    assert_eq!(with_signature(&site, sampled, long).1, Err(WRONG));
}

#[test]
fn a_sample_is_the_first_and_those_after_a_wrong_one_and_rsa_always() {
    let sampled = VerifySignatures::Sampled;
    let site = fresh_site(KeyAlgorithm::P256);
    assert_eq!(
        with_signature(&site, sampled, spoil).1,
        Err(WRONG),
        "the first"
    );
    assert_eq!(
        with_signature(&site, sampled, spoil).1,
        Err(WRONG),
        "after a wrong one"
    );
    with_signature(&site, sampled, OperationResult::Signature)
        .1
        .unwrap();
    with_signature(&site, sampled, spoil)
        .1
        .expect("not its turn");
    for _ in 0..62 {
        with_signature(&site, sampled, OperationResult::Signature)
            .1
            .unwrap();
    }
    assert_eq!(
        with_signature(&site, sampled, spoil).1,
        Err(WRONG),
        "one in 64"
    );

    // A new connection to a key server.
    site.identities[0].certificate.verify_next_signature();
    assert_eq!(
        with_signature(&site, sampled, spoil).1,
        Err(WRONG),
        "the first on a connection"
    );

    let site = fresh_site(KeyAlgorithm::Rsa2048);
    with_signature(&site, sampled, OperationResult::Signature)
        .1
        .unwrap();
    assert_eq!(with_signature(&site, sampled, spoil).1, Err(WRONG), "RSA");
}
