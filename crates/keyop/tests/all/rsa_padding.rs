//! RSA key transport against every kind of malformed ciphertext: always a master secret, never an
//! error, and nothing to learn from asking again.

use keyward_crypto::hash::HashAlgorithm;
use keyward_keyop::OperationResult;
use keyward_keyop::tls12::{MasterSecretSeed, master_secret};
use keyward_wire::values::{CipherSuite, ProtocolVersion};
use num_bigint::BigUint;

use crate::support::identity;
use crate::support::rsa::RsaPublic;
use crate::support::tls12_rsa::{Handshake, PREMASTER, handshake};

type Secret = [u8; 48];

fn perform(handshake: Handshake) -> Secret {
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    let operation = handshake.operation();
    let checked = operation.check(&allowed.rules(identity)).unwrap();
    match checked.perform(&identity.key).unwrap() {
        OperationResult::MasterSecret(secret) => secret.as_bytes().try_into().unwrap(),
        OperationResult::Signature(_) => panic!("a signature instead of a master secret"),
    }
}

/// Without the extended master secret, so that the secret depends on the two randoms alone.
pub(crate) fn classic(ciphertext: &[u8]) -> Handshake {
    let mut handshake = handshake();
    handshake.server_hello.extensions.extended_master_secret = false;
    handshake.ciphertext = ciphertext.to_vec();
    handshake
}

pub(crate) fn classic_secret(premaster: &[u8]) -> Secret {
    let handshake = handshake();
    let seed = MasterSecretSeed::Classic {
        client_random: &handshake.client_hello.random,
        server_random: &handshake.server_hello.random,
    };
    let secret = master_secret(HashAlgorithm::Sha256, premaster, seed);
    secret.as_bytes().try_into().unwrap()
}

#[test]
fn a_good_premaster_secret_gives_the_classic_master_secret() {
    let public = RsaPublic::of(identity::rsa());
    let ciphertext = public.encrypt_block(&public.pad(&PREMASTER));
    assert_eq!(perform(classic(&ciphertext)), classic_secret(&PREMASTER));
}

#[test]
fn a_good_premaster_secret_gives_the_extended_master_secret() {
    for (suite, hash) in [
        (
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            HashAlgorithm::Sha256,
        ),
        (
            CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
            HashAlgorithm::Sha384,
        ),
    ] {
        let mut handshake = handshake();
        handshake.server_hello.cipher_suite = suite;
        let session_hash = hash.digest(&handshake.messages().concat());
        let seed = MasterSecretSeed::Extended {
            session_hash: &session_hash,
        };
        assert_eq!(
            perform(handshake),
            *master_secret(hash, &PREMASTER, seed).as_bytes(),
            "{suite}"
        );
    }
}

#[test]
fn a_malformed_premaster_secret_gives_a_master_secret_as_well() {
    let public = RsaPublic::of(identity::rsa());
    let mut seen = vec![classic_secret(&PREMASTER)];
    for (name, ciphertext) in catalogue(&public) {
        let secret = perform(classic(&ciphertext));
        assert_eq!(secret, perform(classic(&ciphertext)), "{name}: asked twice");
        assert!(
            !seen.contains(&secret),
            "{name}: a secret that was there before"
        );
        seen.push(secret);
    }
}

#[test]
fn what_the_plaintext_holds_is_not_used() {
    let public = RsaPublic::of(identity::rsa());
    for (name, block) in blocks(&public) {
        let secret = perform(classic(&public.encrypt_block(&block)));
        for len in [1, 46, 47, 48, 49, 50, block.len()] {
            assert_ne!(
                secret,
                classic_secret(&block[block.len() - len..]),
                "{name}: the last {len} bytes"
            );
        }
    }
}

