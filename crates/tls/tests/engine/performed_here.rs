//! A key in the same process: the proof that it signed takes the place of a verification, for the handshake that it
//! signed and for no other.

use std::sync::Arc;

use keyward_keyop::Performed;
use keyward_tls::{
    Answer, Error, KeyOperationFault, Need, NeedId, ServerConfig, Step, VerifySignatures,
};
use keyward_wire::values::{ContentType, SignatureScheme};

use crate::support::{HandClient, KeyAlgorithm, Site, now};

const SAMPLED: VerifySignatures = VerifySignatures::Sampled;
const WRONG: Error = Error::KeyOperation(KeyOperationFault::WrongSignature);

/// A server that waits for its signature, and the signature.
fn asked(site: &Arc<Site>, verify: VerifySignatures) -> (HandClient, NeedId, Performed) {
    let config = ServerConfig {
        verify_signatures: verify,
        ..ServerConfig::default()
    };
    let mut client = HandClient::with_config(site, config);
    client.hello.extensions.signature_algorithms = Some(vec![
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::ED25519,
    ]);
    let hello = client.client_hello();
    let record = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.server.receive(&record);
    loop {
        match client.server.step(now()).unwrap() {
            Step::Need(Need::KeyOperation(need)) => {
                let (id, operation) = need.into_parts();
                return (client, id, site.perform_here(&operation));
            }
            Step::Need(need) => client.server.answer(site.answer(need)).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

fn outcome(mut client: HandClient, answer: Answer) -> Result<(), Error> {
    client.server.answer(answer).unwrap();
    client.step()
}

#[test]
fn what_a_key_here_has_signed_is_sent() {
    for kind in [
        KeyAlgorithm::P256,
        KeyAlgorithm::Rsa2048,
        KeyAlgorithm::Ed25519,
    ] {
        let site = Arc::new(Site::new(&[kind]));
        for verify in [SAMPLED, VerifySignatures::Always] {
            let (client, id, performed) = asked(&site, verify);
            outcome(client, Answer::performed(id, performed)).unwrap();
        }
    }
}

/// Of the same key: what would be for the sample to find were it told by somebody is known of a proof.
#[test]
fn a_proof_is_for_its_own_handshake() {
    for kind in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
        let site = Arc::new(Site::new(&[kind]));
        for verify in [SAMPLED, VerifySignatures::Always] {
            for _ in 0..3 {
                let (client, id, _) = asked(&site, verify);
                let (_, _, of_another) = asked(&site, verify);
                let answer = Answer::performed(id, of_another);
                assert_eq!(outcome(client, answer), Err(WRONG));
            }
        }
    }
}

#[test]
fn a_proof_is_for_its_own_key() {
    let [p256, rsa] =
        [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048].map(|kind| Arc::new(Site::new(&[kind])));
    for (site, other) in [(&p256, &rsa), (&rsa, &p256)] {
        let (client, id, _) = asked(site, SAMPLED);
        let (_, _, of_another) = asked(other, SAMPLED);
        let answer = Answer::performed(id, of_another);
        assert_eq!(outcome(client, answer), Err(WRONG));
    }
}

/// A result without its proof is what anybody could have told.
#[test]
fn a_result_that_is_told_is_verified_wherever_it_comes_from() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::Rsa2048]));
    let (client, id, _) = asked(&site, SAMPLED);
    let (_, _, of_another) = asked(&site, SAMPLED);
    let answer = Answer::key_operation(id, Ok(of_another.into_result()));
    assert_eq!(outcome(client, answer), Err(WRONG));
}
