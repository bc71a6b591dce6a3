//! Key exchange with private halves that are known, and randomness that repeats itself.

use keyward_crypto::CryptoError;
use keyward_crypto::key_exchange::{Group, KeyExchangeError, KeyPair, respond};
use keyward_crypto::random::{SecureRandom, SystemRandom};

/// Everything it gives is made of this byte.
#[derive(Debug)]
struct Constant(u8);

impl SecureRandom for Constant {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        out.fill(self.0);
        Ok(())
    }

    fn key_pair(&self, group: Group) -> Result<KeyPair, KeyExchangeError> {
        KeyPair::from_private(group, &vec![self.0; private_len(group)])
    }
}

fn private_len(group: Group) -> usize {
    match group {
        Group::Secp384r1 => 48,
        Group::Secp521r1 => 66,
        _ => 32,
    }
}

const GROUPS: [Group; 6] = [
    Group::X25519,
    Group::Secp256r1,
    Group::Secp384r1,
    Group::Secp521r1,
    Group::Ffdhe2048,
    Group::Ffdhe3072,
];

/// The first byte of a P-521 scalar is 0 or 1, so that all of them are 1.
const ONES: Constant = Constant(1);

#[test]
fn one_private_half_gives_one_key_pair() {
    for group in GROUPS {
        let [first, second] = [(); 2].map(|()| ONES.key_pair(group).unwrap());
        assert_eq!(first.public(), second.public(), "{group:?}");
        assert_ne!(
            first.public(),
            SystemRandom.key_pair(group).unwrap().public()
        );
        let peer = KeyPair::generate(group).unwrap();
        let one = first.agree(peer.public()).unwrap();
        let (public, other) = respond(group, peer.public(), &ONES).unwrap();
        assert_eq!(
            public,
            second.public(),
            "the answer is with the source's pair"
        );
        assert_eq!(one.as_bytes(), other.as_bytes());
        assert_eq!(peer.agree(&public).unwrap().as_bytes(), one.as_bytes());
    }
}

#[test]
fn what_is_no_private_half_is_refused() {
    let failed = |group, private: &[u8]| {
        matches!(
            KeyPair::from_private(group, private),
            Err(KeyExchangeError::Failed(_))
        )
    };
    for group in [
        Group::X25519,
        Group::Secp256r1,
        Group::Secp384r1,
        Group::Secp521r1,
    ] {
        assert!(failed(group, &vec![1; private_len(group) - 1]), "{group:?}");
        assert!(failed(group, &[]), "{group:?}");
    }
    for group in [Group::Secp256r1, Group::Secp384r1, Group::Secp521r1] {
        assert!(failed(group, &vec![0; private_len(group)]), "{group:?}");
        assert!(failed(group, &vec![0xff; private_len(group)]), "{group:?}");
    }
    for group in [Group::Ffdhe2048, Group::Ffdhe8192] {
        assert!(failed(group, &[]), "{group:?}");
        assert!(failed(group, &[0; 32]), "{group:?}");
    }
    // Its private half is a seed, which nothing here hands out.
    assert!(failed(Group::X25519MlKem768, &[1; 96]));
}
