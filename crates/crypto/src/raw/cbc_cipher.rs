//! AES in CBC mode over whole blocks, with no padding.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    EVP_CIPHER_CTX, EVP_CIPHER_CTX_free, EVP_CIPHER_CTX_new, EVP_CIPHER_CTX_set_padding,
    EVP_CipherInit_ex, EVP_CipherUpdate, EVP_aes_128_cbc, EVP_aes_256_cbc,
};

use crate::CryptoError;

const ERROR: CryptoError = CryptoError::new("CBC cipher");

/// The length of a block, and of an IV, in bytes.
pub(crate) const BLOCK_LEN: usize = 16;

/// A key for one direction. AWS-LC wipes it when it is freed.
pub(crate) struct CbcCipher(NonNull<EVP_CIPHER_CTX>);

// SAFETY: the object is ours alone, and AWS-LC binds none to a thread.
unsafe impl Send for CbcCipher {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl Sync for CbcCipher {}

impl CbcCipher {
    /// Expands a key of 16 or 32 bytes.
    pub(crate) fn new(key: &[u8], encrypt: bool) -> Result<Self, CryptoError> {
        let cipher = match key.len() {
            // SAFETY: takes nothing and returns a static.
            16 => unsafe { EVP_aes_128_cbc() },
            // SAFETY: as above.
            32 => unsafe { EVP_aes_256_cbc() },
            _ => return Err(ERROR),
        };
        // SAFETY: takes nothing. The result is owned by the caller, or null.
        let this = Self(NonNull::new(unsafe { EVP_CIPHER_CTX_new() }).ok_or(ERROR)?);
        // SAFETY: the context is ours, the key is as long as the cipher's; no engine, and no IV yet.
        let result = unsafe {
            EVP_CipherInit_ex(
                this.0.as_ptr(),
                cipher,
                ptr::null_mut(),
                key.as_ptr(),
                ptr::null(),
                encrypt.into(),
            )
        };
        // SAFETY: the context is initialised.
        if result != 1 || unsafe { EVP_CIPHER_CTX_set_padding(this.0.as_ptr(), 0) } != 1 {
            return Err(ERROR);
        }
        Ok(this)
    }

    /// Encrypts or decrypts `blocks`, whole blocks, in place.
    pub(crate) fn apply(
        &mut self,
        iv: &[u8; BLOCK_LEN],
        blocks: &mut [u8],
    ) -> Result<(), CryptoError> {
        let len = i32::try_from(blocks.len()).map_err(|_| ERROR)?;
        if !blocks.len().is_multiple_of(BLOCK_LEN) {
            return Err(ERROR);
        }
        // SAFETY: the context has its cipher and key, which null leaves as they are, as -1 does the direction; the IV has
        // the cipher's length.
        let result = unsafe {
            EVP_CipherInit_ex(
                self.0.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                ptr::null(),
                iv.as_ptr(),
                -1,
            )
        };
        if result != 1 {
            return Err(ERROR);
        }
        let mut written = 0;
        // SAFETY: in place is allowed; whole blocks without padding give as many bytes as they have.
        let result = unsafe {
            EVP_CipherUpdate(
                self.0.as_ptr(),
                blocks.as_mut_ptr(),
                &mut written,
                blocks.as_ptr(),
                len,
            )
        };
        if result != 1 || written != len {
            return Err(ERROR);
        }
        Ok(())
    }
}

impl Drop for CbcCipher {
    fn drop(&mut self) {
        // SAFETY: the context is ours, and this is its last use.
        unsafe { EVP_CIPHER_CTX_free(self.0.as_ptr()) }
    }
}
