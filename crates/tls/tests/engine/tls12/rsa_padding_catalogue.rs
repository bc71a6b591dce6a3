//! Every malformed padding of RSA key transport, made by rule: the server's whole output is the same for each, byte for
//! byte, and the handshake ends at the client's Finished.

use std::sync::Arc;

use keyward_crypto::CryptoError;
use keyward_crypto::random::SecureRandom;
use keyward_tls::{Error, NeedKind, Policy, ServerConfig};
use keyward_wire::handshake::{self, RsaClientKeyExchange};
use keyward_wire::values::{AlertDescription, ContentType};
use num_bigint::BigUint;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::HandClient;
use crate::support::{KeyAlgorithm, Site};

/// The modulus' length in bytes.
const LEN: usize = 256;
/// Where the separator is in a block that holds a premaster secret.
const SEPARATOR: usize = LEN - 49;
const VERSION: usize = LEN - 48;

#[test]
fn every_malformed_padding_ends_at_the_finished_with_the_same_bytes() {
    let site = site();
    let public = RsaPublic::of(&site);
    let reference = outcome(&site, &public.encrypt(&good()), Finished::Wrong);
    assert_eq!(reference.error, Some(Error::DecryptError));
    assert_eq!(
        reference.error.as_ref().unwrap().alert(),
        Some(AlertDescription::BAD_RECORD_MAC)
    );

    let catalogue = catalogue();
    assert!(catalogue.len() > 600, "{}", catalogue.len());
    for (name, block) in catalogue {
        let found = outcome(&site, &public.encrypt(&block), Finished::Ours);
        assert_eq!(found, reference, "{name}");
    }
    for (name, ciphertext) in public.numbers_without_a_block() {
        let found = outcome(&site, &ciphertext, Finished::Ours);
        assert_eq!(found, reference, "{name}");
    }
}

/// That the test can tell: a well-formed block goes on.
#[test]
fn a_well_formed_padding_does_not() {
    let site = site();
    let ciphertext = RsaPublic::of(&site).encrypt(&good());
    let found = outcome(&site, &ciphertext, Finished::Ours);
    assert_eq!(found.error, None);
    assert!(!found.output[3].is_empty(), "the server's Finished");
}

/// Which Finished the client sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finished {
    /// By the premaster secret of [`good`].
    Ours,
    /// By another one: what a well-formed padding looks like from outside when the client does not know what is in it.
    Wrong,
}

/// All that can be seen of a handshake.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// The bytes that came out after each thing that the client sent: ClientHello, ClientKeyExchange, change_cipher_spec,
    /// Finished.
    output: [Vec<u8>; 4],
    /// What was asked meanwhile.
    asked: Vec<NeedKind>,
    error: Option<Error>,
}

fn outcome(site: &Arc<Site>, ciphertext: &[u8], finished: Finished) -> Outcome {
    let config = ServerConfig {
        random: Arc::new(Repeating),
        ..ServerConfig::default()
    };
    let mut client = HandClient::with_config(site, config);
    client.hello = HandClient::rsa(site).hello;
    // Without it the keys do not depend on the ciphertext, which nobody but the client can predict.
    client.hello.extensions.extended_master_secret = false;

    let mut output = [const { Vec::new() }; 4];
    client.send_hello().unwrap();
    output[0] = client.waiting();
    client.take_flight();

    if finished == Finished::Wrong {
        client.premaster[40] ^= 1;
    }
    client.client_key_exchange();
    let exchange = handshake::to_message(&RsaClientKeyExchange {
        encrypted_premaster_secret: ciphertext.to_vec(),
    });
    // What is hashed for the Finished is what is sent.
    client.replace_last_message(&exchange);
    client
        .feed_plain(ContentType::HANDSHAKE, &exchange)
        .unwrap();
    output[1] = client.waiting();

    let change_cipher_spec = client.change_cipher_spec();
    client.feed(&change_cipher_spec).unwrap();
    output[2] = client.waiting();

    let message = client.finished();
    let record = client.sealed(ContentType::HANDSHAKE, &message);
    let error = client.feed(&record).err();
    output[3] = client.waiting();
    Outcome {
        output,
        asked: site.take_asked(),
        error,
    }
}

/// The same bytes for every handshake, so that whole outputs can be compared.
#[derive(Debug)]
struct Repeating;

impl SecureRandom for Repeating {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        out.fill(0x6e);
        Ok(())
    }
}

