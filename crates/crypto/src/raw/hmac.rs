//! HMAC whose key is set up once for several messages.

use std::mem::MaybeUninit;
use std::ptr;

use aws_lc_sys::{
    HMAC_CTX, HMAC_CTX_cleanup, HMAC_CTX_copy_ex, HMAC_CTX_init, HMAC_Final, HMAC_Init_ex,
    HMAC_Update,
};

use super::digest::evp_md;
use super::wipe::Wiped;
use crate::hash::{Digest, HashAlgorithm};
use crate::hkdf::Secret;

/// A keyed HMAC. It is made where it stays, on the stack or the heap, and wiped there: it never moves.
pub(crate) struct HmacContext {
    context: MaybeUninit<HMAC_CTX>,
    output_len: usize,
}

// SAFETY: the object is ours alone, and AWS-LC binds none to a thread.
unsafe impl Send for HmacContext {}
// SAFETY: through a shared reference it is only copied from.
unsafe impl Sync for HmacContext {}

impl HmacContext {
    /// Lends `f` a context on the stack with this key; one of any length.
    pub(crate) fn with<T>(
        algorithm: HashAlgorithm,
        key: &[u8],
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mut this = Self::memory(algorithm.output_len());
        this.initialise();
        this.set_key(algorithm, key);
        f(&mut this)
    }

    /// A context on the heap with this key.
    pub(crate) fn boxed(algorithm: HashAlgorithm, key: &[u8]) -> Box<Self> {
        let mut this = Box::new(Self::memory(algorithm.output_len()));
        this.initialise();
        this.set_key(algorithm, key);
        this
    }

    /// Lends `f` a copy on the stack: a key that others use at the same time stays as it is.
    pub(crate) fn with_copy<T>(&self, f: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = Self::memory(self.output_len);
        copy.initialise();
        // SAFETY: both are contexts, and the source has its key. Nothing is allocated, so it cannot fail.
        let result = unsafe { HMAC_CTX_copy_ex(copy.context.as_mut_ptr(), self.context.as_ptr()) };
        assert_eq!(result, 1, "AWS-LC copies any HMAC context");
        f(&mut copy)
    }

    /// The memory of a context, with nothing in it yet that a move could copy.
    fn memory(output_len: usize) -> Self {
        Self {
            context: MaybeUninit::uninit(),
            output_len,
        }
    }

    /// The first thing to be done with it, where it stays.
    fn initialise(&mut self) {
        // SAFETY: the memory is ours; this makes it a context that may be cleaned up, as `drop` does.
        unsafe { HMAC_CTX_init(self.context.as_mut_ptr()) };
    }

    fn set_key(&mut self, algorithm: HashAlgorithm, key: &[u8]) {
        // SAFETY: the context was initialised where it lies, and the key is given with its true length; a slice's pointer is
        // never null, which would mean "the key before". Nothing is allocated, so it cannot fail.
        let result = unsafe {
            HMAC_Init_ex(
                self.context.as_mut_ptr(),
                key.as_ptr().cast(),
                key.len(),
                evp_md(algorithm),
                ptr::null_mut(),
            )
        };
        assert_eq!(result, 1, "AWS-LC has HMAC with every hash here");
    }

    /// Writes the tag over `parts` in order, as if they were one message. The next message starts afresh.
    pub(crate) fn tag<'a>(
        &mut self,
        parts: impl IntoIterator<Item = &'a [u8]>,
        out: &mut [u8; Digest::MAX_LEN],
    ) {
        let context = self.context.as_mut_ptr();
        let mut written = 0;
        // SAFETY: the context has its key, which stays; inputs are given with their true lengths, and the output has room
        // for the longest tag. Nothing is allocated, so none of it can fail.
        let result = unsafe {
            let mut good = HMAC_Init_ex(context, ptr::null(), 0, ptr::null(), ptr::null_mut());
            for part in parts {
                good &= HMAC_Update(context, part.as_ptr(), part.len());
            }
            good & HMAC_Final(context, out.as_mut_ptr(), &mut written)
        };
        assert_eq!(result, 1, "an HMAC context with a key takes any message");
        debug_assert_eq!(usize::try_from(written), Ok(self.output_len));
    }

    /// The tag where it is a derived key.
    pub(crate) fn derive<'a>(&mut self, parts: impl IntoIterator<Item = &'a [u8]>) -> Secret {
        let mut key = Wiped::<{ Digest::MAX_LEN }>::zeros();
        self.tag(parts, &mut key);
        Secret::from_slice(&key[..self.output_len])
    }
}

impl Drop for HmacContext {
    fn drop(&mut self) {
        // SAFETY: it is a context since it was made. This overwrites the whole of it.
        unsafe { HMAC_CTX_cleanup(self.context.as_mut_ptr()) };
    }
}
