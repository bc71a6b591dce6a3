//! TLS 1.2 records with AES-CBC and HMAC, in both orders: MAC-then-encrypt (RFC 5246 §6.2.3.2) and encrypt-then-MAC
//! (RFC 7366).
//!
//! With the MAC inside, who can tell bad padding from a bad MAC reads the plaintext (Vaudenay's attack, POODLE, Lucky 13).
//! So there is one error for everything, and it takes the same time: AWS-LC removes padding and computes and finds the
//! MAC without a branch or an address that depends on them. `tests/constant_trace.rs` compares the machine's
//! steps under Valgrind, and `bench/benches/timing` asks a clock.
//!
//! ```
//! use keyward_crypto::cbc::{CbcAlgorithm, CbcKey, Direction, MacOrder};
//!
//! let (mac_key, key, iv) = ([1; 20], [2; 16], [3; 16]);
//! let key_for = |direction| {
//!     CbcKey::new(CbcAlgorithm::Aes128Sha1, MacOrder::MacThenEncrypt, direction, &mac_key, &key)
//! };
//! // Sequence number 0, application data, TLS 1.2.
//! let header = [0, 0, 0, 0, 0, 0, 0, 0, 23, 3, 3];
//!
//! let mut body = Vec::new();
//! key_for(Direction::Seal)?.seal(&header, &iv, b"hello", &mut body)?;
//! let plaintext = key_for(Direction::Open)?.open(&header, &mut body)?;
//! assert_eq!(&body[plaintext], b"hello");
//! # Ok::<(), keyward_crypto::CryptoError>(())
//! ```

use std::fmt;
use std::ops::Range;

use crate::CryptoError;
use crate::hash::HashAlgorithm;
use crate::raw::{BLOCK_LEN, TlsCbcAlgorithm};

mod encrypt_then_mac;
mod mac_then_encrypt;

use encrypt_then_mac::EncryptThenMac;
use mac_then_encrypt::MacThenEncrypt;

/// The length of an IV, which is in front of each record's ciphertext, in bytes.
pub const IV_LEN: usize = BLOCK_LEN;

/// The length in bytes of what the MAC covers in front of the record's length: sequence number (8), type (1), version (2).
pub const HEADER_LEN: usize = crate::raw::HEADER_LEN;

/// Cipher and MAC of a CBC suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CbcAlgorithm {
    /// AES-128-CBC, HMAC-SHA1.
    Aes128Sha1,
    /// AES-256-CBC, HMAC-SHA1.
    Aes256Sha1,
    /// AES-128-CBC, HMAC-SHA256.
    Aes128Sha256,
    /// AES-256-CBC, HMAC-SHA256.
    Aes256Sha256,
    /// AES-256-CBC, HMAC-SHA384.
    Aes256Sha384,
}

impl CbcAlgorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 5] = [
        Self::Aes128Sha1,
        Self::Aes256Sha1,
        Self::Aes128Sha256,
        Self::Aes256Sha256,
        Self::Aes256Sha384,
    ];

    /// The length of the encryption key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 => 16,
            Self::Aes256Sha1 | Self::Aes256Sha256 | Self::Aes256Sha384 => 32,
        }
    }

    /// The length of the MAC, and of its key, in bytes.
    pub const fn mac_len(self) -> usize {
        self.mac_hash().output_len()
    }

    /// The hash of the HMAC.
    pub const fn mac_hash(self) -> HashAlgorithm {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => HashAlgorithm::Sha1,
            Self::Aes128Sha256 | Self::Aes256Sha256 => HashAlgorithm::Sha256,
            Self::Aes256Sha384 => HashAlgorithm::Sha384,
        }
    }

    /// The length in bytes of a record's body, IV and MAC included, with a plaintext of `plaintext_len` bytes.
    pub const fn body_len(self, order: MacOrder, plaintext_len: usize) -> usize {
        let mac = self.mac_len();
        match order {
            MacOrder::MacThenEncrypt => IV_LEN + padded_len(plaintext_len + mac),
            MacOrder::EncryptThenMac => IV_LEN + padded_len(plaintext_len) + mac,
        }
    }
}