fn site() -> Arc<Site> {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    Arc::new(site)
}

fn good() -> Vec<u8> {
    padded(&[&[3, 3][..], &[0x77; 46]].concat())
}

/// `00 02 nonzero… 00 message`.
fn padded(message: &[u8]) -> Vec<u8> {
    let mut block = vec![0xa5; LEN - message.len()];
    block[..2].copy_from_slice(&[0, 2]);
    *block.last_mut().unwrap() = 0;
    block.extend_from_slice(message);
    block
}

/// Blocks that are no `00 02 nonzero… 00 premaster`, by rules that each cover all there is of one kind.
fn catalogue() -> Vec<(String, Vec<u8>)> {
    let mut blocks = Vec::new();
    let mut change = |name: String, at: usize, value: u8| {
        let mut block = good();
        block[at] = value;
        blocks.push((name, block));
    };
    // The first byte can only be as large as the modulus' first.
    for value in 1..0x80 {
        change(format!("first byte {value:#x}"), 0, value);
    }
    for value in (0..=255).filter(|value| *value != 2) {
        change(format!("block type {value:#x}"), 1, value);
    }
    for at in 2..SEPARATOR {
        change(format!("a zero at byte {at} of the padding"), at, 0);
    }
    for value in [1, 2, 0x7f, 0x80, 0xff] {
        change(format!("separator {value:#x}"), SEPARATOR, value);
    }
    for (at, values) in [
        (VERSION, [0, 1, 2, 4, 0xff]),
        (VERSION + 1, [0, 1, 2, 4, 0xff]),
    ] {
        for value in values {
            change(format!("version byte {at} is {value:#x}"), at, value);
        }
    }
    // Other lengths of the message, with padding to match. 48 is right.
    for len in (0..48)
        .chain(49..=LEN - 11)
        .filter(|len| len % 5 < 2 || len.abs_diff(48) < 4)
    {
        let message: Vec<u8> = [3, 3].into_iter().chain([0x77; LEN]).take(len).collect();
        blocks.push((format!("a message of {len} bytes"), padded(&message)));
    }
    blocks.push(("no zero anywhere".to_owned(), {
        let mut block = vec![0xa5; LEN];
        block[..2].copy_from_slice(&[1, 2]);
        block
    }));
    blocks.push(("the padding alone".to_owned(), {
        let mut block = vec![0xa5; LEN];
        block[..2].copy_from_slice(&[0, 2]);
        block
    }));
    blocks.push(("zeros, and a two".to_owned(), {
        let mut block = vec![0; LEN];
        block[LEN - 1] = 2;
        block
    }));
    blocks
}

/// RSA with the public key and no padding.
struct RsaPublic {
    modulus: BigUint,
    exponent: BigUint,
}

impl RsaPublic {
    fn of(site: &Site) -> Self {
        let key = site.identities[0].private_key.public_key();
        let (_, spki) = SubjectPublicKeyInfo::from_der(key.spki_der()).unwrap();
        let Ok(x509_parser::public_key::PublicKey::RSA(key)) = spki.parsed() else {
            panic!("not an RSA key");
        };
        Self {
            modulus: BigUint::from_bytes_be(key.modulus),
            exponent: BigUint::from_bytes_be(key.exponent),
        }
    }

    fn encrypt(&self, block: &[u8]) -> Vec<u8> {
        let number = BigUint::from_bytes_be(block);
        assert!(number < self.modulus, "the block is too large");
        Self::bytes(&number.modpow(&self.exponent, &self.modulus))
    }

    fn bytes(number: &BigUint) -> Vec<u8> {
        let digits = number.to_bytes_be();
        let mut bytes = vec![0; LEN - digits.len()];
        bytes.extend(digits);
        bytes
    }

    /// Ciphertexts that are no power of any block, or of a trivial one.
    fn numbers_without_a_block(&self) -> Vec<(&'static str, Vec<u8>)> {
        let one = BigUint::from(1_u8);
        vec![
            ("the number 0", vec![0; LEN]),
            ("the number 1", Self::bytes(&one)),
            ("the modulus less one", Self::bytes(&(&self.modulus - &one))),
            ("the modulus", Self::bytes(&self.modulus)),
            ("the modulus and one", Self::bytes(&(&self.modulus + &one))),
            ("all ones", vec![0xff; LEN]),
        ]
    }
}
