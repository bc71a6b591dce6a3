//! HMAC (RFC 2104), for Finished messages and binders.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::hash::{Digest, HashAlgorithm};
use crate::hkdf::Secret;
use crate::raw::HmacContext;

/// The tag over `parts` in order, as if they were one message, with a key that serves once.
pub fn tag(algorithm: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Digest {
    HmacContext::with(algorithm, key, |context| sign(context, algorithm, parts))
}

/// A key for HMAC, with the inner and outer pads absorbed once. Wiped when dropped.
pub struct HmacKey {
    algorithm: HashAlgorithm,
    context: Box<HmacContext>,
}

impl HmacKey {
    /// A key of any length; one longer than the hash's block is hashed first (RFC 2104 §2).
    pub fn new(algorithm: HashAlgorithm, key: &[u8]) -> Self {
        Self {
            algorithm,
            context: HmacContext::boxed(algorithm, key),
        }
    }

    /// The tag over `parts` in order, as if they were one message.
    pub fn sign(&self, parts: &[&[u8]]) -> Digest {
        self.context
            .with_copy(|context| sign(context, self.algorithm, parts))
    }

    /// [`sign`](Self::sign) where the tag is a derived key.
    pub(crate) fn derive(&self, parts: &[&[u8]]) -> Secret {
        self.context
            .with_copy(|context| context.derive(parts.iter().copied()))
    }

    /// Whether `tag` is the whole tag over `parts`. Takes the same time wherever they differ.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.sign(parts).ct_eq(tag).into()
    }
}

fn sign(context: &mut HmacContext, algorithm: HashAlgorithm, parts: &[&[u8]]) -> Digest {
    let mut tag = [0; Digest::MAX_LEN];
    context.tag(parts.iter().copied(), &mut tag);
    Digest::from_buffer(tag, algorithm)
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.3 (test case 2): a key shorter than the digest.
    #[test]
    fn rfc_4231_case_2() {
        let cases = [
            (
                HashAlgorithm::Sha256,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                HashAlgorithm::Sha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
                 8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                HashAlgorithm::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ];
        for (algorithm, expected) in cases {
            let key = HmacKey::new(algorithm, b"Jefe");
            let tag = key.sign(&[b"what do ya ", b"want for nothing?"]);
            assert_eq!(format!("{tag:?}"), expected);
            assert!(key.verify(&[b"what do ya want for nothing?"], &tag));
        }
    }

    #[test]
    fn every_wrong_tag_is_refused() {
        let key = HmacKey::new(HashAlgorithm::Sha256, b"key");
        let tag = key.sign(&[b"message"]);
        for index in 0..tag.len() {
            let mut wrong = tag.to_vec();
            wrong[index] ^= 1;
            assert!(!key.verify(&[b"message"], &wrong));
        }
        assert!(!key.verify(&[b"message"], &tag[..31]));
        assert!(!key.verify(&[b"message"], &[]));
        assert!(!key.verify(&[b"massage"], &tag));
    }
}
