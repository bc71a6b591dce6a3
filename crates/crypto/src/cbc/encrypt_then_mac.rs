//! RFC 7366: the MAC outside, and nothing is decrypted before it is right.

use super::{CbcAlgorithm, Direction, HEADER_LEN, IV_LEN, OPEN_ERROR, SEAL_ERROR, pad};
use crate::CryptoError;
use crate::hmac::HmacKey;
use crate::raw::{BLOCK_LEN, CbcCipher};

pub(super) struct EncryptThenMac {
    direction: Direction,
    mac: HmacKey,
    mac_len: usize,
    cipher: CbcCipher,
}

impl EncryptThenMac {
    pub(super) fn new(
        algorithm: CbcAlgorithm,
        direction: Direction,
        mac_key: &[u8],
        key: &[u8],
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            direction,
            mac: HmacKey::new(algorithm.mac_hash(), mac_key),
            mac_len: algorithm.mac_len(),
            cipher: CbcCipher::new(key, direction == Direction::Seal)?,
        })
    }

    /// `out` ends with the IV and the plaintext.
    pub(super) fn seal(
        &mut self,
        header: &[u8; HEADER_LEN],
        iv: &[u8; IV_LEN],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        if self.direction != Direction::Seal {
            return Err(SEAL_ERROR);
        }
        let content = out.len() - plaintext.len();
        pad(plaintext.len(), out);
        self.cipher.apply(iv, &mut out[content..])?;
        let covered = &out[content - IV_LEN..];
        let length = u16::try_from(covered.len()).map_err(|_| SEAL_ERROR)?;
        let mac = self.mac.sign(&[header, &length.to_be_bytes(), covered]);
        out.extend_from_slice(&mac);
        Ok(())
    }

    /// How many bytes behind the IV are the plaintext.
    pub(super) fn open(
        &mut self,
        header: &[u8; HEADER_LEN],
        body: &mut [u8],
    ) -> Result<usize, CryptoError> {
        if self.direction != Direction::Open {
            return Err(OPEN_ERROR);
        }
        let covered_len = body.len().checked_sub(self.mac_len).ok_or(OPEN_ERROR)?;
        let (covered, mac) = body.split_at_mut(covered_len);
        if covered_len < IV_LEN + BLOCK_LEN || !covered_len.is_multiple_of(BLOCK_LEN) {
            return Err(OPEN_ERROR);
        }
        // "The MAC SHALL be evaluated before any further processing such as decryption is performed, and if the MAC
        // verification fails, then processing SHALL terminate immediately" (RFC 7366 §3). The length that it covers is
        // without the MAC: "with the MAC covering the entire packet up to the start of the MAC value".
        let length = u16::try_from(covered_len).map_err(|_| OPEN_ERROR)?;
        if !self
            .mac
            .verify(&[header, &length.to_be_bytes(), covered], mac)
        {
            return Err(OPEN_ERROR);
        }
        let (iv, content) = super::split_iv(covered).ok_or(OPEN_ERROR)?;
        self.cipher.apply(&iv, content)?;
        unpadded_len(content).ok_or(OPEN_ERROR)
    }
}

/// How many bytes are in front of the padding. The peer that has the key wrote them, so there is no secret to be kept from
/// anybody: a wrong padding is the peer's fault, and nobody between could have made it.
fn unpadded_len(content: &[u8]) -> Option<usize> {
    let (value, _) = content.split_last()?;
    let plaintext_len = content.len().checked_sub(usize::from(*value) + 1)?;
    let padding = &content[plaintext_len..];
    padding
        .iter()
        .all(|byte| byte == value)
        .then_some(plaintext_len)
}
