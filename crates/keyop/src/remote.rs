//! The private-key step with a key that is not in this process: in a device, or behind a service.

use core::fmt;
use std::sync::Arc;

use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::rsa_kex::{self, ImplicitRejection, PREMASTER_LEN};
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use zeroize::Zeroizing;

use crate::checked::{CheckedOperation, Seed, Task};
use crate::error::PerformError;
use crate::result::OperationResult;
use crate::tls12;

/// What is asked of a private key elsewhere: all that it needs to know.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyTask {
    /// To sign.
    Sign {
        /// How. For RSASSA-PSS the salt is as long as the hash.
        algorithm: SignatureAlgorithm,
        /// What: the message, which is not hashed yet. [`KeyTask::digest`] has its hash.
        message: Vec<u8>,
    },
    /// To decrypt with RSA and leave the padding alone (`CKM_RSA_X_509` in PKCS#11).
    ///
    /// The block that comes out is unpadded here, in constant time. A device that unpads by itself must not be used: what
    /// it says of a bad padding, or how long it takes, is the oracle of Bleichenbacher's attack.
    RsaDecrypt {
        /// As long as the modulus, and its number below it.
        ciphertext: Vec<u8>,
    },
}

impl KeyTask {
    /// The hash of the message that is to be signed, for an interface that takes hashes. `None` for Ed25519 and ML-DSA,
    /// which take the message, and for decryption.
    pub fn digest(&self) -> Option<(HashAlgorithm, Digest)> {
        match self {
            Self::Sign { algorithm, message } => {
                algorithm.hash().map(|hash| (hash, hash.digest(message)))
            }
            Self::RsaDecrypt { .. } => None,
        }
    }
}

impl fmt::Debug for KeyTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sign { algorithm, .. } => write!(f, "Sign({algorithm:?})"),
            Self::RsaDecrypt { .. } => f.write_str("RsaDecrypt"),
        }
    }
}

/// A checked operation between its two halves: what is to be asked of the key, and what becomes of its answer.
/// [`CheckedOperation::for_remote_key`] makes it.
pub struct RemoteOperation {
    public_key: PublicKey,
    task: Arc<KeyTask>,
    then: Then,
}

enum Then {
    Signature,
    MasterSecret {
        client_version: u16,
        prf: HashAlgorithm,
        seed: Seed,
    },
}

impl CheckedOperation<'_> {
    /// For a private key that is not in this process.
    pub fn for_remote_key(self) -> RemoteOperation {
        let (task, then) = match self.task {
            Task::Sign { algorithm, message } => {
                (KeyTask::Sign { algorithm, message }, Then::Signature)
            }
            Task::MasterSecret {
                encrypted_premaster_secret,
                client_version,
                prf,
                seed,
            } => (
                KeyTask::RsaDecrypt {
                    ciphertext: encrypted_premaster_secret,
                },
                Then::MasterSecret {
                    client_version,
                    prf,
                    seed,
                },
            ),
        };
        RemoteOperation {
            public_key: self.public_key.clone(),
            task: Arc::new(task),
            then,
        }
    }
}

impl RemoteOperation {
    /// What to ask of the key. `None` if there is nothing to ask: a ciphertext whose number is not below the modulus decrypts
    /// to nothing, as everybody can see, and [`finish`](Self::finish) goes on without an answer.
    pub fn task(&self) -> Option<&Arc<KeyTask>> {
        match &*self.task {
            KeyTask::RsaDecrypt { ciphertext }
                if !self.public_key.is_rsa_ciphertext(ciphertext) =>
            {
                None
            }
            _ => Some(&self.task),
        }
    }

    /// The result, from what the key's store has answered: a signature as it goes into the handshake (ECDSA in DER), or the
    /// decrypted block with its padding. A block that is too short lacks zeros in front, which some devices leave out.
    ///
    /// Whatever the answer is, it is verified with the public key first: a store that is broken, or that lies, must not hand
    /// anything out, and an RSA result with a fault in it would give the key away.
    ///
    /// # Errors
    /// The answer is not what the private key yields, or `rejection` is missing for a decryption. No error depends on how the
    /// block is padded: a master secret comes of every block.
    pub fn finish(
        self,
        answer: Option<Zeroizing<Vec<u8>>>,
        rejection: Option<&ImplicitRejection>,
    ) -> Result<OperationResult, PerformError> {
        match (&*self.task, self.then) {
            (KeyTask::Sign { algorithm, message }, _) => {
                let signature = answer.ok_or(PerformError::Answer)?;
                self.public_key
                    .verify(*algorithm, message, &signature)
                    .map_err(|_| PerformError::Answer)?;
                Ok(OperationResult::Signature(signature.to_vec()))
            }
            (
                KeyTask::RsaDecrypt { ciphertext },
                Then::MasterSecret {
                    client_version,
                    prf,
                    seed,
                },
            ) => {
                let rejection = rejection.ok_or(PerformError::Answer)?;
                let block = match answer {
                    Some(answer) => decrypted_block(&self.public_key, ciphertext, &answer)?,
                    None => Zeroizing::new(vec![0; ciphertext.len()]),
                };
                let substitute = rejection.substitute(&[&client_version.to_be_bytes(), ciphertext]);
                let premaster = rsa_kex::premaster(&block, client_version, &substitute);
                let secret = tls12::master_secret(prf, premaster.as_slice(), seed.as_seed());
                Ok(OperationResult::MasterSecret(secret))
            }
            (KeyTask::RsaDecrypt { .. }, Then::Signature) => Err(PerformError::Answer),
        }
    }
}

impl RemoteOperation {
    /// As [`finish`](Self::finish), for a decryption by a peer that hands out padded blocks and may have put another in the place
    /// of one that holds no premaster secret. To verify the block with the public key would tell which, so it is not: a wrong one
    /// makes a wrong master secret, as a client's would. What has not the form of a padded premaster secret becomes
    /// `substitute`, 48 random bytes, in constant time; so does a block of another length, since some leave zeros out.
    ///
    /// # Errors
    /// This is no decryption.
    pub fn finish_unpadding(
        self,
        block: &[u8],
        substitute: &[u8; PREMASTER_LEN],
    ) -> Result<OperationResult, PerformError> {
        let (
            KeyTask::RsaDecrypt { ciphertext },
            Then::MasterSecret {
                client_version,
                prf,
                seed,
            },
        ) = (&*self.task, self.then)
        else {
            return Err(PerformError::Answer);
        };
        let mut padded = Zeroizing::new(vec![0; ciphertext.len()]);
        if block.len() == padded.len() {
            padded.copy_from_slice(block);
        }
        let premaster = rsa_kex::premaster(&padded, client_version, substitute);
        let secret = tls12::master_secret(prf, premaster.as_slice(), seed.as_seed());
        Ok(OperationResult::MasterSecret(secret))
    }
}

/// The block as long as the modulus, if it is what the private key makes of `ciphertext`.
pub fn decrypted_block(
    public_key: &PublicKey,
    ciphertext: &[u8],
    answer: &[u8],
) -> Result<Zeroizing<Vec<u8>>, PerformError> {
    let missing = ciphertext.len().checked_sub(answer.len());
    let missing = missing.ok_or(PerformError::Answer)?;
    let mut block = Zeroizing::new(vec![0; ciphertext.len()]);
    block[missing..].copy_from_slice(answer);
    public_key
        .verify_rsa_decryption(ciphertext, &block)
        .map_err(|_| PerformError::Answer)?;
    Ok(block)
}

impl fmt::Debug for RemoteOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteOperation").field(&self.task).finish()
    }
}
