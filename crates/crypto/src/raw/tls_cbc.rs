//! TLS's MAC-then-encrypt with CBC, as AWS-LC has it: `EVP_aead_aes_*_cbc_*_tls`. Opening is constant-time in all that
//! padding and MAC can tell (`crypto/cipher_extra/e_tls.c` and `tls_cbc.c`, after Langley's analysis of Lucky 13).

use std::mem::MaybeUninit;
use std::ptr;

use aws_lc_sys::{
    EVP_AEAD, EVP_AEAD_CTX, EVP_AEAD_CTX_cleanup, EVP_AEAD_CTX_init_with_direction,
    EVP_AEAD_CTX_open, EVP_AEAD_CTX_seal_scatter, EVP_AEAD_CTX_zero, EVP_aead_aes_128_cbc_sha1_tls,
    EVP_aead_aes_128_cbc_sha256_tls, EVP_aead_aes_256_cbc_sha1_tls,
    EVP_aead_aes_256_cbc_sha384_tls, evp_aead_direction_t_evp_aead_open,
    evp_aead_direction_t_evp_aead_seal,
};

use super::cbc_cipher::BLOCK_LEN;
use crate::CryptoError;

const ERROR: CryptoError = CryptoError::new("CBC record protection");

/// What AWS-LC has: AES key length and MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsCbcAlgorithm {
    Aes128Sha1,
    Aes256Sha1,
    Aes128Sha256,
    Aes256Sha384,
}

/// The length of what a MAC covers before the record's length: sequence number, type and version.
pub(crate) const HEADER_LEN: usize = 11;

/// A key for one direction. On the heap, since a move would leave a copy; AWS-LC wipes what it holds.
pub(crate) struct TlsCbc(Box<EVP_AEAD_CTX>);

// SAFETY: the object is ours alone, and AWS-LC binds none to a thread.
unsafe impl Send for TlsCbc {}
// SAFETY: nothing can be done with a shared reference: unlike other AEADs, these keep state between calls, so that even
// opening takes a mutable one.
unsafe impl Sync for TlsCbc {}

impl TlsCbc {
    /// `key` is the MAC key and the encryption key, one after the other.
    pub(crate) fn new(
        algorithm: TlsCbcAlgorithm,
        key: &[u8],
        seal: bool,
    ) -> Result<Self, CryptoError> {
        let direction = if seal {
            evp_aead_direction_t_evp_aead_seal
        } else {
            evp_aead_direction_t_evp_aead_open
        };
        let mut context = Box::new(MaybeUninit::<EVP_AEAD_CTX>::uninit());
        // SAFETY: writes all of the context's fields.
        unsafe { EVP_AEAD_CTX_zero(context.as_mut_ptr()) };
        // SAFETY: every bit pattern of what `EVP_AEAD_CTX_zero` has left is valid for this type: pointers that may be null,
        // bytes, and a union of both.
        let mut this = Self(unsafe { context.assume_init() });
        // SAFETY: the context is zeroed; the key is given with its true length, which AWS-LC compares with the
        // algorithm's; a tag length of 0 is the default.
        let result = unsafe {
            EVP_AEAD_CTX_init_with_direction(
                &mut *this.0,
                aead(algorithm),
                key.as_ptr(),
                key.len(),
                0,
                direction,
            )
        };
        if result != 1 {
            return Err(ERROR);
        }
        Ok(this)
    }

    /// Encrypts the first `len` bytes of `content` in place, and writes MAC and padding, encrypted, behind them. What is
    /// behind `len` must be exactly as long as those are.
    pub(crate) fn seal(
        &mut self,
        header: &[u8; HEADER_LEN],
        iv: &[u8; BLOCK_LEN],
        content: &mut [u8],
        len: usize,
    ) -> Result<(), CryptoError> {
        let (content, tag) = content.split_at_mut_checked(len).ok_or(ERROR)?;
        let mut written = 0;
        // SAFETY: the context is initialised and used by nobody else. All buffers are given with their true lengths;
        // input and output are the same, which is allowed, and the tag's buffer is another.
        let result = unsafe {
            EVP_AEAD_CTX_seal_scatter(
                &*self.0,
                content.as_mut_ptr(),
                tag.as_mut_ptr(),
                &mut written,
                tag.len(),
                iv.as_ptr(),
                iv.len(),
                content.as_ptr(),
                content.len(),
                ptr::null(),
                0,
                header.as_ptr(),
                header.len(),
            )
        };
        if result != 1 || written != tag.len() {
            return Err(ERROR);
        }
        Ok(())
    }

    /// Decrypts `content` in place and returns how many bytes of it are the plaintext.
    pub(crate) fn open(
        &mut self,
        header: &[u8; HEADER_LEN],
        iv: &[u8; BLOCK_LEN],
        content: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let mut written = 0;
        // SAFETY: the context is initialised and used by nobody else. All buffers are given with their true lengths;
        // input and output are the same, which is allowed.
        let result = unsafe {
            EVP_AEAD_CTX_open(
                &*self.0,
                content.as_mut_ptr(),
                &mut written,
                content.len(),
                iv.as_ptr(),
                iv.len(),
                content.as_ptr(),
                content.len(),
                header.as_ptr(),
                header.len(),
            )
        };
        if result != 1 {
            return Err(ERROR);
        }
        Ok(written)
    }
}

impl Drop for TlsCbc {
    fn drop(&mut self) {
        // SAFETY: the context is ours, initialised or zeroed, and this is its last use.
        unsafe { EVP_AEAD_CTX_cleanup(&mut *self.0) }
    }
}

fn aead(algorithm: TlsCbcAlgorithm) -> *const EVP_AEAD {
    // SAFETY: these take nothing and return statics.
    unsafe {
        match algorithm {
            TlsCbcAlgorithm::Aes128Sha1 => EVP_aead_aes_128_cbc_sha1_tls(),
            TlsCbcAlgorithm::Aes256Sha1 => EVP_aead_aes_256_cbc_sha1_tls(),
            TlsCbcAlgorithm::Aes128Sha256 => EVP_aead_aes_128_cbc_sha256_tls(),
            TlsCbcAlgorithm::Aes256Sha384 => EVP_aead_aes_256_cbc_sha384_tls(),
        }
    }
}
