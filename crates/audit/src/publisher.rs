//! From the journal to tiles: what is on disk already is put where others' tools read it.

use std::io;

use crate::bundle;
use crate::folder::{Changed, Folder};
use crate::hash::Hash;
use crate::journal::{self, Next, SEGMENT, SegmentReader, segment_of, segment_path};
use crate::log::{CHECKPOINT, Durable, read_hashes};
use crate::tiles::{self, Tile, WIDTH};
use crate::tree::root;

/// Reads the journal behind its writer, and writes tiles.
#[derive(Debug)]
pub(crate) struct Publisher {
    folder: Folder,
    /// How many records it has read from the journal.
    size: u64,
    /// The records since the last full bundle.
    bundle: Vec<u8>,
    /// For each level, the hashes since the last full tile.
    levels: Vec<Vec<Hash>>,
    reader: Option<SegmentReader>,
    changed: Changed,
    /// Full tiles whose partial ones can go, once they are on disk.
    full: Vec<Tile>,
    /// The checkpoint that was published last, by its size.
    published: Option<u64>,
}

impl Publisher {
    /// Begins where the journal begins.
    pub(crate) fn new(folder: Folder) -> io::Result<Self> {
        let size = journal::segments(&folder)?.first().copied().unwrap_or(0);
        let mut levels = Vec::new();
        for tile in Tile::partial(size) {
            let level = usize::try_from(tile.level).unwrap_or_default();
            levels.resize_with(level + 1, Vec::new);
            // Opening the log has read them already.
            levels[level] = read_hashes(&folder, tile, size)?.ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(Self {
            folder,
            size,
            bundle: Vec::new(),
            levels,
            reader: None,
            changed: Changed::default(),
            full: Vec::new(),
            published: None,
        })
    }

    /// Writes the tiles up to what is on disk, then the checkpoint, then removes what the journal need not keep.
    ///
    /// After an error it is of no more use: a new one begins at the journal's beginning, and writes the same tiles again.
    pub(crate) fn publish(&mut self, durable: &Durable) -> io::Result<()> {
        let size = durable.checkpoint.size;
        if self.published == Some(size) {
            return Ok(());
        }
        while self.size < size {
            self.read_batch()?;
        }
        let partial: Vec<Tile> = Tile::partial(size).collect();
        for tile in &partial {
            let hashes = self
                .levels
                .get(tile.level as usize)
                .map_or(&[][..], Vec::as_slice);
            let bytes = tiles::encode(hashes);
            self.folder
                .replace(&tile.path(), &bytes, &mut self.changed)?;
            if tile.level == 0 {
                self.folder
                    .replace(&tile.bundle_path(), &self.bundle, &mut self.changed)?;
            }
        }
        self.changed.sync()?;
        self.folder
            .replace(CHECKPOINT, durable.note.as_bytes(), &mut self.changed)?;
        self.changed.sync()?;
        self.published = Some(size);
        for tile in std::mem::take(&mut self.full) {
            self.tidy(tile, None)?;
        }
        for tile in partial {
            self.tidy(tile, Some(tile.width))?;
        }
        for segment in journal::segments(&self.folder)? {
            if segment.saturating_add(SEGMENT) <= size {
                self.folder.remove(&segment_path(segment))?;
            }
        }
        Ok(())
    }

    /// Reads a batch. The writer says what is on disk, so there is one.
    fn read_batch(&mut self) -> io::Result<()> {
        let segment = segment_of(self.size);
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(
                SegmentReader::open(&self.folder, segment)?.ok_or(io::ErrorKind::NotFound)?,
            ),
        };
        let batch = match reader.next()? {
            Next::Batch(batch) if batch.first == self.size => batch,
            _ => {
                self.reader = None;
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the journal cannot be read at record {}", self.size),
                ));
            }
        };
        for record in batch.records() {
            self.push(record)?;
        }
        if segment_of(self.size) != segment {
            self.reader = None;
        }
        Ok(())
    }

    fn push(&mut self, record: &[u8]) -> io::Result<()> {
        bundle::push(&mut self.bundle, record);
        self.size += 1;
        let mut hash = Hash::of_leaf(record);
        for level in 0.. {
            if self.levels.len() <= level {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(hash);
            if (self.levels[level].len() as u64) < WIDTH {
                break;
            }
            let hashes = std::mem::take(&mut self.levels[level]);
            hash = root(&hashes);
            let level = u32::try_from(level).unwrap_or(u32::MAX);
            let tile = Tile::full(level, tiles::hashes_at(level + 1, self.size) - 1);
            self.folder
                .replace(&tile.path(), &tiles::encode(&hashes), &mut self.changed)?;
            if level == 0 {
                let bundle = std::mem::take(&mut self.bundle);
                self.folder
                    .replace(&tile.bundle_path(), &bundle, &mut self.changed)?;
            }
            self.full.push(tile);
        }
        Ok(())
    }

    /// Removes the partial tiles that this one supersedes.
    fn tidy(&self, tile: Tile, keep: Option<u64>) -> io::Result<()> {
        let full = Tile::full(tile.level, tile.index);
        let mut paths = vec![format!("{}.p", full.path())];
        if tile.level == 0 {
            paths.push(format!("{}.p", full.bundle_path()));
        }
        for path in paths {
            self.folder.remove_partial_tiles(&path, keep)?;
        }
        Ok(())
    }
}
