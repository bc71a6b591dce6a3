//! CBC records with the MAC inside: what the time of opening one tells of its padding and MAC.
//!
//! That a record was refused is no secret: the alert says so. What must not show is why, and how long the padding was.

use std::hint::black_box;

use keyward_bench::Result;
use keyward_crypto::cbc::{CbcAlgorithm, CbcKey, Direction, HEADER_LEN, IV_LEN, MacOrder};
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hmac::HmacKey;

use crate::sampling::{Coin, Subject};
use crate::{Case, Expected, leaky};

const HEADER: [u8; HEADER_LEN] = [0, 0, 0, 0, 0, 0, 0, 1, 23, 3, 3];
const MAC_KEY: [u8; 48] = [0x11; 48];
const KEY: [u8; 32] = [0x22; 32];
/// What is inside: plaintext, MAC, padding.
const INSIDE: usize = 320;
/// How many inputs a class has.
const INPUTS: usize = 64;

/// A record's inside, and what is wrong with it.
#[derive(Clone, Copy)]
struct Class {
    name: &'static str,
    padding_len: u8,
    good_mac: bool,
    good_padding: bool,
}

const fn class(name: &'static str, padding_len: u8, good_mac: bool, good_padding: bool) -> Class {
    Class {
        name,
        padding_len,
        good_mac,
        good_padding,
    }
}

/// Pairs that nobody may tell apart.
const PAIRS: [(Class, Class); 5] = [
    // Vaudenay's question.
    (
        class("bad padding", 63, true, false),
        class("bad MAC", 63, false, true),
    ),
    // Lucky 13's: how long is what the MAC is computed over?
    (
        class("bad MAC, padding of 0", 0, false, true),
        class("bad MAC, padding of 255", 255, false, true),
    ),
    (
        class("bad MAC, padding of 0", 0, false, true),
        class("bad padding of 255", 255, true, false),
    ),
    (
        class("good, padding of 0", 0, true, true),
        class("good, padding of 255", 255, true, true),
    ),
    (
        class("bad MAC", 63, false, true),
        class("bad MAC again", 63, false, true),
    ),
];

pub(crate) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for algorithm in CbcAlgorithm::ALL {
        for (first, second) in PAIRS {
            cases.push(Case {
                name: format!("CBC {algorithm:?}: {}, {}", first.name, second.name),
                expected: Expected::Same,
                pairs: 40_000,
                subject: Box::new(Opening {
                    key: key(algorithm, MacOrder::MacThenEncrypt, Direction::Open)?,
                    body: Vec::new(),
                }),
                classes: [records(algorithm, first)?, records(algorithm, second)?],
            });
        }
    }
    // The first two by hand, as it was done before Vaudenay and before Lucky 13.
    let algorithm = CbcAlgorithm::Aes128Sha1;
    for (first, second) in &PAIRS[..2] {
        cases.push(Case {
            name: format!(
                "control, CBC looked at by hand: {}, {}",
                first.name, second.name
            ),
            expected: Expected::Different,
            pairs: 40_000,
            subject: Box::new(leaky::Record::new(&HEADER, &MAC_KEY[..algorithm.mac_len()])),
            classes: [insides(algorithm, *first), insides(algorithm, *second)],
        });
    }
    Ok(cases)
}

struct Opening {
    key: CbcKey,
    body: Vec<u8>,
}

impl Subject for Opening {
    fn prepare(&mut self, input: &[u8]) -> Result<()> {
        self.body.clear();
        self.body.extend_from_slice(input);
        Ok(())
    }

    fn run(&mut self) {
        let _ = black_box(self.key.open(&HEADER, black_box(&mut self.body)));
    }
}

fn key(algorithm: CbcAlgorithm, order: MacOrder, direction: Direction) -> Result<CbcKey> {
    let mac_key = &MAC_KEY[..algorithm.mac_len()];
    Ok(CbcKey::new(
        algorithm,
        order,
        direction,
        mac_key,
        &KEY[..algorithm.key_len()],
    )?)
}

fn insides(algorithm: CbcAlgorithm, class: Class) -> Vec<Vec<u8>> {
    let mut coin = Coin(0x0fed_cba9_8765_4321);
    (0..INPUTS)
        .map(|_| inside(algorithm, class, &mut coin))
        .collect()
}

/// All of one length, whatever the padding's.
fn inside(algorithm: CbcAlgorithm, class: Class, coin: &mut Coin) -> Vec<u8> {
    let padding = usize::from(class.padding_len) + 1;
    let plaintext_len = INSIDE - padding - algorithm.mac_len();
    let mut inside: Vec<u8> = (0..plaintext_len)
        .map(|_| coin.next().to_le_bytes()[0])
        .collect();
    let length = u16::try_from(plaintext_len)
        .expect("a record is short")
        .to_be_bytes();
    let mac = HmacKey::new(algorithm.mac_hash(), &MAC_KEY[..algorithm.mac_len()]);
    let mac = mac.sign(&[&HEADER, &length, &inside]);
    inside.extend_from_slice(&mac);
    if !class.good_mac {
        inside[plaintext_len + coin.index(mac.len())] ^= 1;
    }
    inside.resize(INSIDE, class.padding_len);
    if !class.good_padding {
        inside[INSIDE - padding + coin.index(padding - 1)] ^= 1;
    }
    inside
}

/// Bodies with IV and what is inside, encrypted. A key that puts the MAC outside leaves what is inside to us.
fn records(algorithm: CbcAlgorithm, class: Class) -> Result<Vec<Vec<u8>>> {
    let mut sealer = key(algorithm, MacOrder::EncryptThenMac, Direction::Seal)?;
    insides(algorithm, class)
        .iter()
        .map(|inside| {
            let mut body = Vec::new();
            sealer.seal(&HEADER, &[0x33; IV_LEN], inside, &mut body)?;
            body.truncate(IV_LEN + INSIDE);
            Ok(body)
        })
        .collect()
}

/// The MAC's hash of the control.
pub(crate) const CONTROL_HASH: HashAlgorithm = HashAlgorithm::Sha1;
