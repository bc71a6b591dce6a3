//! The public half of RSA without padding.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    CBS, CBS_init, EVP_PKEY, EVP_PKEY_free, EVP_PKEY_get0_RSA, EVP_PKEY_size, EVP_parse_public_key,
    RSA_NO_PADDING, RSA_encrypt,
};

use crate::CryptoError;

/// `block` to the power of the public exponent, both as long as the modulus.
pub(crate) fn rsa_public_transform(spki: &[u8], block: &[u8]) -> Result<Vec<u8>, CryptoError> {
    const ERROR: CryptoError = CryptoError::new("RSA public operation");
    let key = EvpPublicKey::from_spki(spki).ok_or(ERROR)?;
    // SAFETY: the key is valid. The result is borrowed from it, or null if it is not an RSA key.
    let rsa = unsafe { EVP_PKEY_get0_RSA(key.0.as_ptr()) };
    // SAFETY: the key is valid.
    let len = usize::try_from(unsafe { EVP_PKEY_size(key.0.as_ptr()) }).map_err(|_| ERROR)?;
    if rsa.is_null() || block.len() != len {
        return Err(ERROR);
    }
    let mut result = vec![0; len];
    let mut written = 0;
    // SAFETY: `rsa` lives as long as `key`; both buffers are given with their true lengths.
    let done = unsafe {
        RSA_encrypt(
            rsa,
            &mut written,
            result.as_mut_ptr(),
            result.len(),
            block.as_ptr(),
            block.len(),
            RSA_NO_PADDING,
        )
    };
    if done != 1 || written != len {
        return Err(ERROR);
    }
    Ok(result)
}

/// An owned `EVP_PKEY` with a public key in it.
struct EvpPublicKey(NonNull<EVP_PKEY>);

impl EvpPublicKey {
    fn from_spki(spki: &[u8]) -> Option<Self> {
        let mut cbs = CBS {
            data: ptr::null(),
            len: 0,
        };
        // SAFETY: `cbs` is ours, and `spki` outlives it.
        unsafe { CBS_init(&mut cbs, spki.as_ptr(), spki.len()) };
        // SAFETY: `cbs` was initialised above. The result is owned by the caller, or null.
        NonNull::new(unsafe { EVP_parse_public_key(&mut cbs) }).map(Self)
    }
}

impl Drop for EvpPublicKey {
    fn drop(&mut self) {
        // SAFETY: the key is ours, and this is its last use.
        unsafe { EVP_PKEY_free(self.0.as_ptr()) }
    }
}
