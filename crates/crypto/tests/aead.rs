//! AEAD against published values, and with every byte of a record flipped.

#[path = "support/hex.rs"]
mod support;

use keyward_crypto::aead::AeadAlgorithm::{Aes128Gcm, Aes256Gcm, Chacha20Poly1305};
use keyward_crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN, TAG_LEN};
use support::hex;

struct Vector {
    algorithm: AeadAlgorithm,
    key: Vec<u8>,
    nonce: [u8; NONCE_LEN],
    aad: Vec<u8>,
    plaintext: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: [u8; TAG_LEN],
}

/// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16; RFC 8439 §2.8.2.
fn vectors() -> [Vector; 3] {
    let gcm_plaintext = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    [
        Vector {
            algorithm: Aes128Gcm,
            key: hex("feffe9928665731c6d6a8f9467308308"),
            nonce: array("cafebabefacedbaddecaf888"),
            aad: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
            plaintext: hex(gcm_plaintext),
            ciphertext: hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
                             21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"),
            tag: array("5bc94fbc3221a5db94fae95ae7121a47"),
        },
        Vector {
            algorithm: Aes256Gcm,
            key: hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
            nonce: array("cafebabefacedbaddecaf888"),
            aad: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
            plaintext: hex(gcm_plaintext),
            ciphertext: hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"),
            tag: array("76fc6ece0f4e1768cddf8853bb2d551b"),
        },
        Vector {
            algorithm: Chacha20Poly1305,
            key: (0x80..=0x9f).collect(),
            nonce: array("070000004041424344454647"),
            aad: hex("50515253c0c1c2c3c4c5c6c7"),
            plaintext: b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                         sunscreen would be it."
                .to_vec(),
            ciphertext: hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
                             3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
                             92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
                             3ff4def08e4b7a9de576d26586cec64b6116"),
            tag: array("1ae10b594f09e26a7e902ecbd0600691"),
        },
    ]
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

#[test]
fn published_vectors() {
    for vector in vectors() {
        let key = AeadKey::new(vector.algorithm, &vector.key).unwrap();
        let mut buffer = vector.plaintext.clone();
        let tag = key.seal(&vector.nonce, &vector.aad, &mut buffer).unwrap();
        assert_eq!(buffer, vector.ciphertext, "{:?}", vector.algorithm);
        assert_eq!(tag, vector.tag, "{:?}", vector.algorithm);

        buffer.extend_from_slice(&tag);
        let mut appended = b"before".to_vec();
        key.open_append(&vector.nonce, &vector.aad, &buffer, &mut appended)
            .unwrap();
        assert_eq!(appended, [b"before", &vector.plaintext[..]].concat());
        let opened = key.open(&vector.nonce, &vector.aad, &mut buffer).unwrap();
        assert_eq!(opened, vector.plaintext);
    }
}

#[test]
fn every_flipped_byte_is_noticed() {
    for vector in vectors() {
        let key = AeadKey::new(vector.algorithm, &vector.key).unwrap();
        let record = [&vector.ciphertext[..], &vector.tag].concat();
        let open = |nonce: &[u8; NONCE_LEN], aad: &[u8], record: &[u8]| {
            let mut appended = b"before".to_vec();
            let also = key.open_append(nonce, aad, record, &mut appended);
            if also.is_err() {
                assert_eq!(appended, b"before");
            }
            let opened = key
                .open(nonce, aad, &mut record.to_vec())
                .map(|plaintext| plaintext.to_vec());
            assert_eq!(opened.is_ok(), also.is_ok());
            opened
        };
        assert!(open(&vector.nonce, &vector.aad, &record).is_ok());

        for index in 0..record.len() {
            let mut wrong = record.clone();
            wrong[index] ^= 1;
            assert!(open(&vector.nonce, &vector.aad, &wrong).is_err());
        }
        for index in 0..vector.aad.len() {
            let mut wrong = vector.aad.clone();
            wrong[index] ^= 1;
            assert!(open(&vector.nonce, &wrong, &record).is_err());
        }
        for index in 0..NONCE_LEN {
            let mut wrong = vector.nonce;
            wrong[index] ^= 1;
            assert!(open(&wrong, &vector.aad, &record).is_err());
        }
        for len in 0..record.len() {
            assert!(open(&vector.nonce, &vector.aad, &record[..len]).is_err());
        }
    }
}

#[test]
fn a_record_sealed_from_two_pieces_is_that_of_their_concatenation() {
    for vector in vectors() {
        let key = AeadKey::new(vector.algorithm, &vector.key).unwrap();
        let expected = [b"header", &vector.ciphertext[..], &vector.tag].concat();
        for at in 0..=vector.plaintext.len() {
            let (plaintext, suffix) = vector.plaintext.split_at(at);
            let mut out = b"header".to_vec();
            key.seal_append(&vector.nonce, &vector.aad, plaintext, suffix, &mut out)
                .unwrap();
            assert_eq!(out, expected, "{:?}, cut at {at}", vector.algorithm);
        }
    }
}

#[test]
fn keys_of_any_other_length_are_refused() {
    for algorithm in [Aes128Gcm, Aes256Gcm, Chacha20Poly1305] {
        for len in 0..=64 {
            let made = AeadKey::new(algorithm, &vec![1; len]);
            assert_eq!(
                made.is_ok(),
                len == algorithm.key_len(),
                "{algorithm:?}, {len} bytes"
            );
        }
    }
}

#[test]
fn a_key_does_not_show() {
    let key = AeadKey::new(Aes128Gcm, &[0x41; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "AeadKey(secret)");
}
