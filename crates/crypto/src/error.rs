use std::fmt;

/// A cryptographic operation failed.
///
/// It names the operation and nothing more: what made AWS-LC refuse is often a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptoError {
    operation: &'static str,
}

impl CryptoError {
    pub(crate) const fn new(operation: &'static str) -> Self {
        Self { operation }
    }
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.operation)
    }
}

impl std::error::Error for CryptoError {}
