//! The newest checkpoint, in a file of its own: a journal that was cut at the end of a batch looks whole by itself.
//!
//! Written after each batch is on disk, and not synced: what it says is never more than what the journal has. Two slots take
//! turns, so that one is whole whenever a write is cut off.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::checkpoint::Checkpoint;
use crate::folder::Folder;
use crate::note::Verifier;

const NAME: &str = "head";
/// A note with the longest name has some 700 bytes.
const SLOT: usize = 1024;

#[derive(Debug)]
pub(crate) struct Head {
    file: File,
    slot: u64,
}

impl Head {
    pub(crate) fn open(folder: &Folder) -> io::Result<Self> {
        let file = folder.open_to_write(NAME)?;
        Ok(Self { file, slot: 0 })
    }

    pub(crate) fn write(&mut self, note: &str) -> io::Result<()> {
        let mut bytes = note.as_bytes().to_vec();
        bytes.resize(SLOT, 0);
        self.file.write_all_at(&bytes, self.slot * SLOT as u64)?;
        self.slot ^= 1;
        Ok(())
    }

    /// The newer of the two that can be read.
    pub(crate) fn read(folder: &Folder, verifier: &Verifier) -> io::Result<Option<Checkpoint>> {
        let bytes = folder.read(NAME)?.unwrap_or_default();
        let newest = bytes
            .chunks(SLOT)
            .filter_map(|slot| {
                let end = slot.iter().position(|byte| *byte == 0);
                Checkpoint::open(&slot[..end.unwrap_or(slot.len())], verifier)
            })
            .max_by_key(|checkpoint| checkpoint.size);
        Ok(newest)
    }
}
