//! Where keys live. A store finds and holds them; who may use them is the policy's.

mod chain;
mod directory;
pub(crate) mod files;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::PublicKey;
use keyward_keyop::{CheckedOperation, KeyId, OperationResult, PerformError};

pub use chain::Chain;
pub(crate) use chain::not_after;
pub use directory::{Directory, Opened};

/// A set of keys.
pub trait KeyStore: Send + Sync + fmt::Debug {
    /// The key with this ID, if there is one.
    fn key(&self, id: KeyId) -> Option<Arc<StoredKey>>;

    /// All keys, in a stable order.
    fn keys(&self) -> Vec<Arc<StoredKey>>;
}

/// A key with what is known about it.
pub struct StoredKey {
    id: KeyId,
    label: String,
    file: PathBuf,
    private: PrivateKey,
    chains: Vec<Chain>,
}

impl StoredKey {
    /// The SHA-256 of its SubjectPublicKeyInfo.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the operator calls it: the file's name without its extension.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The file that it came from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        self.private.public_key()
    }

    /// The certificate chains for it; may be none, when edges have them in files of their own.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// Whether a configuration means this key by `name`: its label, its file's name, or its ID.
    pub fn is_called(&self, name: &str) -> bool {
        self.label == name
            || self.file.file_name().is_some_and(|file| file == name)
            || name.parse() == Ok(self.id)
    }

    /// Uses the private key for an operation that has passed its checks.
    pub(crate) fn perform(
        &self,
        checked: &CheckedOperation<'_>,
    ) -> Result<OperationResult, PerformError> {
        checked.perform(&self.private)
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id)
            .field("label", &self.label)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
