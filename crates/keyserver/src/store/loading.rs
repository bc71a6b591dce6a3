//! From the stores to the keys that are served, with all that is wrong on the way.

use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use keyward_config::{Problem, Problems};
use keyward_crypto::hash::Digest;
use keyward_crypto::private_key::{KeyError, PrivateKey};
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::KeyId;
use keyward_protocol::MAX_FRAME_LEN;

use super::chain::Chain;
use super::directory::{label, list};
use super::elsewhere::{Elsewhere, Gate, PROBE_MESSAGE};
use super::files::{Content, KeyBytes, Trouble, open_directory};
use super::key::{Custody, KeySet, Origin, StoredKey};
use super::passphrase::Lazy;
use super::pkcs11::Pkcs11Store;
use super::remote::{RemoteKey, StoreError};
use crate::config::{KeysConfig, PassphraseSource, StoreConfig};

/// The keys, with what is wrong with those that are not among them.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The keys that can be used.
    pub(crate) keys: KeySet,
    /// Errors: files that were skipped, since each could not be read, or holds what cannot be used. Warnings: what works and
    /// should be looked at all the same.
    pub(crate) problems: Problems,
}

/// Reads all the files and asks all the stores, in the order of the configuration. What cannot be used is named and skipped,
/// the others are served. It may wait for files and stores.
///
/// With the keys from before, what has not changed is not read or tried again, and a key stays as it was, with its chains, if
/// something is wrong with a file that it was from: it changes as a whole or not at all. A key whose file is gone is gone.
///
/// # Errors
/// If the directory itself cannot be listed.
pub(crate) fn open(
    config: &KeysConfig,
    stores: &[Gate],
    before: Option<&KeySet>,
) -> Result<Opened, Problem> {
    let mut reading = Reading {
        before,
        ..Reading::default()
    };
    let mut paths = match &config.directory {
        Some(directory) => {
            reading.directory(directory);
            list(directory)?
        }
        None => Vec::new(),
    };
    paths.extend(config.files.iter().cloned());
    reading.files(paths, &mut Lazy::new(config.passphrase.as_ref()));
    for store in &config.stores {
        match store {
            StoreConfig::Directory(directory) => {
                reading.directory(&directory.path);
                match list(&directory.path) {
                    Ok(paths) => {
                        reading.files(paths, &mut Lazy::new(directory.passphrase.as_ref()));
                    }
                    Err(problem) => reading.skip(
                        &directory.path,
                        problem.cause,
                        "the keys of other stores are served",
                    ),
                }
            }
            // One of `stores`.
            StoreConfig::Pkcs11(_) => {}
        }
    }
    for gate in stores {
        reading.store(gate);
    }
    reading.match_chains();
    Ok(reading.finish())
}

/// All files that [`open`] looks at now, in an order that does not change by itself.
pub(crate) fn paths(config: &KeysConfig) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut passphrases = vec![config.passphrase.as_ref()];
    let mut directories = Vec::from_iter(config.directory.as_deref());
    for store in &config.stores {
        match store {
            StoreConfig::Directory(directory) => {
                directories.push(&directory.path);
                passphrases.push(directory.passphrase.as_ref());
            }
            // A PIN that was wrong is tried again when it has changed.
            StoreConfig::Pkcs11(token) => passphrases.push(token.pin.as_ref()),
        }
    }
    for directory in directories {
        paths.push(directory.to_owned());
        // If it cannot be listed now, that it changes back is seen.
        paths.extend(list(directory).unwrap_or_default());
    }
    paths.extend(config.files.iter().cloned());
    for passphrase in passphrases.into_iter().flatten() {
        if let PassphraseSource::File(path) = passphrase {
            paths.push(path.clone());
        }
    }
    paths
}

/// The stores outside the process that the configuration names.
///
/// # Errors
/// A thread cannot be started.
pub(crate) fn gates(config: &KeysConfig) -> io::Result<Vec<Gate>> {
    let tokens = config.stores.iter().filter_map(|store| match store {
        StoreConfig::Pkcs11(token) => Some(token),
        StoreConfig::Directory(_) => None,
    });
    tokens
        .map(|token| Ok(Gate::new(Arc::new(Pkcs11Store::new(token)?))))
        .collect()
}

