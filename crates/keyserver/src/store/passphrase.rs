//! Passphrases of encrypted keys and PINs of tokens, read when they are needed.

use std::path::PathBuf;

use keyward_crypto::private_key::Passphrase;
use zeroize::Zeroizing;

use super::files::{Content, Trouble};
use crate::config::PassphraseSource;

/// More than anybody types, and than any tool makes.
const MAX_LEN: usize = 1024;

/// A passphrase that is read once, if at all.
pub(super) struct Lazy<'a> {
    source: Option<&'a PassphraseSource>,
    read: Option<Result<Passphrase, Trouble>>,
}

impl<'a> Lazy<'a> {
    pub(super) fn new(source: Option<&'a PassphraseSource>) -> Self {
        Self { source, read: None }
    }

    /// `None` if the configuration has none.
    pub(super) fn get(&mut self) -> Option<Result<&Passphrase, Trouble>> {
        let source = self.source?;
        let read = self.read.get_or_insert_with(|| read(source));
        Some(read.as_ref().map_err(Clone::clone))
    }
}

fn read(source: &PassphraseSource) -> Result<Passphrase, Trouble> {
    line(source, "passphrase").map(Passphrase::new)
}

/// The one line of a file.
pub(super) fn line(source: &PassphraseSource, kind: &str) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let (path, is_ours) = match source {
        PassphraseSource::File(path) => (path.clone(), true),
        // systemd has made the directory for this service alone, and may have given it to it by an ACL.
        PassphraseSource::Credential(name) => (credential(name)?, false),
    };
    let what = format!("the {kind} in {}", path.display());
    let content = Content::read(&path)
        .map_err(|cause| Trouble::new(format!("cannot read {what}: {cause}"), ""))?;
    if is_ours && let Some(exposed) = content.exposed(&path, kind) {
        let cause = format!("{}: {}", path.display(), exposed.cause);
        return Err(Trouble::new(cause, exposed.remedy));
    }
    let line = content.bytes.strip_suffix(b"\n").unwrap_or(&content.bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() || line.len() > MAX_LEN || line.contains(&b'\n') {
        return Err(Trouble::new(
            format!("{what} is not one line of at most {MAX_LEN} bytes"),
            "write it on one line, and nothing else",
        ));
    }
    Ok(Zeroizing::new(line.to_vec()))
}

fn credential(name: &str) -> Result<PathBuf, Trouble> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        Trouble::new(
            format!(
                "systemd has given no credentials ($CREDENTIALS_DIRECTORY is not set), so not {name}"
            ),
            format!("write `LoadCredentialEncrypted={name}:…` into the service's unit"),
        )
    })?;
    Ok(PathBuf::from(directory).join(name))
}
