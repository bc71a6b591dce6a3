//! Private-key operations that are no handshake: a signature over whatever is sent, and RSA decryption.
//!
//! They are what the older protocol of gokeyless knows, and no frame of Keyward's own carries them: an
//! [`Operation`](crate::Operation) can be none of these, and they have no encoding here. Nothing can be checked but the key: what a
//! digest is of, and who will see the signature, only the client knows. Whoever may ask for them is a signing oracle for the
//! key, so both are off unless the key's owner switches them on.

use core::fmt;

use keyward_crypto::CryptoError;
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hkdf::Secret;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::rsa_kex;
use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};
use zeroize::Zeroizing;

use crate::error::{CheckError, PerformError};
use crate::key_id::KeyId;
use crate::operation::OperationKind;
use crate::rules::KeyRules;

/// What a client of the older protocol asks for.
#[derive(Debug)]
pub enum RawOperation {
    /// A signature.
    Digest(RawDigest),
    /// The block under an RSA ciphertext.
    RsaDecryption(RawRsaDecryption),
}

/// Asks for a signature over a digest that the client made.
#[derive(Debug)]
pub struct RawDigest {
    /// The key.
    pub key: KeyId,
    /// How to sign.
    pub algorithm: SignatureAlgorithm,
    /// The digest by the algorithm's hash; for Ed25519, which hashes by itself, the message.
    pub digest: Vec<u8>,
}

/// Asks for the padded block under an RSA ciphertext, for the client to unpad.
#[derive(Debug)]
pub struct RawRsaDecryption {
    /// The key.
    pub key: KeyId,
    /// As long as the modulus.
    pub ciphertext: Vec<u8>,
}

impl RawOperation {
    /// Which operation it is.
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Digest(_) => OperationKind::RawDigest,
            Self::RsaDecryption(_) => OperationKind::RawRsaDecryption,
        }
    }

    /// The key that it wants to use.
    pub fn key(&self) -> KeyId {
        match self {
            Self::Digest(operation) => operation.key,
            Self::RsaDecryption(operation) => operation.key,
        }
    }

    /// How many bytes it keeps in memory.
    pub fn payload_len(&self) -> usize {
        match self {
            Self::Digest(operation) => operation.digest.len(),
            Self::RsaDecryption(operation) => operation.ciphertext.len(),
        }
    }

    /// Checks what little there is to check: that the key is the one, that its owner allows this, and that it can do it.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check<'a>(
        &'a self,
        rules: &KeyRules<'a>,
    ) -> Result<CheckedRawOperation<'a>, CheckError> {
        if self.key() != KeyId::of_public_key(rules.public_key) {
            return Err(CheckError::WrongKey);
        }
        if rules.client {
            return Err(CheckError::ClientKey);
        }
        let task = match self {
            Self::Digest(operation) => operation.check(rules)?,
            Self::RsaDecryption(operation) => operation.check(rules)?,
        };
        Ok(CheckedRawOperation {
            public_key: rules.public_key,
            task,
        })
    }
}