/// What has been read so far.
#[derive(Default)]
struct Reading<'a> {
    before: Option<&'a KeySet>,
    keys: Vec<StoredKey>,
    /// From before, of stores that are out of reach.
    kept: Vec<Arc<StoredKey>>,
    chains: Vec<Chain>,
    /// The files that there are.
    seen: HashSet<PathBuf>,
    /// Those of them that something is wrong with, and directories.
    troubled: HashSet<PathBuf>,
    problems: Problems,
}

impl Reading<'_> {
    fn skip(&mut self, path: &Path, cause: impl Into<String>, remedy: impl Into<String>) {
        let cause = format!("skipped: {}", cause.into());
        self.troubled.insert(path.to_owned());
        self.problems.push(Problem::in_file(path, cause, remedy));
    }

    fn warn(&mut self, path: &Path, cause: impl Into<String>, remedy: impl Into<String>) {
        self.problems
            .push(Problem::in_file(path, cause, remedy).warning());
    }

    /// Where a key with this ID is already from.
    fn first(&self, id: KeyId) -> Option<Origin> {
        let read = self.keys.iter().find(|key| key.id == id);
        let kept = || self.kept.iter().find(|key| key.id() == id);
        let origin = read.map(|key| &key.origin);
        origin.or_else(|| kept().map(|key| key.origin())).cloned()
    }

    fn directory(&mut self, path: &Path) {
        if let Some(Trouble { cause, remedy }) = open_directory(path) {
            self.warn(path, cause, remedy);
        }
    }

    fn files(&mut self, paths: Vec<PathBuf>, passphrase: &mut Lazy<'_>) {
        for path in paths {
            match Content::read(&path) {
                Ok(content) => self.file(&path, &content, passphrase),
                Err(cause) => self.skip(&path, cause, "the other files are served"),
            }
            self.seen.insert(path);
        }
    }

    fn file(&mut self, path: &Path, content: &Content, passphrase: &mut Lazy<'_>) {
        let parsed = content.parse();
        let mut key = None;
        if let Some(bytes) = &parsed.key {
            if let Some(Trouble { cause, remedy }) = content.exposed(path, "private key") {
                return self.skip(path, cause, remedy);
            }
            let digest = content.digest();
            let custody = match self.unchanged(path, &digest) {
                Some(custody) => Ok(custody),
                None => private_key(bytes, passphrase),
            };
            match custody {
                Ok(custody) => key = Some((custody, digest)),
                Err(Trouble { cause, remedy }) => return self.skip(path, cause, remedy),
            }
        }
        let certificates = match parsed.certificates {
            Ok(certificates) => certificates,
            Err(cause) => return self.skip(path, cause, "the other files are served"),
        };
        if key.is_none() && certificates.is_empty() {
            return self.skip(
                path,
                "there is neither a private key nor a certificate in it",
                "keys and certificates are in DER, or PEM files with lines such as `-----BEGIN PRIVATE KEY-----`",
            );
        }
        if let Some((custody, digest)) = key {
            self.key(path, custody, digest);
        }
        if !certificates.is_empty() {
            self.chain(path, certificates);
        }
    }

    /// The key that was read from a file with this content before.
    fn unchanged(&self, path: &Path, digest: &Digest) -> Option<Arc<Custody>> {
        let mut keys = self.before?.keys().iter();
        let known = keys.find(|key| {
            key.content.as_ref() == Some(digest)
                && matches!(&key.origin, Origin::File(file) if file == path)
        })?;
        Some(Arc::clone(&known.custody))
    }

    fn key(&mut self, path: &Path, custody: Arc<Custody>, digest: Digest) {
        let Custody::Here(private) = &*custody else {
            return;
        };
        let public_key = private.public_key().clone();
        let origin = Origin::File(path.to_owned());
        let key = StoredKey::new(label(path), origin, public_key, custody, Some(digest));
        match self.first(key.id) {
            Some(first) => self.warn(
                path,
                format!("this key is in {first} as well, which counts"),
                "remove one of the two",
            ),
            None => self.keys.push(key),
        }
    }

    fn chain(&mut self, path: &Path, certificates: Vec<Vec<u8>>) {
        let chain = Chain {
            file: path.to_owned(),
            certificates,
        };
        let len: usize = chain
            .certificates
            .iter()
            .map(|certificate| certificate.len() + 3)
            .sum();
        // Beside the chain, the catalog's entry has names and operations.
        if len > MAX_FRAME_LEN / 2 {
            self.skip(
                path,
                format!("a certificate chain of {len} bytes"),
                "leave out what is not of the chain",
            );
        } else {
            self.chains.push(chain);
        }
    }

    fn store(&mut self, gate: &Gate) {
        let store = gate.store();
        let place = PathBuf::from(store.name());
        // A bug in one store must not take the keys of the others.
        let found = catch_unwind(AssertUnwindSafe(|| store.keys()));
        let found = match found.unwrap_or(Err(StoreError::Dropped)) {
            Ok(found) => found,
            Err(error) => {
                self.keep_store(store.name());
                return self.skip(
                    &place,
                    error.to_string(),
                    "the keys of other stores are served",
                );
            }
        };
        for key in found {
            let RemoteKey {
                handle,
                label,
                public_key,
                ..
            } = &key;
            if let Some(first) = self.first(KeyId::of_public_key(public_key)) {
                self.warn(
                    &place,
                    format!("key {handle} is in {first} as well, which counts"),
                    "remove one of the two",
                );
                continue;
            }
            let origin = Origin::Store {
                store: store.name().to_owned(),
                handle: handle.clone(),
            };
            let custody = match self.unchanged_elsewhere(gate, &key) {
                Some(custody) => Ok(custody),
                None => catch_unwind(AssertUnwindSafe(|| Elsewhere::probe(gate, &key)))
                    .unwrap_or_else(|_| Err(StoreError::Dropped.to_string()))
                    .map(|elsewhere| Arc::new(Custody::Elsewhere(elsewhere))),
            };
            match custody {
                Ok(custody) => self.keys.push(StoredKey::new(
                    label.clone(),
                    origin,
                    public_key.clone(),
                    custody,
                    None,
                )),
                Err(cause) => self.skip(
                    &place,
                    format!("key {handle}: {cause}"),
                    "the other keys are served",
                ),
            }
        }
    }

    /// A key that has shown before that it works.
    fn unchanged_elsewhere(&self, gate: &Gate, key: &RemoteKey) -> Option<Arc<Custody>> {
        let known = self.before?.key(KeyId::of_public_key(&key.public_key))?;
        match &*known.custody {
            Custody::Elsewhere(elsewhere) if elsewhere.is(gate, key) => {
                Some(Arc::clone(&known.custody))
            }
            _ => None,
        }
    }

    /// The store is out of reach: its keys may be in use, and it may come back.
    fn keep_store(&mut self, name: &str) {
        let before = self.before.map(KeySet::keys).unwrap_or_default();
        let its = before
            .iter()
            .filter(|key| matches!(&key.origin, Origin::Store { store, .. } if store == name));
        self.kept.extend(its.cloned());
    }

    /// Gives each chain to the key that its leaf is for.
    fn match_chains(&mut self) {
        let now = SystemTime::now();
        for chain in std::mem::take(&mut self.chains) {
            let path = chain.file.clone();
            let leaf = match chain.key() {
                Ok(leaf) => leaf,
                Err(cause) => {
                    self.skip(
                        &path,
                        cause,
                        "a chain begins with the server's own certificate",
                    );
                    continue;
                }
            };
            if let Some(cause) = chain.out_of_date(now) {
                self.warn(&path, cause, "renew it; the key stays usable");
            }
            if let Some(place) = self.keys.iter().position(|key| key.id == leaf) {
                if let Err(cause) = chain.out_of_order() {
                    self.warn(
                        &path,
                        cause,
                        "put each authority behind the certificate that it issued: some clients need the order",
                    );
                }
                let key = &mut self.keys[place];
                if !key
                    .chains
                    .iter()
                    .any(|known| known.certificates == chain.certificates)
                {
                    key.chains.push(chain);
                }
                continue;
            }
            let name = label(&path);
            let wrong_order = chain
                .other_keys()
                .any(|other| self.keys.iter().any(|key| key.id == other));
            if wrong_order {
                self.skip(
                    &path,
                    "the certificate of the key is not the first of the chain",
                    "put the server's own certificate first, then the authorities that issued it",
                );
            } else if let Some(key) = self.keys.iter().find(|key| key.label == name) {
                let cause = format!(
                    "the chain does not fit the key in {}: its certificate is for key {leaf}, that key is {}",
                    key.origin, key.id
                );
                self.skip(
                    &path,
                    cause,
                    "put the certificate that was issued for this key beside it",
                );
            } else {
                self.skip(
                    &path,
                    format!("the chain is for key {leaf}, which is in none of the files"),
                    "put its key beside it, or remove it",
                );
            }
        }
    }

    fn finish(mut self) -> Opened {
        let mut keys: Vec<Arc<StoredKey>> = Vec::new();
        for key in std::mem::take(&mut self.keys) {
            let known = self.before.and_then(|before| before.key(key.id));
            keys.push(match known {
                Some(known) if known.is_same(&key) => Arc::clone(known),
                _ => Arc::new(key),
            });
        }
        keys.append(&mut self.kept);
        let before = self.before.map(KeySet::keys).unwrap_or_default();
        for old in before {
            if self.must_stay(old) {
                self.stay(old, &mut keys);
            }
        }
        Opened {
            keys: KeySet::new(keys),
            problems: self.problems,
        }
    }

    /// Whether something is wrong with a file that the key was from, and its own is still there.
    fn must_stay(&self, old: &StoredKey) -> bool {
        let in_trouble = |path: &Path| path.ancestors().any(|path| self.troubled.contains(path));
        let own = match &old.origin {
            Origin::File(path) => path,
            Origin::Store { .. } => return false,
        };
        let is_there = self.seen.contains(own) || own.parent().is_some_and(in_trouble);
        is_there && old.files().any(in_trouble)
    }

    /// In the place of what the same files are said to hold now.
    fn stay(&mut self, old: &Arc<StoredKey>, keys: &mut Vec<Arc<StoredKey>>) {
        let is_of_it = |key: &Arc<StoredKey>| key.id == old.id || key.origin == old.origin;
        match keys.iter().position(is_of_it) {
            Some(place) if keys[place].is_same(old) => return,
            Some(place) => keys[place] = Arc::clone(old),
            None => keys.push(Arc::clone(old)),
        }
        let path = PathBuf::from(old.origin.to_string());
        self.warn(
            &path,
            format!("key {} stays as it was, with its certificates", old.label),
            "mend what is said of its files",
        );
    }
}

