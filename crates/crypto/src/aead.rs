//! AEAD (RFC 5116): what protects records and tickets.

use std::fmt;

use crate::CryptoError;
use crate::raw::AeadContext;

/// The length of a tag in bytes, the same for every algorithm here.
pub const TAG_LEN: usize = 16;

/// The length of a nonce in bytes, the same for every algorithm here.
pub const NONCE_LEN: usize = 12;

/// The AEAD algorithms of TLS that every client has at least one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AeadAlgorithm {
    /// AES-128 in Galois/Counter Mode.
    Aes128Gcm,
    /// AES-256 in Galois/Counter Mode.
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439).
    Chacha20Poly1305,
}

impl AeadAlgorithm {
    /// The length of a key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::Chacha20Poly1305 => 32,
        }
    }
}

/// A key for one direction. Its owner sees to it that no nonce serves twice. Wiped when dropped.
pub struct AeadKey(AeadContext);

impl AeadKey {
    /// Expands `key`.
    ///
    /// # Errors
    ///
    /// `key` is not [`key_len`](AeadAlgorithm::key_len) bytes long.
    pub fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self, CryptoError> {
        AeadContext::new(algorithm, key).map(Self)
    }

    /// Encrypts `in_out` in place and returns the tag, which binds `aad` as well.
    ///
    /// # Errors
    ///
    /// The plaintext is longer than the algorithm allows (64 GiB for AES-GCM).
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        self.0.seal_in_place(nonce, aad, in_out)
    }

    /// Encrypts `plaintext` and then `suffix`, as if they were one, and appends ciphertext and tag to `out`; neither is
    /// copied there first.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal); `out` is as it was then.
    pub fn seal_append(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        suffix: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        self.0.seal_append(nonce, aad, [plaintext, suffix], out)
    }

    /// Decrypts `in_out`, ciphertext ‖ tag, in place and returns the plaintext.
    ///
    /// # Errors
    ///
    /// The tag is not that of this ciphertext, `aad`, nonce and key; `in_out` holds nothing to be used then.
    pub fn open<'a>(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        in_out: &'a mut [u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        self.0.open_in_place(nonce, aad, in_out)
    }

    /// Decrypts `sealed`, ciphertext ‖ tag, which stays as it is, and appends the plaintext to `out`.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); `out` is as it was then, and nothing of the plaintext is in memory.
    pub fn open_append(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        self.0.open_append(nonce, aad, sealed, out)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(secret)")
    }
}
