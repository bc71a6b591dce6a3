//! From the stores to the keys that are served, with all that is wrong on the way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use keyward_config::{Problem, Problems};
use keyward_keyop::KeyId;
use keyward_protocol::MAX_FRAME_LEN;

use super::chain::Chain;
use super::directory::{label, list};
use super::elsewhere::{Elsewhere, Gate};
use super::files::{self, PemFile};
use super::key::{Custody, KeySet, Origin, StoredKey};
use super::remote::{RemoteKey, StoreError};
use crate::config::KeysConfig;

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
/// # Errors
/// If the directory itself cannot be listed.
pub(crate) fn open(config: &KeysConfig, stores: &[Gate]) -> Result<Opened, Problem> {
    let mut paths = match &config.directory {
        Some(directory) => list(directory)?,
        None => Vec::new(),
    };
    paths.extend(config.files.iter().cloned());
    let mut reading = Reading::default();
    for path in &paths {
        match files::read(path) {
            Ok(file) => reading.file(path, file),
            Err(cause) => reading.skip(path, cause, "the other files are served"),
        }
    }
    for gate in stores {
        reading.store(gate);
    }
    reading.match_chains();
    Ok(reading.finish())
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    keys: Vec<StoredKey>,
    chains: Vec<Chain>,
    problems: Problems,
}

impl Reading {
    /// Where a key with this ID is already from.
    fn first(&self, id: KeyId) -> Option<Origin> {
        let first = self.keys.iter().find(|key| key.id == id)?;
        Some(first.origin.clone())
    }

    fn store(&mut self, gate: &Gate) {
        let store = gate.store();
        let name = store.name().to_owned();
        let place = PathBuf::from(&name);
        // A bug in one store must not take the keys of the others.
        let found = catch_unwind(AssertUnwindSafe(|| store.keys()));
        let found = match found.unwrap_or(Err(StoreError::Dropped)) {
            Ok(found) => found,
            Err(error) => {
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
                store: name.clone(),
                handle: handle.clone(),
            };
            let probed = catch_unwind(AssertUnwindSafe(|| Elsewhere::probe(gate, &key)));
            match probed.unwrap_or_else(|_| Err(StoreError::Dropped.to_string())) {
                Ok(elsewhere) => self.keys.push(StoredKey::new(
                    label.clone(),
                    origin,
                    public_key.clone(),
                    Custody::Elsewhere(elsewhere),
                )),
                Err(cause) => self.skip(
                    &place,
                    format!("key {handle}: {cause}"),
                    "the other keys are served",
                ),
            }
        }
    }

    fn skip(&mut self, path: &Path, cause: impl Into<String>, remedy: &str) {
        let cause = format!("skipped: {}", cause.into());
        self.problems.push(Problem::in_file(path, cause, remedy));
    }

    fn warn(&mut self, path: &Path, cause: impl Into<String>, remedy: impl Into<String>) {
        self.problems
            .push(Problem::in_file(path, cause, remedy).warning());
    }

    fn file(&mut self, path: &Path, file: PemFile) {
        if file.key.is_none() && file.certificates.is_empty() {
            return self.skip(
                path,
                "there is neither a private key nor a certificate in it",
                "keys and certificates are PEM files, with lines such as `-----BEGIN PRIVATE KEY-----`",
            );
        }
        if file.key.is_some()
            && let Some(mode) = file.open_to_others
        {
            self.problems.push(files::permission_warning(path, mode));
        }
        match file.key {
            Some(Ok(private)) => {
                let public_key = private.public_key().clone();
                let origin = Origin::File(path.to_owned());
                let key = StoredKey::new(label(path), origin, public_key, Custody::Here(private));
                match self.first(key.id) {
                    Some(first) => self.warn(
                        path,
                        format!("this key is in {first} as well, which counts"),
                        "remove one of the two",
                    ),
                    None => self.keys.push(key),
                }
            }
            Some(Err(cause)) => self.skip(path, cause, "the other files are served"),
            None => (),
        }
        if !file.certificates.is_empty() {
            let chain = Chain {
                file: path.to_owned(),
                certificates: file.certificates,
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
            if let Some(key) = self.keys.iter_mut().find(|key| key.id == leaf) {
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

    fn finish(self) -> Opened {
        Opened {
            keys: KeySet::new(self.keys.into_iter().map(Arc::new)),
            problems: self.problems,
        }
    }
}