/// Opens a key and has it show that it works.
fn private_key(bytes: &KeyBytes<'_>, passphrase: &mut Lazy<'_>) -> Result<Arc<Custody>, Trouble> {
    let others = |error: KeyError| Trouble::new(error.to_string(), "the other files are served");
    let private = match bytes.open(None) {
        Err(KeyError::Encrypted) => match passphrase.get() {
            Some(passphrase) => bytes.open(Some(passphrase?)).map_err(others)?,
            None => {
                return Err(Trouble::new(
                    "the key is encrypted, and there is no passphrase for it",
                    "write `passphrase_file = \"…\"` or `passphrase_credential = \"…\"` beside its directory",
                ));
            }
        },
        opened => opened.map_err(others)?,
    };
    check(&private).map_err(|cause| Trouble::new(cause, "the other files are served"))?;
    Ok(Arc::new(Custody::Here(private)))
}

/// That it signs, and what it signs fits its public key.
fn check(private: &PrivateKey) -> Result<(), String> {
    let public_key = private.public_key();
    let mut algorithms = SignatureAlgorithm::ALL.into_iter();
    let algorithm = algorithms
        .find(|algorithm| public_key.supports(*algorithm))
        .ok_or("there is no way in which it signs")?;
    let signature = private
        .sign(algorithm, PROBE_MESSAGE)
        .map_err(|_| "it does not sign")?;
    public_key
        .verify(algorithm, PROBE_MESSAGE, &signature)
        .map_err(|_| "what it signs does not fit its public key".to_owned())
}
