//! Hash functions: whole messages, and the running transcript of a handshake.

use std::fmt;
use std::ops::Deref;

use aws_lc_rs::digest;

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
        Digest::new(digest::digest(self.implementation(), message).as_ref())
    }

    /// A running hash over nothing yet.
    pub fn start(self) -> Hash {
        Hash {
            algorithm: self,
            context: digest::Context::new(self.implementation()),
        }
    }

    fn implementation(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// A running hash. Cloning it forks the hash at this point.
#[derive(Clone)]
pub struct Hash {
    algorithm: HashAlgorithm,
    context: digest::Context,
}

impl Hash {
    /// Appends `bytes` to what is hashed.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The digest of everything so far; the hash can go on.
    pub fn current(&self) -> Digest {
        self.clone().finish()
    }

    /// The digest of everything.
    pub fn finish(self) -> Digest {
        Digest::new(self.context.finish().as_ref())
    }

    /// Which hash function this is.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What has been hashed may be a secret: only the algorithm shows.
        f.debug_tuple("Hash").field(&self.algorithm).finish()
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

    /// `value` is the output of one of the algorithms above, so it fits.
    pub(crate) fn new(value: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        bytes[..value.len()].copy_from_slice(value);
        Self {
            bytes,
            len: u8::try_from(value.len()).expect("no digest is longer than 64 bytes"),
        }
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
