//! The name of a key: the hash of its public half.

use core::fmt;
use core::str::FromStr;

use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::signature::PublicKey;
use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};

/// Names a private key by the SHA-256 hash of its SubjectPublicKeyInfo in DER.
///
/// Both sides compute it by themselves, the edge from a certificate and the key server from a key
/// file, so there is nothing to configure and nothing to mistake. The text form is 64 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; Self::LEN]);

impl KeyId {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// The name of the key with this SubjectPublicKeyInfo (DER).
    pub fn of_spki(spki_der: &[u8]) -> Self {
        Self::from_digest(&HashAlgorithm::Sha256.digest(spki_der))
    }

    /// The name of the key whose public half this is.
    pub fn of_public_key(key: &PublicKey) -> Self {
        Self::from_digest(key.spki_sha256())
    }

    fn from_digest(spki_sha256: &Digest) -> Self {
        let mut id = [0; Self::LEN];
        id.copy_from_slice(spki_sha256);
        Self(id)
    }

    /// A name that came over the wire or out of a file.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The hash itself.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One piece: key servers write it with every use of a key.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 2 * Self::LEN];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let digits = text.as_bytes();
        if digits.len() != 2 * Self::LEN {
            return Err(InvalidKeyId);
        }
        let mut id = [0; Self::LEN];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(Self(id))
    }
}

fn hex_digit(digit: u8) -> Result<u8, InvalidKeyId> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(InvalidKeyId),
    }
}

/// The text is no [`KeyId`]: 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKeyId;

impl fmt::Display for InvalidKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key is named by 64 hexadecimal digits, the SHA-256 of its public key")
    }
}

impl core::error::Error for InvalidKeyId {}

impl Encode for KeyId {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl<'a> Decode<'a> for KeyId {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.array("KeyId").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_the_sha256_in_hexadecimal_and_reads_back() {
        let id = KeyId::of_spki(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn what_is_no_key_id_is_refused() {
        for text in [
            "",
            "ba",
            &"g0".repeat(32),
            &"00".repeat(33),
            &"é".repeat(32),
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(InvalidKeyId), "{text}");
        }
    }
}
