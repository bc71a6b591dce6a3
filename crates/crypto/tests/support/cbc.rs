//! Records with AES-CBC put together by hand, with whatever padding and MAC a test wants.

use aws_lc_rs::cipher::{
    AES_128, AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use keyward_crypto::cbc::{CbcAlgorithm, CbcKey, Direction, HEADER_LEN, MacOrder};

pub(crate) const IV: [u8; 16] = [0x1b; 16];

/// Sequence number 7, application data, TLS 1.2.
pub(crate) const HEADER: [u8; HEADER_LEN] = [0, 0, 0, 0, 0, 0, 0, 7, 23, 3, 3];

pub(crate) fn mac_key(algorithm: CbcAlgorithm) -> Vec<u8> {
    (0x40..).take(algorithm.mac_len()).collect()
}

pub(crate) fn key(algorithm: CbcAlgorithm) -> Vec<u8> {
    (0x80..).take(algorithm.key_len()).collect()
}

pub(crate) fn cbc_key(algorithm: CbcAlgorithm, order: MacOrder, direction: Direction) -> CbcKey {
    let (mac_key, key) = (mac_key(algorithm), key(algorithm));
    CbcKey::new(algorithm, order, direction, &mac_key, &key).unwrap()
}

/// The MAC over header, length and content.
pub(crate) fn mac(algorithm: CbcAlgorithm, content: &[u8]) -> Vec<u8> {
    let hash = match algorithm.mac_len() {
        20 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        32 => hmac::HMAC_SHA256,
        _ => hmac::HMAC_SHA384,
    };
    let mut context = hmac::Context::with_key(&hmac::Key::new(hash, &mac_key(algorithm)));
    context.update(&HEADER);
    context.update(&u16::try_from(content.len()).unwrap().to_be_bytes());
    context.update(content);
    context.sign().as_ref().to_vec()
}

/// IV and encrypted blocks.
pub(crate) fn encrypt(algorithm: CbcAlgorithm, blocks: &[u8]) -> Vec<u8> {
    assert_eq!(blocks.len() % 16, 0);
    let cipher = if algorithm.key_len() == 16 {
        &AES_128
    } else {
        &AES_256
    };
    let key = UnboundCipherKey::new(cipher, &key(algorithm)).unwrap();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let mut out = blocks.to_vec();
    key.less_safe_encrypt(&mut out, EncryptionContext::Iv128(IV.into()))
        .unwrap();
    // The library's own block of padding, which the blocks before it do not depend on.
    out.truncate(blocks.len());
    [&IV[..], &out].concat()
}

/// What is inside with MAC-then-encrypt: plaintext, MAC, padding of `padding_len` bytes and its length.
pub(crate) fn inside(algorithm: CbcAlgorithm, plaintext: &[u8], padding_len: u8) -> Vec<u8> {
    let mac = mac(algorithm, plaintext);
    let padding = vec![padding_len; usize::from(padding_len) + 1];
    [plaintext, &mac, &padding].concat()
}
