//! Diffie-Hellman in a finite field.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    BIGNUM, BN_bin2bn, BN_bn2bin_padded, BN_free, BN_new, BN_set_word, DH, DH_compute_key_padded,
    DH_free, DH_generate_key, DH_get0_pub_key, DH_new, DH_set_length, DH_set0_key, DH_set0_pqg,
};
use zeroize::Zeroizing;

use crate::CryptoError;

const GENERATION: CryptoError = CryptoError::new("key exchange key generation");
const AGREEMENT: CryptoError = CryptoError::new("key exchange");

/// One ephemeral key. AWS-LC wipes the exponent when it is freed.
pub(crate) struct DhKey {
    dh: NonNull<DH>,
    /// The length of the prime in bytes.
    len: usize,
}

// SAFETY: the object is ours alone, and AWS-LC binds none to a thread.
unsafe impl Send for DhKey {}
// SAFETY: through a shared reference only the public value is read.
unsafe impl Sync for DhKey {}

impl DhKey {
    /// A fresh key modulo `prime` (big-endian, with no zeros in front) to the base 2, its exponent of `exponent_bits`
    /// bits. The power is computed in constant time (`BN_mod_exp_mont_consttime`).
    pub(crate) fn generate(prime: &[u8], exponent_bits: u16) -> Result<Self, CryptoError> {
        let this = Self::new(prime)?;
        // SAFETY: the object is valid and used by nobody else.
        if unsafe { DH_set_length(this.dh.as_ptr(), exponent_bits.into()) } != 1 {
            return Err(GENERATION);
        }
        this.complete()
    }

    /// The key with this exponent (big-endian).
    pub(crate) fn from_private(prime: &[u8], exponent: &[u8]) -> Result<Self, CryptoError> {
        let this = Self::new(prime)?;
        let exponent = Number::from_bytes(exponent).ok_or(GENERATION)?;
        // SAFETY: both are valid; the public value may be null. On success the object owns the exponent, and wipes it.
        if unsafe { DH_set0_key(this.dh.as_ptr(), ptr::null_mut(), exponent.0.as_ptr()) } != 1 {
            return Err(GENERATION);
        }
        exponent.released();
        this.complete()
    }

    /// The group, and no key yet.
    fn new(prime: &[u8]) -> Result<Self, CryptoError> {
        // SAFETY: takes nothing. The result is owned by the caller, or null.
        let dh = NonNull::new(unsafe { DH_new() }).ok_or(GENERATION)?;
        let this = Self {
            dh,
            len: prime.len(),
        };
        let modulus = Number::from_bytes(prime).ok_or(GENERATION)?;
        let base = Number::from_word(2).ok_or(GENERATION)?;
        // SAFETY: all three are valid; q may be null. On success the object owns both numbers.
        if unsafe {
            DH_set0_pqg(
                this.dh.as_ptr(),
                modulus.0.as_ptr(),
                ptr::null_mut(),
                base.0.as_ptr(),
            )
        } != 1
        {
            return Err(GENERATION);
        }
        modulus.released();
        base.released();
        Ok(this)
    }

    /// Draws the exponent, unless there is one, and computes the public value.
    fn complete(self) -> Result<Self, CryptoError> {
        // SAFETY: the object is valid and used by nobody else.
        match unsafe { DH_generate_key(self.dh.as_ptr()) } {
            1 => Ok(self),
            _ => Err(GENERATION),
        }
    }

    /// The public value, as long as the prime.
    pub(crate) fn public(&self) -> Result<Vec<u8>, CryptoError> {
        let mut public = vec![0; self.len];
        // SAFETY: the object is valid; the number is borrowed from it, and there since `generate` succeeded.
        let number = unsafe { DH_get0_pub_key(self.dh.as_ptr()) };
        // SAFETY: the buffer is given with its true length.
        match unsafe { BN_bn2bin_padded(public.as_mut_ptr(), public.len(), number) } {
            1 => Ok(public),
            _ => Err(GENERATION),
        }
    }

    /// The shared secret, as long as the prime. AWS-LC refuses a public value outside 1 < Y < p - 1.
    pub(crate) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let peer = Number::from_bytes(peer).ok_or(AGREEMENT)?;
        let mut secret = Zeroizing::new(vec![0; self.len]);
        // SAFETY: both objects are valid, and the buffer is as long as the prime, which is what is written.
        let written = unsafe {
            DH_compute_key_padded(secret.as_mut_ptr(), peer.0.as_ptr(), self.dh.as_ptr())
        };
        match usize::try_from(written) {
            Ok(written) if written == secret.len() => Ok(secret),
            _ => Err(AGREEMENT),
        }
    }
}

impl Drop for DhKey {
    fn drop(&mut self) {
        // SAFETY: the object is ours, and this is its last use.
        unsafe { DH_free(self.dh.as_ptr()) }
    }
}

/// An owned `BIGNUM`. What is freed here is not wiped: it holds a secret only where a caller knew it before.
struct Number(NonNull<BIGNUM>);

impl Number {
    fn from_bytes(big_endian: &[u8]) -> Option<Self> {
        // SAFETY: the buffer is given with its true length. The result is owned by the caller, or null.
        let number = unsafe { BN_bin2bn(big_endian.as_ptr(), big_endian.len(), ptr::null_mut()) };
        NonNull::new(number).map(Self)
    }

    fn from_word(word: u64) -> Option<Self> {
        // SAFETY: takes nothing. The result is owned by the caller, or null.
        let number = NonNull::new(unsafe { BN_new() }).map(Self)?;
        // SAFETY: the number is valid and used by nobody else.
        (unsafe { BN_set_word(number.0.as_ptr(), word) } == 1).then_some(number)
    }

    /// Somebody else owns it now.
    fn released(self) {
        std::mem::forget(self);
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the number is ours, and this is its last use.
        unsafe { BN_free(self.0.as_ptr()) }
    }
}
