//! X25519 (RFC 7748) on plain bytes.

use aws_lc_sys::{X25519, X25519_keypair, X25519_public_from_private};
use zeroize::Zeroizing;

/// The length of a public value, a private key and a shared secret in bytes.
const LEN: usize = 32;

/// One private key and its public value. The key is on the heap, where it does not move, and wiped when dropped.
pub(crate) struct X25519Key {
    private: Box<Zeroizing<[u8; LEN]>>,
    public: [u8; LEN],
}

impl X25519Key {
    /// A fresh key. AWS-LC draws from its own generator, which does not fail.
    pub(crate) fn generate() -> Self {
        let mut private = Box::new(Zeroizing::new([0; LEN]));
        let mut public = [0; LEN];
        // SAFETY: both are buffers of the length that the function writes.
        unsafe { X25519_keypair(public.as_mut_ptr(), private.as_mut_ptr()) };
        Self { private, public }
    }

    /// The key that is known already.
    pub(crate) fn from_private(private: [u8; LEN]) -> Self {
        let private = Box::new(Zeroizing::new(private));
        let mut public = [0; LEN];
        // SAFETY: both are buffers of the length that the function reads and writes.
        unsafe { X25519_public_from_private(public.as_mut_ptr(), private.as_ptr()) };
        Self { private, public }
    }

    pub(crate) fn public(&self) -> &[u8; LEN] {
        &self.public
    }

    /// The shared secret; `None` if it is zero, for then the peer's value is of small order.
    pub(crate) fn agree(&self, peer: &[u8; LEN]) -> Option<Zeroizing<Vec<u8>>> {
        let mut shared = Zeroizing::new(vec![0; LEN]);
        // SAFETY: all are buffers of the length that the function reads and writes.
        let result = unsafe { X25519(shared.as_mut_ptr(), self.private.as_ptr(), peer.as_ptr()) };
        (result == 1).then_some(shared)
    }
}
