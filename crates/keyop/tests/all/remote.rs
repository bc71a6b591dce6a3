//! Operations with a key that is not in the process: what is asked of it, and what is made of its answer.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::rsa_kex::ImplicitRejection;
use keyward_crypto::signature::KeyKind;
use keyward_keyop::{KeyTask, OperationResult, PerformError, RemoteOperation};
use keyward_wire::values::SignatureScheme;
use zeroize::Zeroizing;

use crate::rsa_padding::{catalogue, classic, classic_secret};
use crate::support::identity::{Identity, WhichKey, ed25519, p256, p384, rsa};
use crate::support::rsa::RsaPublic;
use crate::support::tls12_rsa::{Handshake, PREMASTER};
use crate::support::{Allowed, tls13};

fn remote_signature(identity: &'static Identity) -> RemoteOperation {
    let scheme = match identity.key.public_key().kind() {
        KeyKind::EcP256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
        KeyKind::EcP384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
        KeyKind::Ed25519 => SignatureScheme::ED25519,
        _ => SignatureScheme::RSA_PSS_RSAE_SHA256,
    };
    let operation = tls13::handshake_with(identity, scheme).operation();
    let allowed = Allowed::default();
    let rules = allowed.rules(identity);
    operation.check(&rules).unwrap().for_remote_key()
}

fn remote_secret(handshake: Handshake) -> RemoteOperation {
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    let operation = handshake.operation();
    let rules = allowed.rules(identity);
    operation.check(&rules).unwrap().for_remote_key()
}

fn sign(identity: &Identity, task: &KeyTask) -> Vec<u8> {
    let KeyTask::Sign { algorithm, message } = task else {
        panic!("no signature is asked for")
    };
    identity.key.sign(*algorithm, message).unwrap()
}

#[test]
fn a_signature_is_verified_before_it_is_a_result() {
    for which in [p256 as WhichKey, p384, ed25519, rsa] {
        let identity = which();
        let operation = remote_signature(identity);
        let signature = sign(identity, operation.task().unwrap());
        let answer = Some(Zeroizing::new(signature.clone()));
        let Ok(OperationResult::Signature(result)) = operation.finish(answer, None) else {
            panic!("no signature")
        };
        assert_eq!(result, signature);

        for wrong in [
            None,
            Some(Vec::new()),
            Some(signature[1..].to_vec()),
            Some(vec![0; signature.len()]),
        ] {
            let answer = wrong.map(Zeroizing::new);
            let finished = remote_signature(identity).finish(answer, None);
            assert!(matches!(finished, Err(PerformError::Answer)));
        }
    }
}

#[test]
fn the_digest_is_that_of_the_message() {
    let operation = remote_signature(p384());
    let Some(task) = operation.task() else {
        panic!("nothing is asked for")
    };
    let KeyTask::Sign { message, .. } = &**task else {
        panic!("no signature is asked for")
    };
    let (hash, digest) = task.digest().unwrap();
    assert_eq!(hash, HashAlgorithm::Sha384);
    assert_eq!(*digest, *hash.digest(message));
    assert!(
        remote_signature(ed25519())
            .task()
            .unwrap()
            .digest()
            .is_none()
    );
}

fn rejection(identity: &Identity) -> ImplicitRejection {
    let question = ImplicitRejection::question(identity.key.public_key()).unwrap();
    ImplicitRejection::of_answer(&identity.key.rsa_decrypt_raw(&question).unwrap())
}

/// As a device does it that leaves out zeros in front, or not.
fn decrypt(identity: &Identity, task: &KeyTask, strip: bool) -> Zeroizing<Vec<u8>> {
    let KeyTask::RsaDecrypt { ciphertext } = task else {
        panic!("no decryption is asked for")
    };
    // Not every number can be decrypted by AWS-LC: 0, 1 and the one below the modulus stay what they are.
    let block = identity.key.rsa_decrypt_raw(ciphertext);
    let mut block = block.unwrap_or_else(|_| Zeroizing::new(ciphertext.clone()));
    if strip {
        let zeros = block.iter().take_while(|byte| **byte == 0).count();
        block.drain(..zeros);
    }
    block
}

fn secret(result: Result<OperationResult, PerformError>) -> [u8; 48] {
    match result.unwrap() {
        OperationResult::MasterSecret(secret) => secret.as_bytes().try_into().unwrap(),
        OperationResult::Signature(_) => panic!("a signature instead of a master secret"),
    }
}

#[test]
fn every_ciphertext_has_a_master_secret_of_its_own() {
    let public = RsaPublic::of(rsa());
    let good = public.encrypt_block(&public.pad(&PREMASTER));
    let mut ciphertexts = catalogue(&public);
    ciphertexts.push(("a good one", good));
    let rejection = rejection(rsa());
    let mut seen = Vec::new();
    for (name, ciphertext) in ciphertexts {
        let ask = |strip| {
            let operation = remote_secret(classic(&ciphertext));
            let answer = operation.task();
            let answer = answer.map(|task| decrypt(rsa(), task, strip));
            secret(operation.finish(answer, Some(&rejection)))
        };
        let first = ask(false);
        assert_eq!(first, ask(true), "{name}");
        assert!(!seen.contains(&first), "{name}");
        assert_eq!(
            first == classic_secret(&PREMASTER),
            name == "a good one",
            "{name}"
        );
        seen.push(first);
    }
}

#[test]
fn a_block_with_a_fault_is_no_result_however_it_is_padded() {
    let public = RsaPublic::of(rsa());
    let good = public.encrypt_block(&public.pad(&PREMASTER));
    let bad = public.encrypt_block(&[0x55; 256]);
    let rejection = rejection(rsa());
    for ciphertext in [good, bad] {
        let block = rsa().key.rsa_decrypt_raw(&ciphertext).unwrap();
        let mut longer = vec![0];
        longer.extend_from_slice(&block);
        let mut answers = vec![Vec::new(), longer, vec![0xff; 256], PREMASTER.to_vec()];
        for at in [0, 1, 2, 100, 255] {
            let mut fault = block.to_vec();
            fault[at] ^= 1;
            answers.push(fault);
        }
        for answer in answers {
            let operation = remote_secret(classic(&ciphertext));
            let finished = operation.finish(Some(Zeroizing::new(answer)), Some(&rejection));
            assert!(matches!(finished, Err(PerformError::Answer)));
        }
    }
}

#[test]
fn a_block_that_a_peer_hands_out_is_unpadded_here_and_no_answer_is_an_error() {
    const SUBSTITUTE: [u8; 48] = [0x5a; 48];
    let public = RsaPublic::of(rsa());
    let good = public.pad(&PREMASTER);
    let finish = |block: &[u8]| {
        let operation = remote_secret(classic(&public.encrypt_block(&good)));
        secret(operation.finish_unpadding(block, &SUBSTITUTE))
    };
    assert_eq!(finish(&good), classic_secret(&PREMASTER));
    // Not the block of this ciphertext, which a peer puts in the place of one that would tell; and what is none at all.
    let mut other = PREMASTER;
    other[40] ^= 1;
    assert_eq!(finish(&public.pad(&other)), classic_secret(&other));
    for block in [&[][..], &PREMASTER, &good[1..], &[0; 256], &[0xff; 256]] {
        assert_eq!(finish(block), classic_secret(&SUBSTITUTE));
    }
    let signature = remote_signature(p256()).finish_unpadding(&good, &SUBSTITUTE);
    assert!(matches!(signature, Err(PerformError::Answer)));
}