/// With at least one byte of padding, up to a whole block (RFC 5246 §6.2.3.2).
const fn padded_len(len: usize) -> usize {
    (len / BLOCK_LEN + 1) * BLOCK_LEN
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MacOrder {
    /// TLS 1.2 as it is: the MAC is over the plaintext, and encrypted with it.
    MacThenEncrypt,
    /// With the encrypt_then_mac extension: the MAC is over the ciphertext.
    EncryptThenMac,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To protect records.
    Seal,
    /// To take the protection off.
    Open,
}

/// The keys of one direction of a connection. Wiped when dropped.
pub struct CbcKey {
    algorithm: CbcAlgorithm,
    order: Order,
}

enum Order {
    MacThenEncrypt(MacThenEncrypt),
    EncryptThenMac(EncryptThenMac),
}

const OPEN_ERROR: CryptoError = CryptoError::new("CBC record decryption");
const SEAL_ERROR: CryptoError = CryptoError::new("CBC record encryption");

impl CbcKey {
    /// Expands the keys.
    ///
    /// # Errors
    ///
    /// `mac_key` is not [`mac_len`](CbcAlgorithm::mac_len), or `key` not [`key_len`](CbcAlgorithm::key_len) bytes long.
    pub fn new(
        algorithm: CbcAlgorithm,
        order: MacOrder,
        direction: Direction,
        mac_key: &[u8],
        key: &[u8],
    ) -> Result<Self, CryptoError> {
        if mac_key.len() != algorithm.mac_len() || key.len() != algorithm.key_len() {
            return Err(CryptoError::new("CBC key setup"));
        }
        let order = match order {
            MacOrder::MacThenEncrypt => {
                Order::MacThenEncrypt(MacThenEncrypt::new(algorithm, direction, mac_key, key)?)
            }
            MacOrder::EncryptThenMac => {
                Order::EncryptThenMac(EncryptThenMac::new(algorithm, direction, mac_key, key)?)
            }
        };
        Ok(Self { algorithm, order })
    }

    /// Appends a record's body to `out`: IV, ciphertext, and with encrypt-then-MAC the MAC. The padding is as short as can
    /// be. [`CbcAlgorithm::body_len`] says how long it is.
    ///
    /// `iv` is for this record alone and was drawn at random: "The Initialization Vector (IV) SHOULD be chosen at random, and
    /// MUST be unpredictable" (RFC 5246 §6.2.3.2), which ends BEAST.
    ///
    /// # Errors
    ///
    /// The key is for the other direction, or the plaintext longer than the two bytes of its length can say.
    pub fn seal(
        &mut self,
        header: &[u8; HEADER_LEN],
        iv: &[u8; IV_LEN],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        if plaintext.len() > usize::from(u16::MAX) {
            return Err(SEAL_ERROR);
        }
        let begin = out.len();
        out.reserve(self.algorithm.body_len(self.order(), plaintext.len()));
        out.extend_from_slice(iv);
        out.extend_from_slice(plaintext);
        let sealed = match &mut self.order {
            Order::MacThenEncrypt(key) => key.seal(header, iv, plaintext, out),
            Order::EncryptThenMac(key) => key.seal(header, iv, plaintext, out),
        };
        if sealed.is_err() {
            // No plaintext is left for who forgets to look.
            out.truncate(begin);
        }
        sealed.map_err(|_| SEAL_ERROR)
    }

    /// Decrypts a record's body in place and returns where in it the plaintext is.
    ///
    /// # Errors
    ///
    /// The body is not what this key makes of any plaintext for this header; or the key is for the other direction. The error is
    /// the same, and takes the same time, whatever of length, padding and MAC is wrong behind a body of one length.
    pub fn open(
        &mut self,
        header: &[u8; HEADER_LEN],
        body: &mut [u8],
    ) -> Result<Range<usize>, CryptoError> {
        let len = match &mut self.order {
            Order::MacThenEncrypt(key) => key.open(header, body),
            Order::EncryptThenMac(key) => key.open(header, body),
        };
        len.map(|len| IV_LEN..IV_LEN + len).map_err(|_| OPEN_ERROR)
    }

    fn order(&self) -> MacOrder {
        match self.order {
            Order::MacThenEncrypt(_) => MacOrder::MacThenEncrypt,
            Order::EncryptThenMac(_) => MacOrder::EncryptThenMac,
        }
    }
}

impl fmt::Debug for CbcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CbcKey({:?}, secret)", self.algorithm)
    }
}

/// IV and rest of a body; `None` if it is shorter than an IV.
fn split_iv(body: &mut [u8]) -> Option<([u8; IV_LEN], &mut [u8])> {
    let (iv, rest) = body.split_first_chunk_mut::<IV_LEN>()?;
    Some((*iv, rest))
}

/// Appends the padding: "Each uint8 in the padding data vector MUST be filled with the padding length value" (RFC 5246
/// §6.2.3.2), the last of them being that length itself. `len` is that of what is encrypted.
fn pad(len: usize, out: &mut Vec<u8>) {
    let count = padded_len(len) - len;
    let value = u8::try_from(count - 1).expect("a block has sixteen bytes");
    out.resize(out.len() + count, value);
}

/// Which of AWS-LC's it is; it has none for AES-256 with SHA-256.
fn of_aws_lc(algorithm: CbcAlgorithm) -> Option<TlsCbcAlgorithm> {
    match algorithm {
        CbcAlgorithm::Aes128Sha1 => Some(TlsCbcAlgorithm::Aes128Sha1),
        CbcAlgorithm::Aes256Sha1 => Some(TlsCbcAlgorithm::Aes256Sha1),
        CbcAlgorithm::Aes128Sha256 => Some(TlsCbcAlgorithm::Aes128Sha256),
        CbcAlgorithm::Aes256Sha256 => None,
        CbcAlgorithm::Aes256Sha384 => Some(TlsCbcAlgorithm::Aes256Sha384),
    }
}
