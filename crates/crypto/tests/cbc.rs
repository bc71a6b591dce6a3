//! TLS 1.2 records with AES-CBC: every padding, every changed byte, every length that lies.

#[path = "support/cbc.rs"]
mod support;

use keyward_crypto::cbc::{CbcAlgorithm, CbcKey, Direction, IV_LEN, MacOrder};
use proptest::prelude::*;
use support::{HEADER, IV, cbc_key, encrypt, inside, key, mac, mac_key};

const ORDERS: [MacOrder; 2] = [MacOrder::MacThenEncrypt, MacOrder::EncryptThenMac];

fn open(algorithm: CbcAlgorithm, order: MacOrder, body: &[u8]) -> Option<Vec<u8>> {
    let mut body = body.to_vec();
    let mut key = cbc_key(algorithm, order, Direction::Open);
    match key.open(&HEADER, &mut body) {
        Ok(plaintext) => Some(body[plaintext].to_vec()),
        Err(error) => {
            // One error for everything.
            assert_eq!(error.to_string(), "CBC record decryption failed");
            None
        }
    }
}

fn seal(algorithm: CbcAlgorithm, order: MacOrder, plaintext: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    cbc_key(algorithm, order, Direction::Seal)
        .seal(&HEADER, &IV, plaintext, &mut out)
        .unwrap();
    assert_eq!(out[..6], *b"before");
    out.split_off(6)
}

fn for_all(mut test: impl FnMut(CbcAlgorithm, MacOrder)) {
    for algorithm in CbcAlgorithm::ALL {
        for order in ORDERS {
            test(algorithm, order);
        }
    }
}

#[test]
fn what_is_sealed_opens_again_at_every_length() {
    for_all(|algorithm, order| {
        for len in (0..200).chain([1023, 1024, 16_383, 16_384]) {
            let plaintext = vec![0xda; len];
            let body = seal(algorithm, order, &plaintext);
            assert_eq!(body.len(), algorithm.body_len(order, len));
            assert_eq!(body[..IV_LEN], IV);
            assert_eq!(open(algorithm, order, &body), Some(plaintext));
        }
    });
}

/// RFC 5246 §6.2.3.2 and RFC 7366 §3, written out with another library's interface.
#[test]
fn the_form_is_the_rfcs() {
    for algorithm in CbcAlgorithm::ALL {
        for len in [0_usize, 1, 15, 16, 100] {
            let plaintext = vec![0xda; len];
            let padding = |len: usize| u8::try_from(15 - len % 16).unwrap();

            let blocks = inside(algorithm, &plaintext, padding(len + algorithm.mac_len()));
            assert_eq!(
                seal(algorithm, MacOrder::MacThenEncrypt, &plaintext),
                encrypt(algorithm, &blocks)
            );

            let value = padding(len);
            let blocks = [&plaintext[..], &vec![value; usize::from(value) + 1]].concat();
            let covered = encrypt(algorithm, &blocks);
            let expected = [&covered[..], &mac(algorithm, &covered)].concat();
            assert_eq!(
                seal(algorithm, MacOrder::EncryptThenMac, &plaintext),
                expected
            );
        }
    }
}

/// "The padding MAY be any length up to 255 bytes" (RFC 5246 §6.2.3.2).
#[test]
fn every_length_of_padding_is_taken() {
    for algorithm in CbcAlgorithm::ALL {
        for padding_len in 0..=255_u8 {
            // The plaintext has what is left to whole blocks.
            let rest = usize::from(padding_len) + 1 + algorithm.mac_len();
            let plaintext = vec![0xda; (16 - rest % 16) % 16 + 16];
            let body = encrypt(algorithm, &inside(algorithm, &plaintext, padding_len));
            assert_eq!(
                open(algorithm, MacOrder::MacThenEncrypt, &body),
                Some(plaintext.clone()),
                "{algorithm:?} {padding_len}"
            );

            let rest = usize::from(padding_len) + 1;
            let plaintext = vec![0xda; (16 - rest % 16) % 16 + 16];
            let blocks = [&plaintext[..], &vec![padding_len; rest]].concat();
            let covered = encrypt(algorithm, &blocks);
            let body = [&covered[..], &mac(algorithm, &covered)].concat();
            assert_eq!(
                open(algorithm, MacOrder::EncryptThenMac, &body),
                Some(plaintext),
                "{algorithm:?} {padding_len}"
            );
        }
    }
}

