//! A keyed AEAD that writes where the caller wants its output.

use std::mem::MaybeUninit;
use std::ptr;

use aws_lc_sys::{
    EVP_AEAD, EVP_AEAD_CTX, EVP_AEAD_CTX_cleanup, EVP_AEAD_CTX_init, EVP_AEAD_CTX_open_gather,
    EVP_AEAD_CTX_seal_scatter, EVP_AEAD_CTX_zero, EVP_aead_aes_128_gcm, EVP_aead_aes_256_gcm,
    EVP_aead_chacha20_poly1305, OPENSSL_cleanse,
};

use crate::CryptoError;
use crate::aead::{AeadAlgorithm, NONCE_LEN, TAG_LEN};

/// A key with its schedule. On the heap, where it does not move, and wiped when dropped.
pub(crate) struct AeadContext(Box<MaybeUninit<EVP_AEAD_CTX>>);

// SAFETY: the object is ours alone, and AWS-LC binds none to a thread.
unsafe impl Send for AeadContext {}
// SAFETY: "EVP_AEAD_CTX_seal_scatter and EVP_AEAD_CTX_open_gather may be called concurrently with themselves or any other
// seal/open function on the same EVP_AEAD_CTX" (openssl/aead.h), and nothing else is called through a shared reference.
unsafe impl Sync for AeadContext {}

impl AeadContext {
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self, CryptoError> {
        let mut context = Box::new(MaybeUninit::<EVP_AEAD_CTX>::uninit());
        // SAFETY: the memory is ours; this makes it a context that may be cleaned up, as `drop` does.
        unsafe { EVP_AEAD_CTX_zero(context.as_mut_ptr()) };
        let mut this = Self(context);
        // SAFETY: the context was initialised above, the key is given with its true length, no engine.
        let result = unsafe {
            EVP_AEAD_CTX_init(
                this.0.as_mut_ptr(),
                implementation(algorithm),
                key.as_ptr(),
                key.len(),
                TAG_LEN,
                ptr::null_mut(),
            )
        };
        match result {
            1 => Ok(this),
            _ => Err(CryptoError::new("AEAD key setup")),
        }
    }

