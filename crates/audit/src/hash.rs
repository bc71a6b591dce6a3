//! The hashes of a Merkle tree (RFC 9162 §2.1.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_crypto::hash::HashAlgorithm;

/// A SHA-256 hash in the tree: of a record, or of all below a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; Self::LEN]);

impl Hash {
    /// 32 bytes.
    pub const LEN: usize = 32;

    /// RFC 9162 §2.1.1: "The hash of an empty list is the hash of an empty string: MTH({}) = HASH()."
    pub fn of_nothing() -> Self {
        Self::of(&[])
    }

    /// RFC 9162 §2.1.1: "The hash of a list with one entry (also known as a leaf hash) is: `MTH({d[0]}) = HASH(0x00 || d[0])`."
    pub fn of_leaf(record: &[u8]) -> Self {
        Self::of(&[&[0x00], record])
    }

    /// RFC 9162 §2.1.1: "`MTH(D_n) = HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n]))`".
    pub fn of_node(left: &Self, right: &Self) -> Self {
        Self::of(&[&[0x01], &left.0, &right.0])
    }

    /// SHA-256 of the parts, one after the other.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = HashAlgorithm::Sha256.start();
        for part in parts {
            hash.update(part);
        }
        let mut bytes = [0; Self::LEN];
        bytes.copy_from_slice(&hash.finish());
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// From its bytes; `None` if they are not 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From base64, as checkpoints and proofs have it.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        Self::from_bytes(&STANDARD.decode(text).ok()?)
    }
}

impl fmt::Display for Hash {
    /// In base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
