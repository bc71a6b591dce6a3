//! A running hash that can be copied without an allocation.

use std::mem::MaybeUninit;

use aws_lc_sys::{
    EVP_MD, EVP_sha1, EVP_sha256, EVP_sha384, EVP_sha512, SHA_CTX, SHA1, SHA1_Final, SHA1_Init,
    SHA1_Update, SHA256, SHA256_CTX, SHA256_Final, SHA256_Init, SHA256_Update, SHA384,
    SHA384_Final, SHA384_Init, SHA384_Update, SHA512, SHA512_CTX, SHA512_Final, SHA512_Init,
    SHA512_Update,
};

use crate::hash::{Digest, HashAlgorithm};

/// The state of a hash function between two pieces of its input.
#[derive(Clone, Copy)]
pub(crate) enum DigestContext {
    Sha1(SHA_CTX),
    Sha256(SHA256_CTX),
    Sha384(SHA512_CTX),
    Sha512(SHA512_CTX),
}

impl DigestContext {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        // SAFETY: each function initialises the whole of its structure.
        unsafe {
            match algorithm {
                HashAlgorithm::Sha1 => Self::Sha1(initialised(|ctx| SHA1_Init(ctx))),
                HashAlgorithm::Sha256 => Self::Sha256(initialised(|ctx| SHA256_Init(ctx))),
                HashAlgorithm::Sha384 => Self::Sha384(initialised(|ctx| SHA384_Init(ctx))),
                HashAlgorithm::Sha512 => Self::Sha512(initialised(|ctx| SHA512_Init(ctx))),
            }
        }
    }

    pub(crate) fn algorithm(&self) -> HashAlgorithm {
        match self {
            Self::Sha1(_) => HashAlgorithm::Sha1,
            Self::Sha256(_) => HashAlgorithm::Sha256,
            Self::Sha384(_) => HashAlgorithm::Sha384,
            Self::Sha512(_) => HashAlgorithm::Sha512,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let (data, len) = (bytes.as_ptr().cast(), bytes.len());
        // SAFETY: the structures were initialised by `new`, and the input is given with its true length. These calls
        // cannot fail.
        unsafe {
            match self {
                Self::Sha1(ctx) => SHA1_Update(ctx, data, len),
                Self::Sha256(ctx) => SHA256_Update(ctx, data, len),
                Self::Sha384(ctx) => SHA384_Update(ctx, data, len),
                Self::Sha512(ctx) => SHA512_Update(ctx, data, len),
            }
        };
    }

    pub(crate) fn finish(mut self) -> Digest {
        let mut out = [0; Digest::MAX_LEN];
        let buffer = out.as_mut_ptr();
        // SAFETY: the structures were initialised by `new`, and the buffer has room for the longest digest. These calls
        // cannot fail where the length of a digest is that of the function.
        unsafe {
            match &mut self {
                Self::Sha1(ctx) => SHA1_Final(buffer, ctx),
                Self::Sha256(ctx) => SHA256_Final(buffer, ctx),
                Self::Sha384(ctx) => SHA384_Final(buffer, ctx),
                Self::Sha512(ctx) => SHA512_Final(buffer, ctx),
            }
        };
        Digest::from_buffer(out, self.algorithm())
    }
}

/// The digest of a message that is there as a whole.
pub(crate) fn digest(algorithm: HashAlgorithm, message: &[u8]) -> Digest {
    let mut out = [0; Digest::MAX_LEN];
    let (data, len, buffer) = (message.as_ptr(), message.len(), out.as_mut_ptr());
    // SAFETY: the input is given with its true length, and the buffer has room for the longest digest.
    unsafe {
        match algorithm {
            HashAlgorithm::Sha1 => SHA1(data, len, buffer),
            HashAlgorithm::Sha256 => SHA256(data, len, buffer),
            HashAlgorithm::Sha384 => SHA384(data, len, buffer),
            HashAlgorithm::Sha512 => SHA512(data, len, buffer),
        }
    };
    Digest::from_buffer(out, algorithm)
}

/// # Safety
///
/// `init` initialises the whole structure.
unsafe fn initialised<T>(init: impl FnOnce(*mut T) -> std::ffi::c_int) -> T {
    // Zeros first: padding within a structure would stay undefined, and moves copy it.
    let mut context = MaybeUninit::<T>::zeroed();
    init(context.as_mut_ptr());
    // SAFETY: the caller says so.
    unsafe { context.assume_init() }
}

/// AWS-LC's description of a hash.
pub(super) fn evp_md(hash: HashAlgorithm) -> *const EVP_MD {
    // SAFETY: these take nothing and return statics.
    unsafe {
        match hash {
            HashAlgorithm::Sha1 => EVP_sha1(),
            HashAlgorithm::Sha256 => EVP_sha256(),
            HashAlgorithm::Sha384 => EVP_sha384(),
            HashAlgorithm::Sha512 => EVP_sha512(),
        }
    }
}
