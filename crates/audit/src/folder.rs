//! A log's folder: files that are whole or not there, and on disk when they are said to be.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Who may read the log: its owner and group, as the umask allows.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;
/// No file that is read as a whole is longer: 256 records of the greatest length.
const MAX_FILE: u64 = 256 * (2 + crate::MAX_RECORD as u64);

#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a folder in it, and those above, and puts the names of those that were not there on disk: what is durable in a
    /// folder that is not there after a power cut is lost.
    pub(crate) fn create_folder(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        let missing = path.ancestors().take_while(|folder| !folder.is_dir());
        let parents: Vec<&Path> = missing.filter_map(Path::parent).collect();
        create_folders(&path)?;
        for parent in parents {
            let here = parent.as_os_str().is_empty();
            File::open(if here { Path::new(".") } else { parent })?.sync_all()?;
        }
        Ok(())
    }

    /// A file's content, or `None` if there is no such file.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.open_to_read(name)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            let what = format!("{name} is longer than any file of a log");
            return Err(io::Error::new(ErrorKind::FileTooLarge, what));
        }
        Ok(Some(bytes))
    }

    /// Opens a file to read, or `None` if there is no such file. Who verifies a log may not trust who wrote the folder: a pipe
    /// in it would be waited for, a device read for ever.
    pub(crate) fn open_to_read(&self, name: &str) -> io::Result<Option<File>> {
        let path = self.path(name);
        let opened = fs::metadata(&path).and_then(|found| {
            if found.is_file() {
                return File::open(&path);
            }
            let what = format!("{name} is not a file");
            Err(io::Error::new(ErrorKind::InvalidData, what))
        });
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a file to read and write, and makes it if it is not there.
    pub(crate) fn open_to_write(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(self.path(name))
    }

    /// Puts a file in place: whole, and its content on disk. Its name is, when `changed` is [synced](Changed::sync).
    pub(crate) fn replace(
        &self,
        name: &str,
        bytes: &[u8],
        changed: &mut Changed,
    ) -> io::Result<()> {
        let path = self.path(name);
        let parent = path.parent().unwrap_or(&self.0);
        if !parent.is_dir() {
            create_folders(parent)?;
        }
        let new = path.with_added_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        // Those above as well: whoever made them may have been interrupted before they were synced.
        let above = parent.ancestors();
        changed.0.extend(
            above
                .take_while(|above| above.starts_with(&self.0))
                .map(Path::to_owned),
        );
        Ok(())
    }

    /// Removes a file that may not be there.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.path(name)))
    }

    /// Removes a folder of superseded partial tiles but for the one of this width.
    pub(crate) fn remove_partial_tiles(&self, path: &str, keep: Option<u64>) -> io::Result<()> {
        let folder = self.path(path);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => return absent_is_fine(Err(error)),
        };
        let keep = keep.map(|width| width.to_string());
        for entry in entries {
            let entry = entry?;
            if keep
                .as_deref()
                .is_none_or(|keep| entry.file_name() != *keep)
            {
                absent_is_fine(fs::remove_file(entry.path()))?;
            }
        }
        match keep {
            Some(_) => Ok(()),
            None => absent_is_fine(fs::remove_dir(&folder)),
        }
    }

    /// The names of the files in a folder, sorted; none if there is no such folder.
    pub(crate) fn list(&self, name: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(name)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Puts the names in a folder on disk.
    pub(crate) fn sync_names(&self, name: &str) -> io::Result<()> {
        File::open(self.path(name))?.sync_all()
    }
}

/// Folders whose names have changed.
#[derive(Debug, Default)]
pub(crate) struct Changed(BTreeSet<PathBuf>);

impl Changed {
    /// Puts the names on disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        while let Some(folder) = self.0.last() {
            File::open(folder)?.sync_all()?;
            self.0.pop_last();
        }
        Ok(())
    }
}

fn create_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
