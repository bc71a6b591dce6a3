//! RSA with the public key and no padding: what a client does, well or badly.

use num_bigint::BigUint;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::identity::Identity;

pub(crate) struct RsaPublic {
    pub(crate) modulus: BigUint,
    exponent: BigUint,
    /// Of the modulus, in bytes.
    pub(crate) len: usize,
}

impl RsaPublic {
    pub(crate) fn of(identity: &Identity) -> Self {
        let (_, spki) =
            SubjectPublicKeyInfo::from_der(identity.key.public_key().spki_der()).unwrap();
        let Ok(PublicKey::RSA(key)) = spki.parsed() else {
            panic!("not an RSA key")
        };
        let modulus = BigUint::from_bytes_be(key.modulus);
        Self {
            len: usize::try_from(modulus.bits().div_ceil(8)).unwrap(),
            modulus,
            exponent: BigUint::from_bytes_be(key.exponent),
        }
    }

    /// Encrypts a block as it is. Its number must be below the modulus.
    pub(crate) fn encrypt_block(&self, block: &[u8]) -> Vec<u8> {
        let number = BigUint::from_bytes_be(block);
        assert!(number < self.modulus, "the block is too large");
        self.bytes(&number.modpow(&self.exponent, &self.modulus))
    }

    /// A number as long as the modulus.
    pub(crate) fn bytes(&self, number: &BigUint) -> Vec<u8> {
        let digits = number.to_bytes_be();
        let mut bytes = vec![0; self.len - digits.len()];
        bytes.extend(digits);
        bytes
    }

    /// `00 02 nonzero… 00 message`.
    pub(crate) fn pad(&self, message: &[u8]) -> Vec<u8> {
        let mut block = vec![0xa5; self.len - message.len()];
        block[0] = 0;
        block[1] = 2;
        *block.last_mut().unwrap() = 0;
        block.extend_from_slice(message);
        block
    }
}
