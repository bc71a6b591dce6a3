//! The proof that an operation was checked, and the only way to perform one.

use core::fmt;

use keyward_crypto::CryptoError;
use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::rsa_kex::{self, PREMASTER_LEN};
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_wire::handshake::ClientHello;
use zeroize::Zeroizing;

use crate::error::PerformError;
use crate::performed::{Performed, Signed};
use crate::result::OperationResult;
use crate::tls12::{self, MasterSecretSeed};
use crate::tls13;

/// An operation that passed every check: [`Operation::check`](crate::Operation::check) makes it and
/// nothing else does.
pub struct CheckedOperation<'a> {
    pub(crate) public_key: &'a PublicKey,
    pub(crate) names: Names,
    pub(crate) task: Task,
}

/// The names that an operation acts for. Whether the edge may is the key server's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// The DNS name that the client asks for (server_name, RFC 6066 §3), in lower case, if it asks for one.
    ServerName(Option<String>),
    /// Every one of these: DNS names, in lower case, or `*.` and a DNS name.
    Each(Vec<String>),
    /// Whichever the edge likes: the operation shows none.
    Any,
}

impl Names {
    pub(crate) fn of_client_hello(client_hello: &ClientHello) -> Self {
        let name = client_hello.extensions.server_name.as_ref();
        Self::ServerName(name.map(|name| name.as_str().to_owned()))
    }
}

/// What is left to do with the private key.
pub(crate) enum Task {
    Sign {
        algorithm: SignatureAlgorithm,
        message: Vec<u8>,
    },
    MasterSecret {
        encrypted_premaster_secret: Vec<u8>,
        client_version: u16,
        prf: HashAlgorithm,
        seed: Seed,
    },
}

/// [`MasterSecretSeed`], owned.
pub(crate) enum Seed {
    Extended {
        session_hash: Digest,
    },
    Classic {
        client_random: [u8; 32],
        server_random: [u8; 32],
    },
}

impl CheckedOperation<'_> {
    /// The names that it acts for: whether the edge may is the key server's policy.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The DNS name that the client asks for, if this is about one client that does.
    pub fn server_name(&self) -> Option<&str> {
        match &self.names {
            Names::ServerName(name) => name.as_deref(),
            Names::Each(_) | Names::Any => None,
        }
    }

    /// What this is about, for a record of it: of TLS 1.3 the hash of the transcript that is signed; of all else
    /// SHA-256 of the bytes that are signed, or of the encrypted premaster secret. It is nothing secret, and says nothing
    /// of how a ciphertext is padded.
    pub fn fingerprint(&self) -> Vec<u8> {
        match &self.task {
            Task::Sign { message, .. } => match tls13::signed_transcript_hash(message) {
                Some(hash) => hash.to_vec(),
                None => HashAlgorithm::Sha256.digest(message).to_vec(),
            },
            Task::MasterSecret {
                encrypted_premaster_secret,
                ..
            } => HashAlgorithm::Sha256
                .digest(encrypted_premaster_secret)
                .to_vec(),
        }
    }

    /// Uses the private key.
    ///
    /// An RSA result is verified with the public key before AWS-LC returns it
    /// (`rsa_default_private_transform` in its `crypto/fipsmodule/rsa/rsa_impl.c`), so a fault in the
    /// computation cannot leak a factor of the modulus.
    ///
    /// # Errors
    /// Where `key` is another key than the operation was checked for, or a signature fails. A master
    /// secret never fails: for a ciphertext that holds no premaster secret it is made from a
    /// pseudo-random one, and only the client's Finished will tell.
    pub fn perform(&self, key: &PrivateKey) -> Result<OperationResult, PerformError> {
        if key.public_key() != self.public_key {
            return Err(PerformError::WrongKey);
        }
        match &self.task {
            Task::Sign { algorithm, message } => {
                Ok(OperationResult::Signature(key.sign(*algorithm, message)?))
            }
            Task::MasterSecret {
                encrypted_premaster_secret,
                client_version,
                prf,
                seed,
            } => {
                let premaster =
                    decrypt_premaster_secret(key, encrypted_premaster_secret, *client_version)?;
                let seed = seed.as_seed();
                Ok(OperationResult::MasterSecret(tls12::master_secret(
                    *prf,
                    premaster.as_slice(),
                    seed,
                )))
            }
        }
    }
}

impl CheckedOperation<'_> {
    /// [`perform`](Self::perform) for an engine in the same process, which is given the proof that this is what happened.
    ///
    /// # Errors
    /// Those of [`perform`](Self::perform).
    pub fn perform_here(self, key: &PrivateKey) -> Result<Performed, PerformError> {
        let result = self.perform(key)?;
        let signed = match self.task {
            Task::Sign { algorithm, message } => Some(Signed {
                public_key: key.public_key().clone(),
                algorithm,
                message,
            }),
            Task::MasterSecret { .. } => None,
        };
        Ok(Performed::new(result, signed))
    }
}

impl Seed {
    pub(crate) fn as_seed(&self) -> MasterSecretSeed<'_> {
        match self {
            Self::Extended { session_hash } => MasterSecretSeed::Extended { session_hash },
            Self::Classic {
                client_random,
                server_random,
            } => MasterSecretSeed::Classic {
                client_random,
                server_random,
            },
        }
    }
}

/// RFC 5246 §7.4.7.1: "a TLS server MUST NOT generate an alert if processing an RSA-encrypted
/// premaster secret message fails, or the version number is not as expected. Instead, it MUST
/// continue the handshake with a randomly generated premaster secret."
///
/// Whoever sees the master secret can ask twice, and a fresh random one would tell by its change
/// what was wrong with the ciphertext. So the substitute is a pseudo-random function, under a key
/// that only the private key yields, of exactly what decides between the two: the ciphertext and
/// the version. It is made whether needed or not.
fn decrypt_premaster_secret(
    key: &PrivateKey,
    ciphertext: &[u8],
    client_version: u16,
) -> Result<Zeroizing<[u8; PREMASTER_LEN]>, CryptoError> {
    let substitute = key.rsa_implicit_rejection(&[&client_version.to_be_bytes(), ciphertext])?;
    // Decryption itself fails only for ciphertexts that everybody can tell, such as one that is not
    // below the modulus; zeros are no valid padding.
    let padded = key
        .rsa_decrypt_raw(ciphertext)
        .unwrap_or_else(|_| Zeroizing::new(vec![0; ciphertext.len()]));
    Ok(rsa_kex::premaster(&padded, client_version, &substitute))
}

impl fmt::Debug for CheckedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = match self.task {
            Task::Sign { .. } => "Sign",
            Task::MasterSecret { .. } => "MasterSecret",
        };
        f.debug_struct("CheckedOperation")
            .field("task", &task)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
