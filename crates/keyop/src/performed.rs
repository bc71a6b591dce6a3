//! The proof that a result was made in this process, by the private key itself.

use core::fmt;

use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};

use crate::result::OperationResult;

/// What an operation yielded that was performed here:
/// [`CheckedOperation::perform_here`](crate::CheckedOperation::perform_here) makes one, with the private key in its hand,
/// and nothing else does.
///
/// An engine verifies a signature that somebody tells it, for it may come from a key server that is broken, or that has
/// another key. Of a signature that was made here it can know what a verification would show: by which key it was made,
/// how, and over which bytes. This value says so. It has no constructor, no form on the wire and no `Clone`, and it keeps
/// what was signed, so that it can pass neither for another handshake's signature nor for another key's.
///
/// What it does not say is that the arithmetic was right. For RSA, where a fault would give the key away, AWS-LC has
/// verified the result with the public key before it became this value.
pub struct Performed {
    result: OperationResult,
    /// Of a signature.
    signed: Option<Signed>,
}

/// What a signature was made of.
pub(crate) struct Signed {
    pub(crate) public_key: PublicKey,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) message: Vec<u8>,
}

impl Performed {
    pub(crate) fn new(result: OperationResult, signed: Option<Signed>) -> Self {
        Self { result, signed }
    }

    /// Whether this is a signature by the private half of `public_key`, over exactly `message`.
    pub fn is_signature_of(
        &self,
        public_key: &PublicKey,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> bool {
        self.signed.as_ref().is_some_and(|signed| {
            signed.public_key == *public_key
                && signed.algorithm == algorithm
                && signed.message == message
        })
    }

    /// The result without its proof, as a key server would send it.
    pub fn into_result(self) -> OperationResult {
        self.result
    }
}

impl fmt::Debug for Performed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Performed").field(&self.result).finish()
    }
}
