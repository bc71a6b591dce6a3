//! A key with what is known about it, and the set of all that are served.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_crypto::hash::Digest;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::PublicKey;
use keyward_keyop::KeyId;

use super::chain::Chain;
use super::elsewhere::Elsewhere;

/// The keys that are served: found by their IDs, in a stable order.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Arc<StoredKey>>,
    by_id: HashMap<KeyId, Arc<StoredKey>>,
}

impl KeySet {
    /// Of these keys. Of several with one ID the first counts.
    pub(super) fn new(keys: impl IntoIterator<Item = Arc<StoredKey>>) -> Self {
        let mut set = Self::default();
        for key in keys {
            if let std::collections::hash_map::Entry::Vacant(vacant) = set.by_id.entry(key.id) {
                vacant.insert(Arc::clone(&key));
                set.keys.push(key);
            }
        }
        set
    }

    /// The key with this ID, if there is one.
    pub fn key(&self, id: KeyId) -> Option<&Arc<StoredKey>> {
        self.by_id.get(&id)
    }

    /// All keys.
    pub fn keys(&self) -> &[Arc<StoredKey>] {
        &self.keys
    }
}

/// What is other in one set of keys than in another, by labels, for people.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    added: Vec<String>,
    removed: Vec<String>,
    /// Its certificates, its name, or where it is from.
    changed: Vec<String>,
}

impl KeySet {
    /// What became of `before`.
    pub(crate) fn changes(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        for key in &self.keys {
            match before.key(key.id) {
                None => changes.added.push(key.label.clone()),
                Some(old) if !old.is_same(key) => changes.changed.push(key.label.clone()),
                Some(_) => {}
            }
        }
        let gone = before.keys.iter().filter(|old| self.key(old.id).is_none());
        changes.removed.extend(gone.map(|old| old.label.clone()));
        changes
    }
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("added", &self.added),
            ("removed", &self.removed),
            ("changed", &self.changed),
        ];
        let kinds = kinds.into_iter().filter(|(_, labels)| !labels.is_empty());
        for (i, (kind, labels)) in kinds.enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{kind}: {}", labels.join(", "))?;
        }
        Ok(())
    }
}

/// Where a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// A store outside this process.
    Store {
        /// The store's name.
        store: String,
        /// What the store calls the key.
        handle: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Store { store, handle } => write!(f, "{store}: {handle}"),
        }
    }
}

/// How a private key is used.
pub(crate) enum Custody {
    /// It is in this process: a worker uses it in place.
    Here(PrivateKey),
    /// It is in a device, or behind a service: that is asked, and nobody waits in a worker's place.
    Elsewhere(Elsewhere),
}

/// A key with what is known about it.
pub struct StoredKey {
    pub(super) id: KeyId,
    pub(super) label: String,
    pub(super) origin: Origin,
    pub(super) public_key: PublicKey,
    pub(super) custody: Arc<Custody>,
    /// SHA-256 of the file that it is from: while it stays the same, the key need not be read again.
    pub(super) content: Option<Digest>,
    pub(super) chains: Vec<Chain>,
}

impl StoredKey {
    pub(super) fn new(
        label: String,
        origin: Origin,
        public_key: PublicKey,
        custody: Arc<Custody>,
        content: Option<Digest>,
    ) -> Self {
        Self {
            id: KeyId::of_public_key(&public_key),
            label,
            origin,
            public_key,
            custody,
            content,
            chains: Vec::new(),
        }
    }

    /// The SHA-256 of its SubjectPublicKeyInfo.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the operator calls it: the file's name without its extension, or its name in its store.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where it came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The certificate chains for it; may be none, when edges have them in files of their own.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// Whether the private key is in this process.
    pub fn is_here(&self) -> bool {
        matches!(*self.custody, Custody::Here(_))
    }

    /// Whether it can decrypt, if it is an RSA key: what is elsewhere cannot always.
    pub fn decrypts(&self) -> bool {
        match &*self.custody {
            Custody::Here(_) => true,
            Custody::Elsewhere(elsewhere) => elsewhere.decrypts(),
        }
    }

    /// Whether a configuration means this key by `name`: its label, its file's name or its handle, or its ID.
    pub fn is_called(&self, name: &str) -> bool {
        let in_its_place = match &self.origin {
            Origin::File(path) => path.file_name() == Some(Path::new(name).as_os_str()),
            Origin::Store { handle, .. } => handle == name,
        };
        self.label == name || in_its_place || name.parse() == Ok(self.id)
    }

    /// The files that it and its chains are from.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let own = match &self.origin {
            Origin::File(path) => Some(path.as_path()),
            Origin::Store { .. } => None,
        };
        own.into_iter()
            .chain(self.chains.iter().map(|chain| chain.file.as_path()))
    }

    /// Whether nothing about it is other than about this one.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.custody, &other.custody)
            && self.label == other.label
            && self.origin == other.origin
            && self.chains == other.chains
    }

    pub(crate) fn custody(&self) -> &Custody {
        &self.custody
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id)
            .field("label", &self.label)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
