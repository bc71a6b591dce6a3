//! Two operations on a private key: RSA decryption without padding, and ECDSA. `aws-lc-rs` has the latter with the curve's
//! own hash alone, and copies five kilobytes for each signature, room for the longest of any algorithm.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    CBS, CBS_init, CBS_len, ECDSA_sign, EVP_PKEY, EVP_PKEY_free, EVP_PKEY_get0_EC_KEY,
    EVP_PKEY_get0_RSA, EVP_PKEY_size, EVP_parse_private_key, RSA_NO_PADDING, RSA_decrypt,
};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::hash::HashAlgorithm;

/// An owned `EVP_PKEY` with a private key in it. AWS-LC wipes its numbers when it is freed.
pub(crate) struct EvpPrivateKey(NonNull<EVP_PKEY>);

// SAFETY: "A given object may be used concurrently on multiple threads by non-mutating functions, provided no other
// thread is concurrently calling a mutating function" (openssl/evp.h). Only non-mutating functions are called below:
// signing and decrypting are documented so in openssl/evp.h and openssl/rsa.h, although they take `*mut`.
unsafe impl Send for EvpPrivateKey {}
// SAFETY: as above.
unsafe impl Sync for EvpPrivateKey {}

impl EvpPrivateKey {
    /// Parses an unencrypted PKCS#8 PrivateKeyInfo; AWS-LC checks that the numbers belong together.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        const ERROR: CryptoError = CryptoError::new("private key parsing");
        let mut cbs = CBS {
            data: ptr::null(),
            len: 0,
        };
        // SAFETY: `cbs` is ours, and `der` outlives it.
        unsafe { CBS_init(&mut cbs, der.as_ptr(), der.len()) };
        // SAFETY: `cbs` was initialised above. The result is owned by the caller, or null.
        let key = NonNull::new(unsafe { EVP_parse_private_key(&mut cbs) }).ok_or(ERROR)?;
        let this = Self(key);
        // SAFETY: `cbs` is still within `der`.
        match unsafe { CBS_len(&cbs) } {
            0 => Ok(this),
            _ => Err(ERROR),
        }
    }

    /// RSA decryption without padding: the block under the padding, as long as the modulus. Blinded, and checked with
    /// the public exponent before it is handed out (`rsa_default_private_transform`), both by AWS-LC.
    pub(crate) fn rsa_decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        const ERROR: CryptoError = CryptoError::new("RSA decryption");
        // SAFETY: the key is valid. The result is borrowed from it, or null if it is not an RSA key.
        let rsa = unsafe { EVP_PKEY_get0_RSA(self.0.as_ptr()) };
        if rsa.is_null() {
            return Err(ERROR);
        }
        let mut block = Zeroizing::new(vec![0; self.output_len()?]);
        if ciphertext.len() != block.len() {
            return Err(ERROR);
        }
        let mut written = 0;
        // SAFETY: `rsa` lives as long as `self`; both buffers are given with their true lengths.
        let result = unsafe {
            RSA_decrypt(
                rsa,
                &mut written,
                block.as_mut_ptr(),
                block.len(),
                ciphertext.as_ptr(),
                ciphertext.len(),
                RSA_NO_PADDING,
            )
        };
        if result != 1 || written != block.len() {
            return Err(ERROR);
        }
        Ok(block)
    }

    /// An ECDSA signature, DER, over the digest of `message` by `hash`.
    pub(crate) fn ecdsa_sign(
        &self,
        hash: HashAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.ecdsa_sign_digest(hash, &hash.digest(message))
    }

    /// An ECDSA signature, DER, over `digest`, which must be as long as `hash` makes them.
    pub(crate) fn ecdsa_sign_digest(
        &self,
        hash: HashAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        const ERROR: CryptoError = CryptoError::new("ECDSA signing");
        if digest.len() != hash.output_len() {
            return Err(ERROR);
        }
        // SAFETY: the key is valid. The result is borrowed from it, or null if it is not an EC key.
        let key = unsafe { EVP_PKEY_get0_EC_KEY(self.0.as_ptr()) };
        if key.is_null() {
            return Err(ERROR);
        }
        let mut signature = Vec::with_capacity(self.output_len()?);
        let mut len = 0;
        // SAFETY: `key` lives as long as `self`. The digest is given with its true length; the buffer has room for the
        // longest signature of the key. The first parameter means nothing.
        let result = unsafe {
            ECDSA_sign(
                0,
                digest.as_ptr(),
                digest.len(),
                signature.as_mut_ptr(),
                &mut len,
                key,
            )
        };
        let len = usize::try_from(len).map_err(|_| ERROR)?;
        if result != 1 || len > signature.capacity() {
            return Err(ERROR);
        }
        // SAFETY: so many bytes have been written.
        unsafe { signature.set_len(len) };
        Ok(signature)
    }

    /// The length in bytes of an RSA block, or the most that an ECDSA signature takes.
    fn output_len(&self) -> Result<usize, CryptoError> {
        // SAFETY: the key is valid.
        let len = unsafe { EVP_PKEY_size(self.0.as_ptr()) };
        usize::try_from(len).map_err(|_| CryptoError::new("private key size"))
    }
}

impl Drop for EvpPrivateKey {
    fn drop(&mut self) {
        // SAFETY: the key is ours, and this is its last use.
        unsafe { EVP_PKEY_free(self.0.as_ptr()) }
    }
}