impl RawDigest {
    fn check(&self, rules: &KeyRules<'_>) -> Result<Task<'_>, CheckError> {
        if !rules.raw_digest {
            return Err(CheckError::RawDigestDisabled);
        }
        let kind = rules.public_key.kind();
        if matches!(kind, KeyKind::Rsa { .. }) && !rules.rsa_signing {
            return Err(CheckError::SigningDisabled);
        }
        if !kind.supports(self.algorithm) {
            return Err(CheckError::AlgorithmKeyMismatch);
        }
        let found = self.digest.len();
        match self.algorithm.hash() {
            Some(hash) if hash.output_len() != found => Err(CheckError::RawDigestLength {
                found,
                expected: hash.output_len(),
            }),
            _ => Ok(Task::Sign {
                algorithm: self.algorithm,
                digest: &self.digest,
            }),
        }
    }
}

impl RawRsaDecryption {
    fn check(&self, rules: &KeyRules<'_>) -> Result<Task<'_>, CheckError> {
        if !rules.raw_rsa_decryption {
            return Err(CheckError::RawRsaDecryptionDisabled);
        }
        let KeyKind::Rsa { bits } = rules.public_key.kind() else {
            return Err(CheckError::AlgorithmKeyMismatch);
        };
        let (found, modulus) = (self.ciphertext.len(), bits.div_ceil(8));
        if found != modulus {
            return Err(CheckError::CiphertextLength { found, modulus });
        }
        Ok(Task::Decrypt {
            ciphertext: &self.ciphertext,
        })
    }
}

/// A [`RawOperation`] that its key's owner allows: [`RawOperation::check`] makes it and nothing else does.
pub struct CheckedRawOperation<'a> {
    public_key: &'a PublicKey,
    task: Task<'a>,
}

enum Task<'a> {
    Sign {
        algorithm: SignatureAlgorithm,
        digest: &'a [u8],
    },
    Decrypt {
        ciphertext: &'a [u8],
    },
}

impl CheckedRawOperation<'_> {
    /// What this is about, for a record of it: the digest, or the SHA-256 of the message or of the ciphertext.
    pub fn fingerprint(&self) -> Vec<u8> {
        match &self.task {
            Task::Sign { algorithm, digest } if algorithm.hash().is_some() => digest.to_vec(),
            Task::Sign { digest: bytes, .. } | Task::Decrypt { ciphertext: bytes } => {
                HashAlgorithm::Sha256.digest(bytes).to_vec()
            }
        }
    }

    /// Uses the private key.
    ///
    /// A decryption always yields a block as a client pads a premaster secret, and never fails for what was in the
    /// ciphertext: whatever does not have this form is replaced, in constant time, by a block that is a pseudo-random
    /// function of the private key and the ciphertext (as for
    /// [`Tls12RsaMasterSecret`](crate::Tls12RsaMasterSecret)). So what leaves is no raw RSA operation: nothing that has the
    /// form of a signature's block comes back.
    ///
    /// # Errors
    /// Where `key` is another key than the operation was checked for, or a signature fails.
    pub fn perform(&self, key: &PrivateKey) -> Result<RawResult, PerformError> {
        if key.public_key() != self.public_key {
            return Err(PerformError::WrongKey);
        }
        Ok(RawResult(match self.task {
            Task::Sign { algorithm, digest } if algorithm.hash().is_some() => {
                Zeroizing::new(key.sign_digest(algorithm, digest)?)
            }
            Task::Sign { algorithm, digest } => Zeroizing::new(key.sign(algorithm, digest)?),
            Task::Decrypt { ciphertext } => padded_premaster(key, ciphertext)?,
        }))
    }
}

fn padded_premaster(
    key: &PrivateKey,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    // Another label than the substitute of a master secret has, which begins with a version: neither tells of the other.
    let seed = key.rsa_implicit_rejection(&[b"padded block", ciphertext])?;
    let seed = Secret::from_slice(seed.as_slice());
    let substitute = rsa_kex::substitute_block(ciphertext.len(), &seed)?;
    // It fails only for ciphertexts that everybody can tell, such as one that is not below the modulus.
    let padded = key
        .rsa_decrypt_raw(ciphertext)
        .unwrap_or_else(|_| Zeroizing::new(vec![0; ciphertext.len()]));
    Ok(rsa_kex::padded_premaster(&padded, &substitute))
}

impl fmt::Debug for CheckedRawOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.task {
            Task::Sign { .. } => "CheckedRawOperation(Sign)",
            Task::Decrypt { .. } => "CheckedRawOperation(Decrypt)",
        })
    }
}

/// A signature, or a padded block that holds a premaster secret. Wiped when dropped.
pub struct RawResult(Zeroizing<Vec<u8>>);

impl RawResult {
    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RawResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawResult({} bytes)", self.0.len())
    }
}
