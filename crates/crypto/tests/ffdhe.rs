//! Diffie-Hellman in the named finite fields (RFC 7919), and every public value that must be refused.

use keyward_crypto::key_exchange::{
    FFDHE_GENERATOR, Group, KeyExchangeError, KeyPair, is_valid_public, respond,
};
use keyward_crypto::random::SystemRandom;

const GROUPS: [(Group, usize); 5] = [
    (Group::Ffdhe2048, 256),
    (Group::Ffdhe3072, 384),
    (Group::Ffdhe4096, 512),
    (Group::Ffdhe6144, 768),
    (Group::Ffdhe8192, 1024),
];

#[test]
fn both_halves_agree_in_every_group() {
    for (group, len) in GROUPS {
        let server = KeyPair::generate(group).unwrap();
        let (client_public, client_secret) =
            respond(group, server.public(), &SystemRandom).unwrap();
        assert_eq!(server.public().len(), len);
        assert_eq!(client_public.len(), len);
        assert!(is_valid_public(group, &client_public));
        let server_secret = server.agree(&client_public).unwrap();
        assert_eq!(client_secret.as_bytes(), server_secret.as_bytes());
    }
}

#[test]
fn two_exchanges_share_nothing() {
    let (first, second) = (key(), key());
    let (first_public, first_secret) =
        respond(Group::Ffdhe2048, first.public(), &SystemRandom).unwrap();
    let (second_public, second_secret) =
        respond(Group::Ffdhe2048, first.public(), &SystemRandom).unwrap();
    assert_ne!(first.public(), second.public());
    assert_ne!(first_public, second_public);
    assert_ne!(first_secret.as_bytes(), second_secret.as_bytes());
}

/// The secret is g^(xy) mod p: with the peer's public value 2^k and 2 as the base, it is our public value to the k-th
/// power, which is seen from outside.
#[test]
fn the_secret_is_the_peers_value_to_our_exponent() {
    use num_bigint::BigUint;
    for (group, len) in GROUPS {
        let ours = KeyPair::generate(group).unwrap();
        let public = BigUint::from_bytes_be(ours.public());
        let p = prime(group, len);
        let k = 5_u32;
        let mut peer = vec![0; len];
        peer[len - 1] = 1 << k;
        let secret = ours.agree(&peer).unwrap();
        let expected = public.modpow(&BigUint::from(k), &p);
        assert_eq!(secret.as_bytes(), expected.to_bytes_be(), "{group:?}");
    }
}

/// RFC 5246 §8.1.2: "Leading bytes of Z that contain all zero bits are stripped". One exchange in 256 has such a byte; the
/// test above says that what is left is the number.
#[test]
fn leading_zeros_of_the_secret_are_dropped() {
    let found = (0..20_000).any(|_| {
        let mut four = vec![0; 256];
        four[255] = 4;
        let (_, secret) = respond(Group::Ffdhe2048, &four, &SystemRandom).unwrap();
        assert_ne!(secret.as_bytes()[0], 0);
        secret.as_bytes().len() < 256
    });
    assert!(found, "a secret with a zero in front");
}

/// RFC 5246 §4.4: "leading zero octets are not required even if the most significant bit is set".
#[test]
fn a_public_value_may_come_without_zeros_in_front() {
    let ours = key();
    let mut padded = vec![0; 256];
    padded[255] = 64;
    assert!(is_valid_public(Group::Ffdhe2048, &[64]));
    assert!(is_valid_public(Group::Ffdhe2048, &padded));
    let expected = {
        let p = prime(Group::Ffdhe2048, 256);
        num_bigint::BigUint::from_bytes_be(ours.public()).modpow(&6_u32.into(), &p)
    };
    assert_eq!(
        ours.agree(&[64]).unwrap().as_bytes(),
        expected.to_bytes_be()
    );
}

/// RFC 7919 §5.1: 1 < Y < p - 1, and no more bytes than p has.
#[test]
fn values_out_of_range_are_refused() {
    for (group, len) in GROUPS {
        let p = prime(group, len);
        let below = |distance: u32| (&p - distance).to_bytes_be();
        let above = (&p + 1_u32).to_bytes_be();
        let one = [vec![0; len - 1], vec![1]].concat();
        let too_long = [vec![0], vec![2; len]].concat();
        for value in [
            Vec::new(),
            vec![0],
            vec![1],
            vec![0; len],
            one,
            below(1),
            below(0),
            above,
            vec![0xff; len],
            too_long,
        ] {
            assert!(!is_valid_public(group, &value));
            assert_eq!(
                respond(group, &value, &SystemRandom).unwrap_err(),
                KeyExchangeError::InvalidPeerShare
            );
        }
        assert!(is_valid_public(group, &[2]));
        assert!(is_valid_public(group, &below(2)));
    }
    assert_eq!(
        key().agree(&[1]).unwrap_err(),
        KeyExchangeError::InvalidPeerShare
    );
}

#[test]
fn code_points_are_those_of_rfc_7919() {
    let codes: Vec<_> = GROUPS.iter().map(|(group, _)| group.code()).collect();
    assert_eq!(codes, [0x0100, 0x0101, 0x0102, 0x0103, 0x0104]);
    for group in Group::ALL {
        assert_eq!(Group::from_code(group.code()), Some(group));
        assert_eq!(group.is_ffdhe(), (0x0100..=0x01ff).contains(&group.code()));
    }
}

fn key() -> KeyPair {
    KeyPair::generate(Group::Ffdhe2048).unwrap()
}

/// p, computed here another way than in the library: e by its series, in big integers.
fn prime(group: Group, len: usize) -> num_bigint::BigUint {
    use num_bigint::BigUint;
    let x: u32 = match group {
        Group::Ffdhe2048 => 560_316,
        Group::Ffdhe3072 => 2_625_351,
        Group::Ffdhe4096 => 5_736_041,
        Group::Ffdhe6144 => 15_705_020,
        Group::Ffdhe8192 => 10_965_728,
        _ => unreachable!("no finite field"),
    };
    let one = BigUint::from(1_u32);
    let bits = 8 * len;
    let guard = 64;
    let mut term = &one << (bits - 130 + guard);
    let mut sum = BigUint::ZERO;
    let mut k = 0_u32;
    while term > BigUint::ZERO {
        sum += &term;
        k += 1;
        term /= k;
    }
    let e = sum >> guard;
    (&one << bits) - (&one << (bits - 64)) + ((e + x) << 64_u32) - one
}

#[test]
fn a_field_is_known_by_its_prime_and_generator_and_by_nothing_less() {
    for group in Group::ALL {
        let Some(prime) = group.prime() else {
            assert!(!group.is_ffdhe());
            continue;
        };
        assert_eq!(Group::from_prime(&prime, &FFDHE_GENERATOR), Some(group));
        assert_eq!(Group::from_prime(&prime, &[5]), None);
        assert_eq!(Group::from_prime(&prime, &[]), None);
        assert_eq!(Group::from_prime(&prime[1..], &FFDHE_GENERATOR), None);
        for at in [0, prime.len() / 2, prime.len() - 1] {
            let mut other = prime.clone();
            other[at] ^= 2;
            assert_eq!(Group::from_prime(&other, &FFDHE_GENERATOR), None);
        }
    }
}