/// POODLE: TLS looks at each byte of the padding.
#[test]
fn every_wrong_byte_of_padding_is_refused() {
    for algorithm in CbcAlgorithm::ALL {
        for padding_len in [0, 1, 15, 16, 47, 254, 255_u8] {
            let rest = usize::from(padding_len) + 1 + algorithm.mac_len();
            let plaintext = vec![0xda; (16 - rest % 16) % 16 + 16];
            let good = inside(algorithm, &plaintext, padding_len);
            let begin = good.len() - 1 - usize::from(padding_len);
            for at in begin..good.len() {
                for flip in [1, 0x80] {
                    let mut blocks = good.clone();
                    blocks[at] ^= flip;
                    let body = encrypt(algorithm, &blocks);
                    assert_eq!(
                        open(algorithm, MacOrder::MacThenEncrypt, &body),
                        None,
                        "{algorithm:?} {padding_len} {at}"
                    );
                }
            }
        }
    }
}

/// Every value of the last byte, the padding's length, on a record whose MAC is right for one of them.
#[test]
fn a_padding_length_that_lies_is_refused() {
    for algorithm in CbcAlgorithm::ALL {
        let plaintext = vec![0xda; 64 - algorithm.mac_len() % 16];
        let good = inside(algorithm, &plaintext, 15);
        for value in 0..=255_u8 {
            let mut blocks = good.clone();
            *blocks.last_mut().unwrap() = value;
            let body = encrypt(algorithm, &blocks);
            let expected = (value == 15).then(|| plaintext.clone());
            assert_eq!(
                open(algorithm, MacOrder::MacThenEncrypt, &body),
                expected,
                "{value}"
            );
        }
    }
}

/// A padding that reaches into the MAC, to the record's very beginning, and past it.
#[test]
fn padding_without_room_for_a_mac_is_refused() {
    for algorithm in CbcAlgorithm::ALL {
        for blocks in 1..=16 {
            let len = 16 * blocks;
            for value in [len - 1, len, len - algorithm.mac_len().min(len), 255] {
                let value = u8::try_from(value.min(255)).unwrap();
                let body = encrypt(algorithm, &vec![value; len]);
                assert_eq!(open(algorithm, MacOrder::MacThenEncrypt, &body), None);
            }
        }
    }
}

/// With the MAC outside, a padding that is longer than all there is can only be the peer's own.
#[test]
fn authenticated_padding_is_checked_as_well() {
    for algorithm in CbcAlgorithm::ALL {
        for blocks in [
            vec![16; 16],
            vec![255; 32],
            [vec![0xda; 14], vec![2, 1]].concat(),
        ] {
            let covered = encrypt(algorithm, &blocks);
            let body = [&covered[..], &mac(algorithm, &covered)].concat();
            assert_eq!(open(algorithm, MacOrder::EncryptThenMac, &body), None);
        }
    }
}

#[test]
fn every_changed_byte_is_refused() {
    for_all(|algorithm, order| {
        let good = seal(algorithm, order, b"attack at dawn");
        for at in 0..good.len() {
            for flip in [1, 0x80, 0xff] {
                let mut body = good.clone();
                body[at] ^= flip;
                assert_eq!(
                    open(algorithm, order, &body),
                    None,
                    "{algorithm:?} {order:?} {at}"
                );
            }
        }
        for at in 0..HEADER.len() {
            let mut header = HEADER;
            header[at] ^= 1;
            let mut key = cbc_key(algorithm, order, Direction::Open);
            assert!(key.open(&header, &mut good.clone()).is_err());
        }
    });
}

