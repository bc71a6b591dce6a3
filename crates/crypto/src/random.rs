//! Where random bytes come from. Passed in, so that a test can repeat a handshake byte for byte.

use std::fmt::Debug;

use crate::CryptoError;
use crate::key_exchange::{Group, KeyExchangeError, KeyPair};

/// A source of bytes that nobody can predict.
pub trait SecureRandom: Send + Sync + Debug {
    /// Fills the whole of `out`.
    ///
    /// # Errors
    ///
    /// No randomness is to be had; `out` must not be used.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError>;

    /// A fresh key pair for one exchange in `group`. As it stands here it comes from AWS-LC's own generator; a source
    /// that repeats a handshake makes the same one again ([`KeyPair::from_private`]).
    ///
    /// # Errors
    ///
    /// [`KeyExchangeError::Failed`] if there is no randomness or memory.
    fn key_pair(&self, group: Group) -> Result<KeyPair, KeyExchangeError> {
        KeyPair::generate(group)
    }
}

/// AWS-LC's generator: a CTR-DRBG of each thread, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl SecureRandom for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        aws_lc_rs::rand::fill(out).map_err(|_| CryptoError::new("random generation"))
    }
}
