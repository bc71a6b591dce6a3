//! The files that one key server and one edge start with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Authority, KeyAlgorithm, PkiError};

/// What [`init_with`] can be told.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// The CA's common name.
    pub authority: String,
    /// The names of the key server; edges ask for one of them.
    pub key_server_names: Vec<String>,
    /// The name by which the key server knows the edge.
    pub edge_name: String,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self {
            authority: "Keyward channel CA".to_owned(),
            key_server_names: vec!["keyserver".to_owned()],
            edge_name: "edge".to_owned(),
        }
    }
}

const FILES: [&str; 6] = [
    "ca.key",
    "ca.pem",
    "keyserver.key",
    "keyserver.pem",
    "edge.key",
    "edge.pem",
];

/// Makes a private CA in `dir` (created if it is not there), with a certificate for a key server
/// named `keyserver` and one for an edge named `edge`: `ca.pem`, `ca.key`, `keyserver.pem`,
/// `keyserver.key`, `edge.pem`, `edge.key`. Key files have mode 0600. Nothing is overwritten.
///
/// Returns the paths written.
///
/// # Errors
///
/// [`PkiError::Exists`] if any of the files is there already; then none is written.
pub fn init(dir: impl AsRef<Path>) -> Result<Vec<PathBuf>, PkiError> {
    init_with(dir, &InitOptions::default())
}

/// As [`init`], with other names.
///
/// # Errors
///
/// As [`init`], and [`PkiError::InvalidName`].
pub fn init_with(dir: impl AsRef<Path>, options: &InitOptions) -> Result<Vec<PathBuf>, PkiError> {
    let dir = dir.as_ref();
    fs::create_dir_all(dir).map_err(|cause| PkiError::file("create", dir, cause))?;
    let paths = FILES.map(|name| dir.join(name));
    if let Some(path) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(PkiError::Exists(path.clone()));
    }

    // Everything that can be refused comes before the first file.
    let authority = Authority::new(&options.authority)?;
    let key_server = authority.issue_server(&options.key_server_names, KeyAlgorithm::P256)?;
    let edge = authority.issue_client(&options.edge_name)?;

    authority.save(dir)?;
    key_server.save(dir, "keyserver")?;
    edge.save(dir, "edge")?;
    Ok(paths.into())
}
