//! The TLS 1.2 PRF against published values and against its definition.

#[path = "support/hex.rs"]
mod support;

use keyward_crypto::hash::HashAlgorithm::{self, Sha256, Sha384, Sha512};
use keyward_crypto::hmac::HmacKey;
use keyward_crypto::prf::tls12;
use proptest::prelude::*;
use support::hex;

/// The test vectors of the TLS working group's list ("Test vectors for TLS 1.2 PRF").
#[test]
fn published_vectors() {
    let cases = [
        (
            Sha256,
            "9bbe436ba940f017b17652849a71db35",
            "a0ba9f936cda311827a6f796ffd5198c",
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a
             6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab
             4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701
             87347b66",
        ),
        (
            Sha384,
            "b80b733d6ceefcdc71566ea48e5567df",
            "cd665cf6a8447dd6ff8b27555edb7465",
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd
             e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd
             8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425
             9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6
             91c8f3a26854308d5eaa3be85e0990703d73e56f",
        ),
    ];
    for (hash, secret, seed, expected) in cases {
        let (seed, expected) = (hex(seed), hex(expected));
        let mut out = vec![0; expected.len()];
        tls12(
            hash,
            &hex(secret),
            b"test label",
            &[&seed[..5], &seed[5..]],
            &mut out,
        );
        assert_eq!(out, expected, "{hash:?}");
    }
}

#[test]
fn nothing_asked_for_is_nothing_written() {
    tls12(Sha256, b"secret", b"label", &[], &mut []);
}

/// RFC 5246 §5 spelled out with HMAC:
///
/// ```text
/// PRF(secret, label, seed) = P_<hash>(secret, label + seed)
/// P_hash(secret, seed) = HMAC_hash(secret, A(1) + seed) + HMAC_hash(secret, A(2) + seed) + ...
/// A(0) = seed, A(i) = HMAC_hash(secret, A(i-1))
/// ```
fn spelled_out(
    hash: HashAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: &[u8],
    len: usize,
) -> Vec<u8> {
    let key = HmacKey::new(hash, secret);
    let label_and_seed = [label, seed].concat();
    let (mut a, mut out) = (label_and_seed.clone(), Vec::new());
    while out.len() < len {
        a = key.sign(&[&a]).to_vec();
        out.extend_from_slice(&key.sign(&[&a, &label_and_seed]));
    }
    out.truncate(len);
    out
}

proptest! {
    #[test]
    fn same_as_spelled_out(
        hash in prop_oneof![Just(Sha256), Just(Sha384), Just(Sha512)],
        secret in prop::collection::vec(any::<u8>(), 1..200),
        label in prop::collection::vec(any::<u8>(), 0..30),
        seed in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70), 0..4),
        len in 0_usize..300,
    ) {
        let parts: Vec<&[u8]> = seed.iter().map(Vec::as_slice).collect();
        let mut out = vec![0; len];
        tls12(hash, &secret, &label, &parts, &mut out);
        prop_assert_eq!(out, spelled_out(hash, &secret, &label, &seed.concat(), len));
    }
}
