//! Hash functions: whole messages, and the running transcript of a handshake.

use std::fmt;
use std::ops::Deref;

use crate::raw::{self, DigestContext};

/// The hash functions that TLS 1.2 and 1.3 name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-1, 20 bytes. Never for a new signature; only to recognise what old peers send.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// The length of a digest in bytes.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of `message`.
    pub fn digest(self, message: &[u8]) -> Digest {
        raw::digest(self, message)
    }

    /// A running hash over nothing yet.
    pub fn start(self) -> Hash {
        Hash(DigestContext::new(self))
    }
}

/// A running hash. Cloning it forks the hash at this point.
#[derive(Clone)]
pub struct Hash(DigestContext);

impl Hash {
    /// Appends `bytes` to what is hashed.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything so far; the hash can go on.
    pub fn current(&self) -> Digest {
        self.clone().finish()
    }

    /// The digest of everything.
    pub fn finish(self) -> Digest {
        self.0.finish()
    }

    /// Which hash function this is.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What has been hashed may be a secret: only the algorithm shows.
        f.debug_tuple("Hash").field(&self.algorithm()).finish()
    }
}

/// A hash value or HMAC tag, 20 to 64 bytes. Not a secret: where one serves as a key, it becomes a
/// [`Secret`](crate::hkdf::Secret).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

impl Digest {
    /// The longest digest, SHA-512's, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The bytes that count of a buffer that a digest was written to, zeros behind it.
    pub(crate) fn from_buffer(bytes: [u8; Self::MAX_LEN], algorithm: HashAlgorithm) -> Self {
        let len = match algorithm {
            HashAlgorithm::Sha1 => 20,
            HashAlgorithm::Sha256 => 32,
            HashAlgorithm::Sha384 => 48,
            HashAlgorithm::Sha512 => 64,
        };
        Self { bytes, len }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Deref for Digest {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 example messages (NIST's "abc").
    #[test]
    fn abc() {
        let cases = [
            (
                HashAlgorithm::Sha1,
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            ),
            (
                HashAlgorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                HashAlgorithm::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                HashAlgorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ];
        for (algorithm, expected) in cases {
            assert_eq!(format!("{:?}", algorithm.digest(b"abc")), expected);
            assert_eq!(algorithm.digest(b"abc").len(), algorithm.output_len());
        }
    }

    #[test]
    fn a_fork_does_not_disturb_the_running_hash() {
        let mut hash = HashAlgorithm::Sha256.start();
        hash.update(b"Client");
        let fork = hash.current();
        hash.update(b"Hello");
        assert_eq!(fork, HashAlgorithm::Sha256.digest(b"Client"));
        assert_eq!(hash.finish(), HashAlgorithm::Sha256.digest(b"ClientHello"));
    }
}
