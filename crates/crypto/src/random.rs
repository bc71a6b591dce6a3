//! Where random bytes come from. Passed in, so that a test can repeat a handshake byte for byte.

use std::fmt::Debug;

use crate::CryptoError;

/// A source of bytes that nobody can predict.
pub trait SecureRandom: Send + Sync + Debug {
    /// Fills the whole of `out`.
    ///
    /// # Errors
    ///
    /// No randomness is to be had; `out` must not be used.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError>;
}

/// AWS-LC's generator: a CTR-DRBG of each thread, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl SecureRandom for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        aws_lc_rs::rand::fill(out).map_err(|_| CryptoError::new("random generation"))
    }
}