/// Whoever sees master secrets may vary what they do not depend on. A good and a malformed ciphertext
/// must answer alike: the same secret where only other fields change, another where the version that
/// is checked against the premaster secret changes.
#[test]
fn good_and_malformed_answer_alike_to_variations() {
    let public = RsaPublic::of(identity::rsa());
    let mut bad_type = public.pad(&PREMASTER);
    bad_type[1] = 1;
    for block in [public.pad(&PREMASTER), bad_type] {
        let ciphertext = public.encrypt_block(&block);
        let secret = perform(classic(&ciphertext));

        let mut other_fields = classic(&ciphertext);
        other_fields.client_hello.extensions.server_name = None;
        other_fields.client_hello.session_id.clear();
        assert_eq!(perform(other_fields), secret);

        let mut other_version = classic(&ciphertext);
        other_version.client_hello.legacy_version = ProtocolVersion(0x0304);
        assert_ne!(perform(other_version), secret);

        let mut other_random = classic(&ciphertext);
        other_random.client_hello.random[0] ^= 1;
        assert_ne!(perform(other_random), secret);
    }
}

/// RFC 5246 §7.4.7.1: "The latest (newest) version supported by the client" is in the premaster
/// secret:  the ClientHello's and not the negotiated one.
#[test]
fn the_version_is_the_client_hellos() {
    let public = RsaPublic::of(identity::rsa());
    let mut premaster = PREMASTER;
    premaster[1] = 4;
    let ciphertext = public.encrypt_block(&public.pad(&premaster));
    let mut handshake = classic(&ciphertext);
    handshake.client_hello.legacy_version = ProtocolVersion(0x0304);
    assert_eq!(perform(handshake), classic_secret(&premaster));
}

/// Ciphertexts that hold no premaster secret.
pub(crate) fn catalogue(public: &RsaPublic) -> Vec<(&'static str, Vec<u8>)> {
    let mut ciphertexts: Vec<_> = blocks(public)
        .into_iter()
        .map(|(name, block)| (name, public.encrypt_block(&block)))
        .collect();
    let one = BigUint::from(1_u8);
    ciphertexts.extend([
        ("the number 0", vec![0; public.len]),
        ("the number 1", public.bytes(&one)),
        (
            "the modulus less one",
            public.bytes(&(&public.modulus - &one)),
        ),
        ("the modulus", public.bytes(&public.modulus)),
        (
            "the modulus and one",
            public.bytes(&(&public.modulus + &one)),
        ),
        ("all ones", vec![0xff; public.len]),
    ]);
    ciphertexts
}

/// Blocks that are no `00 02 nonzero… 00 premaster`.
fn blocks(public: &RsaPublic) -> Vec<(&'static str, Vec<u8>)> {
    let good = public.pad(&PREMASTER);
    let separator = public.len - 49;
    let change = |index: usize, value: u8| {
        let mut block = good.clone();
        block[index] = value;
        block
    };
    let premaster = |len: usize| public.pad(&[&PREMASTER[..], &[0x77; 8]].concat()[..len]);
    vec![
        ("first byte 1", change(0, 1)),
        ("block type 0", change(1, 0)),
        ("block type 1", change(1, 1)),
        ("block type 3", change(1, 3)),
        ("block type 0x82", change(1, 0x82)),
        ("a zero first in the padding", change(2, 0)),
        ("a zero in the eighth byte of the padding", change(9, 0)),
        ("a zero in the ninth byte of the padding", change(10, 0)),
        ("a zero last in the padding", change(separator - 1, 0)),
        ("no separator", change(separator, 0xa5)),
        (
            "no zero anywhere",
            good.iter()
                .map(|byte| if *byte == 0 { 1 } else { *byte })
                .collect(),
        ),
        ("47 bytes", premaster(47)),
        ("49 bytes", premaster(49)),
        ("1 byte", premaster(1)),
        ("no byte", premaster(0)),
        ("56 bytes", premaster(56)),
        ("version 3.2", change(separator + 2, 2)),
        ("version 3.4", change(separator + 2, 4)),
        ("version 2.3", change(separator + 1, 2)),
        ("version 0.0", {
            let mut block = change(separator + 1, 0);
            block[separator + 2] = 0;
            block
        }),
        ("the padding alone", {
            let mut block = vec![0xa5; public.len];
            block[0] = 0;
            block[1] = 2;
            block
        }),
        ("two", {
            let mut block = vec![0; public.len];
            block[public.len - 1] = 2;
            block
        }),
    ]
}
