//! Writing keys and certificates: whole or not at all, and never over another file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::PkiError;

/// Writes a file that only its owner can read (mode 0600).
///
/// # Errors
///
/// [`PkiError::Exists`] if there is a file of this name; [`PkiError::File`] otherwise.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), PkiError> {
    write_new(path, content, 0o600)
}

/// Writes a file that everybody can read (mode 0644, less what the umask takes away).
///
/// # Errors
///
/// As [`write_private`].
pub fn write_public(path: &Path, content: &[u8]) -> Result<(), PkiError> {
    write_new(path, content, 0o644)
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), PkiError> {
    let temporary = temporary_beside(path);
    let written = write_synced(&temporary, content, mode)
        // A link, unlike a rename, fails where a file is already.
        .and_then(|()| fs::hard_link(&temporary, path));
    // Best effort: the content is under its own name, or the error matters more.
    let _ = fs::remove_file(&temporary);
    written.map_err(|cause| PkiError::file("write", path, cause))
}

fn write_synced(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// `.NAME.PID.new` in the same folder, so that the link stays in one file system.
fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn private_file_is_for_its_owner_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        write_private(&path, b"first").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let again = write_private(&path, b"second");
        assert!(matches!(again, Err(PkiError::Exists(p)) if p == path));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none/a.pem");
        let error = write_public(&path, b"x").unwrap_err();
        assert!(error.to_string().contains("none/a.pem"), "{error}");
    }
}