#[test]
fn every_other_length_is_refused() {
    for_all(|algorithm, order| {
        let good = seal(algorithm, order, &[0xda; 100]);
        for len in 0..good.len() {
            assert_eq!(
                open(algorithm, order, &good[..len]),
                None,
                "{algorithm:?} {order:?} {len}"
            );
        }
        for more in 1..40 {
            let body = [&good[..], &vec![0; more]].concat();
            assert_eq!(open(algorithm, order, &body), None);
        }
    });
}

/// A refused record leaves nothing behind that the next one trips over, and a key serves for many.
#[test]
fn a_key_goes_on_after_a_refused_record() {
    for_all(|algorithm, order| {
        let mut sealer = cbc_key(algorithm, order, Direction::Seal);
        let mut opener = cbc_key(algorithm, order, Direction::Open);
        for round in 0..3 {
            let mut body = Vec::new();
            sealer
                .seal(&HEADER, &[round; IV_LEN], b"again", &mut body)
                .unwrap();
            assert!(opener.open(&HEADER, &mut [round; 96]).is_err());
            assert!(opener.open(&HEADER, &mut [round; 37]).is_err());
            let plaintext = opener.open(&HEADER, &mut body).unwrap();
            assert_eq!(&body[plaintext], b"again");
        }
    });
}

/// Two directions with one key would be two keys with one name.
#[test]
fn a_key_is_for_one_direction() {
    for_all(|algorithm, order| {
        let mut body = seal(algorithm, order, b"there");
        assert!(
            cbc_key(algorithm, order, Direction::Seal)
                .open(&HEADER, &mut body)
                .is_err()
        );
        let mut out = vec![1, 2, 3];
        assert!(
            cbc_key(algorithm, order, Direction::Open)
                .seal(&HEADER, &IV, b"back", &mut out)
                .is_err()
        );
        assert_eq!(out, [1, 2, 3]);
    });
}

#[test]
fn a_record_of_one_order_is_none_of_the_other() {
    for algorithm in CbcAlgorithm::ALL {
        let inner = seal(algorithm, MacOrder::MacThenEncrypt, b"inside");
        let outer = seal(algorithm, MacOrder::EncryptThenMac, b"outside");
        assert_eq!(open(algorithm, MacOrder::EncryptThenMac, &inner), None);
        assert_eq!(open(algorithm, MacOrder::MacThenEncrypt, &outer), None);
    }
}

#[test]
fn keys_of_any_other_length_are_refused() {
    for_all(|algorithm, order| {
        for direction in [Direction::Seal, Direction::Open] {
            let (mac_key, key) = (mac_key(algorithm), key(algorithm));
            for (mac_key, key) in [
                (&mac_key[1..], &key[..]),
                (&mac_key[..], &key[1..]),
                (&[][..], &key[..]),
                (&mac_key[..], &[][..]),
            ] {
                assert!(CbcKey::new(algorithm, order, direction, mac_key, key).is_err());
            }
        }
    });
}

#[test]
fn more_than_a_length_can_say_is_refused() {
    for_all(|algorithm, order| {
        let mut key = cbc_key(algorithm, order, Direction::Seal);
        let mut out = Vec::new();
        assert!(key.seal(&HEADER, &IV, &[0; 0x1_0000], &mut out).is_err());
        assert!(out.is_empty());
    });
}

#[test]
fn keys_do_not_show() {
    let key = cbc_key(
        CbcAlgorithm::Aes128Sha1,
        MacOrder::MacThenEncrypt,
        Direction::Seal,
    );
    assert_eq!(format!("{key:?}"), "CbcKey(Aes128Sha1, secret)");
}

proptest! {
    #[test]
    fn noise_does_not_open(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        for_all(|algorithm, order| assert_eq!(open(algorithm, order, &body), None));
    }
}
