//! Which files of a directory are looked at, and what they are called.

use std::path::{Path, PathBuf};

use keyward_config::Problem;

/// The endings of files that are looked at. Others may lie in the directory too.
const ENDINGS: [&str; 8] = [
    ".pem", ".key", ".crt", ".cer", ".cert", ".der", ".p8", ".pk8",
];

/// Endings taken off a file's name to get a key's label, the longest first.
const LABEL_ENDINGS: [&str; 14] = [
    ".key.der",
    ".chain.der",
    ".cert.der",
    ".key.pem",
    ".chain.pem",
    ".cert.pem",
    ".pem",
    ".key",
    ".crt",
    ".cer",
    ".cert",
    ".der",
    ".p8",
    ".pk8",
];

/// The directory's files that may hold keys or chains, in order of their names.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>, Problem> {
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

/// The file's name without its ending.
pub(super) fn label(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = LABEL_ENDINGS.iter().find(|ending| name.ends_with(*ending));
    let stem = ending
        .and_then(|ending| name.strip_suffix(ending))
        .unwrap_or(&name);
    stem.chars().take(63).collect()
}
