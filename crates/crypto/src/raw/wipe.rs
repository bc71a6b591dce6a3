//! Wiping in one call, where `zeroize` goes byte by byte.

use std::ops::{Deref, DerefMut};

use aws_lc_sys::OPENSSL_cleanse;

/// Overwrites `bytes`, and is not optimised away.
pub(crate) fn wipe(bytes: &mut [u8]) {
    // SAFETY: the buffer is given with its true length.
    unsafe { OPENSSL_cleanse(bytes.as_mut_ptr().cast(), bytes.len()) };
}

/// Bytes on the stack that are wiped when they go out of scope. To be made where they stay: a move leaves a copy.
pub(crate) struct Wiped<const N: usize>([u8; N]);

impl<const N: usize> Wiped<N> {
    pub(crate) fn zeros() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Deref for Wiped<N> {
    type Target = [u8; N];

    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Wiped<N> {
    fn deref_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> Drop for Wiped<N> {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}
