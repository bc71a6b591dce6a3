//! What nobody should write: the positive controls. The clock must see these.

use std::hint::black_box;

use keyward_bench::Result;
use keyward_crypto::hmac::HmacKey;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::random::{SecureRandom, SystemRandom};

use crate::cbc::CONTROL_HASH;
use crate::sampling::Subject;

/// Unpadding that stops at the first thing that is wrong.
pub(crate) fn unpad(block: &[u8], version: u16) -> Option<[u8; 48]> {
    if block[0] != 0 || block[1] != 2 {
        return None;
    }
    let separator = block[2..].iter().position(|byte| *byte == 0)? + 2;
    let message: [u8; 48] = block[separator + 1..].try_into().ok()?;
    (message[..2] == version.to_be_bytes()).then_some(message)
}

/// RSA decryption that draws the substitute for a premaster secret only when it needs one.
pub(crate) struct Decryption {
    key: PrivateKey,
    ciphertext: Vec<u8>,
}

impl Decryption {
    pub(crate) fn new(key: PrivateKey) -> Self {
        Self {
            key,
            ciphertext: Vec::new(),
        }
    }
}

impl Subject for Decryption {
    fn prepare(&mut self, input: &[u8]) -> Result<()> {
        self.ciphertext = input.to_vec();
        Ok(())
    }

    fn run(&mut self) {
        let block = self
            .key
            .rsa_decrypt_raw(&self.ciphertext)
            .expect("it decrypts");
        let secret = unpad(&block, 0x0303).unwrap_or_else(|| {
            // Drawn by reading it from afar, as an HSM would; a few microseconds.
            let mut substitute = [0; 48];
            for _ in 0..8 {
                SystemRandom
                    .fill(&mut substitute)
                    .expect("there is randomness");
            }
            substitute
        });
        black_box(secret);
    }
}

/// A decrypted record whose padding is looked at byte by byte, and whose MAC is computed if that was good, over what is left.
pub(crate) struct Record {
    header: Vec<u8>,
    mac: HmacKey,
    inside: Vec<u8>,
}

impl Record {
    pub(crate) fn new(header: &[u8], mac_key: &[u8]) -> Self {
        Self {
            header: header.to_vec(),
            mac: HmacKey::new(CONTROL_HASH, mac_key),
            inside: Vec::new(),
        }
    }

    fn open(&self) -> Option<&[u8]> {
        let (value, _) = self.inside.split_last()?;
        let content = self.inside.len().checked_sub(usize::from(*value) + 1)?;
        let (content, padding) = self.inside.split_at(content);
        if padding.iter().any(|byte| byte != value) {
            return None;
        }
        let (plaintext, mac) =
            content.split_at_checked(content.len().checked_sub(CONTROL_HASH.output_len())?)?;
        let length = u16::try_from(plaintext.len()).ok()?.to_be_bytes();
        self.mac
            .verify(&[&self.header, &length, plaintext], mac)
            .then_some(plaintext)
    }
}

impl Subject for Record {
    fn prepare(&mut self, input: &[u8]) -> Result<()> {
        self.inside.clear();
        self.inside.extend_from_slice(input);
        Ok(())
    }

    fn run(&mut self) {
        black_box(black_box(&*self).open());
    }
}
