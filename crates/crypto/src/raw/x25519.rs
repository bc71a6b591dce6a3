//! X25519 (RFC 7748) on plain bytes.

use aws_lc_sys::{X25519, X25519_keypair, X25519_public_from_private};
use zeroize::Zeroizing;

use super::wipe::Wiped;
use crate::hkdf::Secret;

/// The length of a public value, a private key and a shared secret in bytes.
const LEN: usize = 32;

/// One private key and its public value. The key is on the heap, where it does not move, and wiped when dropped.
pub(crate) struct X25519Key {
    private: Secret,
    public: [u8; LEN],
}

impl X25519Key {
    /// A fresh key. AWS-LC draws from its own generator, which does not fail.
    pub(crate) fn generate() -> Self {
        let mut private = Wiped::<LEN>::zeros();
        let mut public = [0; LEN];
        // SAFETY: both are buffers of the length that the function writes.
        unsafe { X25519_keypair(public.as_mut_ptr(), private.as_mut_ptr()) };
        Self {
            private: Secret::from_slice(&*private),
            public,
        }
    }

    /// The key that is known already.
    pub(crate) fn from_private(private: &[u8; LEN]) -> Self {
        let mut public = [0; LEN];
        // SAFETY: both are buffers of the length that the function reads and writes.
        unsafe { X25519_public_from_private(public.as_mut_ptr(), private.as_ptr()) };
        Self {
            private: Secret::from_slice(private),
            public,
        }
    }

    pub(crate) fn public(&self) -> &[u8; LEN] {
        &self.public
    }

    /// The shared secret; `None` if it is zero, for then the peer's value is of small order.
    pub(crate) fn agree(&self, peer: &[u8; LEN]) -> Option<Zeroizing<Vec<u8>>> {
        let private = self.private.as_bytes();
        let mut shared = Wiped::<LEN>::zeros();
        // SAFETY: all are buffers of the length that the function reads and writes.
        let result = unsafe { X25519(shared.as_mut_ptr(), private.as_ptr(), peer.as_ptr()) };
        (result == 1).then(|| Zeroizing::new(shared.to_vec()))
    }
}
