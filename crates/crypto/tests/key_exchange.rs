//! Key exchange between both halves, and every public value that must be refused.

#[path = "support/hex.rs"]
mod support;

use keyward_crypto::key_exchange::{Group, KeyExchangeError, KeyPair, is_valid_public, respond};
use keyward_crypto::random::SystemRandom;
use support::hex;

const GROUPS: [Group; 6] = [
    Group::X25519MlKem768,
    Group::MlKem1024,
    Group::X25519,
    Group::Secp256r1,
    Group::Secp384r1,
    Group::Secp521r1,
];

/// Lengths in bytes of a client share, a server share and the shared secret (RFC 9846 §4.3.8, draft-ietf-tls-ecdhe-mlkem §4).
fn lengths(group: Group) -> (usize, usize, usize) {
    match group {
        Group::X25519MlKem768 => (1216, 1120, 64),
        Group::MlKem1024 => (1568, 1568, 32),
        Group::X25519 => (32, 32, 32),
        Group::Secp256r1 => (65, 65, 32),
        Group::Secp384r1 => (97, 97, 48),
        Group::Secp521r1 => (133, 133, 66),
        _ => unreachable!("finite fields have tests of their own"),
    }
}

#[test]
fn both_halves_agree() {
    for group in GROUPS {
        let client = KeyPair::generate(group).unwrap();
        let (server_share, server_secret) = respond(group, client.public(), &SystemRandom).unwrap();
        assert!(is_valid_public(group, client.public()));
        let (client_len, server_len, secret_len) = lengths(group);
        assert_eq!(client.public().len(), client_len);
        assert_eq!(server_share.len(), server_len);

        let client_secret = client.agree(&server_share).unwrap();
        assert_eq!(client_secret.as_bytes(), server_secret.as_bytes());
        assert_eq!(client_secret.as_bytes().len(), secret_len);
        assert_eq!(
            format!("{client_secret:?}"),
            format!("SharedSecret({secret_len} bytes)")
        );
    }
}

#[test]
fn two_exchanges_share_nothing() {
    for group in GROUPS {
        let client = KeyPair::generate(group).unwrap();
        let (first_share, first) = respond(group, client.public(), &SystemRandom).unwrap();
        let (second_share, second) = respond(group, client.public(), &SystemRandom).unwrap();
        assert_ne!(first_share, second_share);
        assert_ne!(first.as_bytes(), second.as_bytes());
    }
}

/// draft-ietf-tls-ecdhe-mlkem §4.3: the ML-KEM secret first, then X25519's.
#[test]
fn the_hybrid_is_its_two_parts() {
    use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
    use aws_lc_rs::kem::{DecapsulationKey, ML_KEM_768};

    let mlkem = DecapsulationKey::generate(&ML_KEM_768).unwrap();
    let x25519 = PrivateKey::generate(&X25519).unwrap();
    let encapsulation_key = mlkem.encapsulation_key().unwrap().key_bytes().unwrap();
    let x25519_public = x25519.compute_public_key().unwrap();
    let share = [encapsulation_key.as_ref(), x25519_public.as_ref()].concat();

    let (server_share, secret) = respond(Group::X25519MlKem768, &share, &SystemRandom).unwrap();
    let (ciphertext, x25519_share) = server_share.split_at(1088);
    let mlkem_secret = mlkem.decapsulate(ciphertext.into()).unwrap();
    let peer = UnparsedPublicKey::new(&X25519, x25519_share);
    let x25519_secret = agree(&x25519, peer, (), |secret| Ok(secret.to_vec())).unwrap();
    assert_eq!(
        secret.as_bytes(),
        [mlkem_secret.as_ref(), &x25519_secret].concat()
    );
}

/// FIPS 203 §6.3: a wrong ciphertext is rejected by a secret that nobody else knows, not by an error.
#[test]
fn a_wrong_mlkem_ciphertext_gives_another_secret() {
    let client = KeyPair::generate(Group::X25519MlKem768).unwrap();
    let (mut server_share, server_secret) =
        respond(Group::X25519MlKem768, client.public(), &SystemRandom).unwrap();
    server_share[100] ^= 1;
    let client_secret = client.agree(&server_share).unwrap();
    assert_ne!(
        client_secret.as_bytes()[..32],
        server_secret.as_bytes()[..32]
    );
    assert_eq!(
        client_secret.as_bytes()[32..],
        server_secret.as_bytes()[32..]
    );
}

