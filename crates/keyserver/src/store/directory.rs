//! Keys in PEM files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use keyward_config::{Problem, Problems};
use keyward_keyop::KeyId;
use keyward_protocol::MAX_FRAME_LEN;

use super::chain::Chain;
use super::files::{self, PemFile};
use super::{KeyStore, StoredKey};
use crate::config::KeysConfig;

/// The endings of files that are looked at. Others may lie in the directory too.
const ENDINGS: [&str; 5] = [".pem", ".key", ".crt", ".cer", ".cert"];

/// Endings taken off a file's name to get a key's label, the longest first.
const LABEL_ENDINGS: [&str; 8] = [
    ".key.pem",
    ".chain.pem",
    ".cert.pem",
    ".pem",
    ".key",
    ".crt",
    ".cer",
    ".cert",
];

/// The keys of a directory, and of files named one by one.
#[derive(Debug)]
pub struct Directory {
    keys: Vec<Arc<StoredKey>>,
    by_id: HashMap<KeyId, Arc<StoredKey>>,
}

/// A [`Directory`], with what is wrong with its files.
#[derive(Debug)]
pub struct Opened {
    /// The keys that can be used.
    pub store: Directory,
    /// Errors: files that were skipped, since each could not be read, or holds what cannot be used. Warnings: what works and
    /// should be looked at all the same.
    pub problems: Problems,
}

impl Directory {
    /// Reads all the files. A file that cannot be used is named and skipped, the others are served.
    ///
    /// # Errors
    /// If the directory itself cannot be listed.
    pub fn open(config: &KeysConfig) -> Result<Opened, Problem> {
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
        reading.match_chains();
        Ok(reading.finish())
    }
}

impl KeyStore for Directory {
    fn key(&self, id: KeyId) -> Option<Arc<StoredKey>> {
        self.by_id.get(&id).cloned()
    }

    fn keys(&self) -> Vec<Arc<StoredKey>> {
        self.keys.clone()
    }
}

/// The directory's files that may hold keys or chains, in order of their names.
fn list(directory: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::in_file(
            directory,
            format!("cannot list the directory of keys: {error}"),
            "`directory` below `[keys]` names a directory that this user may read",
        )
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Kubernetes mounts a secret's files as links beside hidden directories.
        if !name.starts_with('.') && ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    keys: Vec<StoredKey>,
    chains: Vec<Chain>,
    problems: Problems,
}

impl Reading {
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
                let id = KeyId::of_public_key(private.public_key());
                match self.keys.iter().find(|key| key.id == id) {
                    Some(first) => {
                        let first = first.file.display().to_string();
                        self.warn(
                            path,
                            format!("this key is in {first} as well"),
                            "remove one of the two files",
                        );
                    }
                    None => self.keys.push(StoredKey {
                        id,
                        label: label(path),
                        file: path.to_owned(),
                        private,
                        chains: Vec::new(),
                    }),
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
                    key.file.display(),
                    key.id
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
        let keys: Vec<Arc<StoredKey>> = self.keys.into_iter().map(Arc::new).collect();
        let by_id = keys.iter().map(|key| (key.id, Arc::clone(key))).collect();
        Opened {
            store: Directory { keys, by_id },
            problems: self.problems,
        }
    }
}

/// The file's name without its ending.
fn label(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = LABEL_ENDINGS.iter().find(|ending| name.ends_with(*ending));
    let stem = ending
        .and_then(|ending| name.strip_suffix(ending))
        .unwrap_or(&name);
    stem.chars().take(63).collect()
}