    /// Encrypts `plaintext` and then `suffix`, and appends ciphertext and tag to `out`.
    pub(crate) fn seal_append(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        [plaintext, suffix]: [&[u8]; 2],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let tail = suffix.len() + TAG_LEN;
        out.reserve(plaintext.len() + tail);
        let begin = out.len();
        let free = &mut out.spare_capacity_mut()[..plaintext.len() + tail];
        let (ciphertext, tag) = free.split_at_mut(plaintext.len());
        let mut tag_len = 0;
        // SAFETY: the context has its key. All buffers are given with their true lengths: `ciphertext` is as long as
        // `plaintext`, `tag` has room for the suffix and the tag proper. `out` is borrowed for writing, so it overlaps
        // no input.
        let result = unsafe {
            EVP_AEAD_CTX_seal_scatter(
                self.0.as_ptr(),
                ciphertext.as_mut_ptr().cast(),
                tag.as_mut_ptr().cast(),
                &mut tag_len,
                tail,
                nonce.as_ptr(),
                nonce.len(),
                plaintext.as_ptr(),
                plaintext.len(),
                suffix.as_ptr(),
                suffix.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        if result != 1 || tag_len != tail {
            return Err(CryptoError::new("AEAD encryption"));
        }
        // SAFETY: so many bytes were reserved, and have been written.
        unsafe { out.set_len(begin + plaintext.len() + tail) };
        Ok(())
    }

    /// Encrypts `in_out` in place and returns the tag.
    pub(crate) fn seal_in_place(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        let mut tag = [0; TAG_LEN];
        let mut tag_len = 0;
        // SAFETY: the context has its key. All buffers are given with their true lengths; output and input are the same
        // bytes exactly, which AWS-LC allows; there is no further input.
        let result = unsafe {
            EVP_AEAD_CTX_seal_scatter(
                self.0.as_ptr(),
                in_out.as_mut_ptr(),
                tag.as_mut_ptr(),
                &mut tag_len,
                tag.len(),
                nonce.as_ptr(),
                nonce.len(),
                in_out.as_ptr(),
                in_out.len(),
                ptr::null(),
                0,
                aad.as_ptr(),
                aad.len(),
            )
        };
        if result != 1 || tag_len != TAG_LEN {
            return Err(CryptoError::new("AEAD encryption"));
        }
        Ok(tag)
    }

    /// Decrypts `in_out`, ciphertext ‖ tag, in place and returns the plaintext. AWS-LC overwrites it if the tag is wrong.
    pub(crate) fn open_in_place<'a>(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        in_out: &'a mut [u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        const ERROR: CryptoError = CryptoError::new("AEAD decryption");
        let length = in_out.len().checked_sub(TAG_LEN).ok_or(ERROR)?;
        let (text, tag) = in_out.split_at_mut(length);
        // SAFETY: as in `seal_in_place`; the tag follows the text and does not overlap it.
        let result = unsafe {
            EVP_AEAD_CTX_open_gather(
                self.0.as_ptr(),
                text.as_mut_ptr(),
                nonce.as_ptr(),
                nonce.len(),
                text.as_ptr(),
                text.len(),
                tag.as_ptr(),
                tag.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        match result {
            1 => Ok(text),
            _ => Err(ERROR),
        }
    }

    /// Decrypts `sealed`, ciphertext ‖ tag, and appends the plaintext to `out`. AWS-LC overwrites what it wrote if the tag
    /// is wrong.
    pub(crate) fn open_append(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        const ERROR: CryptoError = CryptoError::new("AEAD decryption");
        let length = sealed.len().checked_sub(TAG_LEN).ok_or(ERROR)?;
        let (text, tag) = sealed.split_at(length);
        out.reserve(length);
        let begin = out.len();
        // SAFETY: the context has its key. All buffers are given with their true lengths; so many bytes were reserved
        // behind what `out` has. `out` is borrowed for writing, so it overlaps no input.
        let result = unsafe {
            EVP_AEAD_CTX_open_gather(
                self.0.as_ptr(),
                out.spare_capacity_mut().as_mut_ptr().cast(),
                nonce.as_ptr(),
                nonce.len(),
                text.as_ptr(),
                text.len(),
                tag.as_ptr(),
                tag.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        if result != 1 {
            return Err(ERROR);
        }
        // SAFETY: so many bytes were reserved, and have been written.
        unsafe { out.set_len(begin + length) };
        Ok(())
    }
}

impl Drop for AeadContext {
    fn drop(&mut self) {
        // SAFETY: the context was zeroed or initialised by `new`, and this is its last use.
        unsafe { EVP_AEAD_CTX_cleanup(self.0.as_mut_ptr()) };
        // SAFETY: the memory is ours. The key schedule lies in it.
        unsafe { OPENSSL_cleanse(self.0.as_mut_ptr().cast(), size_of::<EVP_AEAD_CTX>()) };
    }
}

fn implementation(algorithm: AeadAlgorithm) -> *const EVP_AEAD {
    // SAFETY: these take nothing and return statics.
    unsafe {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => EVP_aead_aes_128_gcm(),
            AeadAlgorithm::Aes256Gcm => EVP_aead_aes_256_gcm(),
            AeadAlgorithm::Chacha20Poly1305 => EVP_aead_chacha20_poly1305(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was decrypted before the tag turned out wrong must not stay behind the end of the caller's vector.
    #[test]
    fn nothing_is_left_of_a_plaintext_that_is_refused() {
        let plaintext = [0x5a; 4096];
        for algorithm in [
            AeadAlgorithm::Aes128Gcm,
            AeadAlgorithm::Aes256Gcm,
            AeadAlgorithm::Chacha20Poly1305,
        ] {
            let context = AeadContext::new(algorithm, &vec![7; algorithm.key_len()]).unwrap();
            let mut sealed = Vec::new();
            context
                .seal_append(&[1; NONCE_LEN], b"", [&plaintext, b""], &mut sealed)
                .unwrap();
            *sealed.last_mut().unwrap() ^= 1;
            let mut out = vec![0x11; plaintext.len()];
            out.clear();
            context
                .open_append(&[1; NONCE_LEN], b"", &sealed, &mut out)
                .unwrap_err();
            // SAFETY: the capacity is larger, and all of it was written when the vector was made.
            unsafe { out.set_len(plaintext.len()) };
            assert_eq!(out, [0; 4096], "{algorithm:?}");
        }
    }
}