/// FIPS 203 §7.2: coefficients must be below 3329; twelve set bits are 4095.
#[test]
fn an_mlkem_key_out_of_range_is_refused() {
    for (group, positions) in [
        (Group::X25519MlKem768, [0, 600, 1149]),
        (Group::MlKem1024, [0, 600, 1533]),
    ] {
        let client = KeyPair::generate(group).unwrap();
        for position in positions {
            let mut share = client.public().to_vec();
            share[position..position + 3].fill(0xff);
            assert_refused(group, &share);
        }
    }
}

#[test]
fn small_order_x25519_points_are_refused() {
    let points = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for point in points {
        let mut point = hex(point);
        for high_bit in [0, 0x80] {
            point[31] = point[31] & 0x7f | high_bit;
            assert_refused(Group::X25519, &point);

            let hybrid = KeyPair::generate(Group::X25519MlKem768).unwrap();
            let client_share = [&hybrid.public()[..1184], &point].concat();
            assert_refused(Group::X25519MlKem768, &client_share);
            let (server_share, _) =
                respond(Group::X25519MlKem768, hybrid.public(), &SystemRandom).unwrap();
            let server_share = [&server_share[..1088], &point].concat();
            assert_eq!(
                hybrid.agree(&server_share).unwrap_err(),
                KeyExchangeError::InvalidPeerShare
            );
        }
    }
}

#[test]
fn wrong_lengths_are_refused() {
    for group in GROUPS {
        let public = KeyPair::generate(group).unwrap().public().to_vec();
        for len in [0, 1, public.len() / 2, public.len() - 1] {
            assert_refused(group, &public[..len]);
        }
        assert_refused(group, &[&public[..], &[0]].concat());
        for other in GROUPS.into_iter().filter(|other| *other != group) {
            assert_refused(other, &public);
        }
    }
}

#[test]
fn points_off_the_curve_are_refused() {
    for group in [Group::Secp256r1, Group::Secp384r1] {
        let public = KeyPair::generate(group).unwrap().public().to_vec();
        for index in 1..public.len() {
            let mut wrong = public.clone();
            wrong[index] ^= 1;
            assert_refused(group, &wrong);
        }
        let mut zero = vec![0; public.len()];
        assert_refused(group, &zero);
        zero[0] = 4;
        assert_refused(group, &zero);
        // Coordinates not below the field's prime.
        let mut ones = vec![0xff; public.len()];
        ones[0] = 4;
        assert_refused(group, &ones);
        // The point at infinity.
        assert_refused(group, &[0]);
    }
}

/// RFC 9846 §4.3.8.2 has no other form than the uncompressed one, even for a point on the curve.
#[test]
fn other_forms_of_a_valid_point_are_refused() {
    use aws_lc_rs::agreement;
    use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPublicKeyCompressedBin, PublicKeyX509Der};

    let key = agreement::PrivateKey::generate(&agreement::ECDH_P256).unwrap();
    let public = key.compute_public_key().unwrap();
    assert!(is_valid_public(Group::Secp256r1, public.as_ref()));

    let compressed: EcPublicKeyCompressedBin<'_> = public.as_be_bytes().unwrap();
    assert_refused(Group::Secp256r1, compressed.as_ref());
    let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
    assert_refused(Group::Secp256r1, spki.as_ref());
    // The "hybrid" form: 6 or 7 by the parity of y, and both coordinates.
    let mut hybrid = public.as_ref().to_vec();
    hybrid[0] = 6 | hybrid[64] & 1;
    assert_refused(Group::Secp256r1, &hybrid);
}

#[test]
fn code_points_are_ianas() {
    for (group, code) in GROUPS
        .into_iter()
        .zip([0x11ec, 0x0202, 0x001d, 0x0017, 0x0018])
    {
        assert_eq!(group.code(), code);
        assert_eq!(Group::from_code(code), Some(group));
    }
    assert_eq!(
        (0..=u16::MAX).filter_map(Group::from_code).count(),
        Group::ALL.len()
    );
}

/// All three ways to meet a public value refuse it.
fn assert_refused(group: Group, public: &[u8]) {
    assert_eq!(
        respond(group, public, &SystemRandom).unwrap_err(),
        KeyExchangeError::InvalidPeerShare,
        "{group:?}: {public:02x?}"
    );
    assert!(!is_valid_public(group, public), "{group:?}: {public:02x?}");
    // A server's share is another thing there.
    if !group.is_post_quantum() {
        let error = KeyPair::generate(group).unwrap().agree(public).unwrap_err();
        assert_eq!(
            error,
            KeyExchangeError::InvalidPeerShare,
            "{group:?}: {public:02x?}"
        );
    }
}
