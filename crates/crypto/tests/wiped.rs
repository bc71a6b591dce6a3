//! What was a secret is not in memory any more when its owner has gone.
#![cfg(target_os = "linux")]

#[path = "support/own_memory.rs"]
mod own_memory;

use keyward_crypto::aead::{AeadAlgorithm, AeadKey};
use keyward_crypto::hkdf::Secret;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use own_memory::holds_complement_of;
use zeroize::Zeroizing;

/// The states of a handshake hand their secrets on, out of one box and into the next.
#[test]
fn a_secret_that_moves_leaves_no_copies() {
    let mut masked = [0; 48];
    SystemRandom.fill(&mut masked).unwrap();
    {
        let mut bytes = Zeroizing::new([0; 48]);
        for (byte, masked) in bytes.iter_mut().zip(masked) {
            *byte = !masked;
        }
        let state = Box::new((1_u64, Secret::from_slice(bytes.as_slice())));
        let (count, secret) = *state;
        let next = Box::new((secret.clone(), secret, count));
        assert!(holds_complement_of(&masked[24..]), "the search finds it");
        let (copy, ..) = *next;
        assert_eq!(copy.as_bytes(), bytes.as_slice());
    }
    assert!(!holds_complement_of(&masked[24..]));
}

/// The key is the first part of its own schedule.
#[test]
fn a_record_key_leaves_nothing_behind() {
    for algorithm in [
        AeadAlgorithm::Aes128Gcm,
        AeadAlgorithm::Aes256Gcm,
        AeadAlgorithm::Chacha20Poly1305,
    ] {
        let mut masked = [0; 32];
        let masked = &mut masked[..algorithm.key_len()];
        SystemRandom.fill(masked).unwrap();
        let key = {
            let mut bytes = Zeroizing::new([0; 32]);
            let bytes = &mut bytes[..algorithm.key_len()];
            for (byte, masked) in bytes.iter_mut().zip(masked.iter()) {
                *byte = !masked;
            }
            AeadKey::new(algorithm, bytes).unwrap()
        };
        assert!(holds_complement_of(masked), "the search finds it");
        let moved = Box::new((key, algorithm));
        drop(moved);
        assert!(!holds_complement_of(masked), "{algorithm:?}");
    }
}
