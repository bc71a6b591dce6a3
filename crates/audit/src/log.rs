//! The log as its one writer has it: opening after whatever happened, and appending.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::MAX_RECORD;
use crate::checkpoint::Checkpoint;
use crate::error::{AppendError, OpenError};
use crate::folder::{Changed, Folder};
use crate::hash::Hash;
use crate::head::Head;
use crate::journal::{self, Next, SEGMENT, SegmentReader, segment_of, segment_path};
use crate::note::{Signer, Verifier};
use crate::tiles::{self, HEIGHT, Tile, WIDTH, hashes_at};
use crate::tree::{Frontier, subtrees};

/// The checkpoint up to which there are tiles.
pub(crate) const CHECKPOINT: &str = "checkpoint";
const LOCK: &str = "lock";
/// The key that verifies the log, for who looks at it on this machine and has no better copy.
const VERIFIER: &str = "verifier";

/// What was found when a log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Records that are there.
    pub size: u64,
    /// Bytes of a batch at the end that was not written whole, and is dropped: nobody was told that it was there.
    pub dropped: u64,
}

/// A log that is written to.
#[derive(Debug)]
pub(crate) struct Log {
    folder: Folder,
    signer: Signer,
    frontier: Frontier,
    segment: Segment,
    head: Head,
    /// Held as long as the log is.
    _lock: File,
}

/// The segment that is written to.
#[derive(Debug)]
struct Segment {
    first: u64,
    file: File,
    /// How many bytes of it are batches that are on disk.
    len: u64,
    state: SegmentState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SegmentState {
    Good,
    /// Behind `len` may be part of a batch.
    Cut,
    /// It could not be synced. What the system then does with the pages that were not written is its own business, so the
    /// good part is copied to another file.
    Suspect,
}

/// What is on disk.
#[derive(Clone, Debug)]
pub(crate) struct Durable {
    pub(crate) checkpoint: Checkpoint,
    /// Signed.
    pub(crate) note: String,
}

impl Log {
    pub(crate) fn open(path: &Path, signer: Signer) -> Result<(Self, Recovery), OpenError> {
        let folder = Folder::new(path);
        let io = |cause| OpenError::Io {
            path: path.to_owned(),
            cause,
        };
        folder.create_folder(journal::FOLDER).map_err(io)?;
        let lock = folder.open_to_write(LOCK).map_err(io)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse(path.to_owned()),
            TryLockError::Error(cause) => io(cause),
        })?;
        let replayed = replay(&folder, signer.verifier()).map_err(|error| match error {
            ReplayError::Io(cause) => io(cause),
            ReplayError::Damaged(what) => OpenError::Damaged {
                path: path.to_owned(),
                what,
            },
        })?;
        // Only now: the log is this key's, and nobody else's to write.
        let verifier = format!("{}\n", signer.verifier());
        if folder.read(VERIFIER).map_err(io)?.as_deref() != Some(verifier.as_bytes()) {
            let written = folder.replace(VERIFIER, verifier.as_bytes(), &mut Changed::default());
            written.map_err(io)?;
        }
        let first = segment_of(replayed.frontier.size());
        let segment = Segment::open(&folder, first, replayed.len).map_err(io)?;
        let recovery = Recovery {
            size: replayed.frontier.size(),
            dropped: replayed.dropped,
        };
        let head = Head::open(&folder).map_err(io)?;
        folder.sync_names("").map_err(io)?;
        let log = Self {
            head,
            folder,
            signer,
            frontier: replayed.frontier,
            segment,
            _lock: lock,
        };
        Ok((log, recovery))
    }

    /// How many records it has.
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// What is on disk now. `None` if the key fails to sign.
    pub(crate) fn durable(&self) -> Option<Durable> {
        let checkpoint = Checkpoint {
            size: self.size(),
            root: self.frontier.root(),
        };
        let note = checkpoint.sign(&self.signer)?;
        Some(Durable { checkpoint, note })
    }

    /// Puts as many records on disk as fit in one batch, and says how many and what is on disk then. On an error none is, and
    /// the log goes on as if nothing had been asked.
    pub(crate) fn append(&mut self, records: &[Vec<u8>]) -> Result<(usize, Durable), AppendError> {
        self.segment.mend(&self.folder).map_err(AppendError::Io)?;
        if self.size() >= self.segment.first + SEGMENT {
            self.segment =
                Segment::open(&self.folder, segment_of(self.size()), 0).map_err(AppendError::Io)?;
        }
        let room = self.segment.first + SEGMENT - self.size();
        let mut frontier = self.frontier.clone();
        let mut bytes = 0;
        let mut count = 0;
        for record in records
            .iter()
            .take(usize::try_from(room).unwrap_or(usize::MAX))
        {
            if record.len() > MAX_RECORD {
                return Err(AppendError::TooLong(record.len()));
            }
            bytes += 2 + record.len();
            count += 1;
            frontier.push(Hash::of_leaf(record));
            if bytes >= journal::BATCH {
                break;
            }
        }
        let checkpoint = Checkpoint {
            size: frontier.size(),
            root: frontier.root(),
        };
        let note = checkpoint.sign(&self.signer).ok_or(AppendError::Sign)?;
        let batch = journal::encode(self.size(), &records[..count], &note);
        self.segment.write(&batch).map_err(AppendError::Io)?;
        self.frontier = frontier;
        // To notice what happens to the log later; the records are safe without.
        let _ = self.head.write(&note);
        Ok((count, Durable { checkpoint, note }))
    }
}

impl Segment {
    /// Opens or makes a segment of which so many bytes are good.
    fn open(folder: &Folder, first: u64, len: u64) -> io::Result<Self> {
        let file = folder.open_to_write(&segment_path(first))?;
        if file.metadata()?.len() > len {
            file.set_len(len)?;
            file.sync_all()?;
        }
        folder.sync_names(journal::FOLDER)?;
        Ok(Self {
            first,
            file,
            len,
            state: SegmentState::Good,
        })
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all_at(batch, self.len) {
            self.state = SegmentState::Cut;
            // Makes room at once, if that is what lacks.
            if self.file.set_len(self.len).is_ok() {
                self.state = SegmentState::Good;
            }
            return Err(error);
        }
        if let Err(error) = self.file.sync_data() {
            self.state = SegmentState::Suspect;
            return Err(error);
        }
        self.len += batch.len() as u64;
        Ok(())
    }

    /// Gets rid of what a batch that failed has left behind.
    fn mend(&mut self, folder: &Folder) -> io::Result<()> {
        match self.state {
            SegmentState::Good => return Ok(()),
            SegmentState::Cut => self.file.set_len(self.len)?,
            SegmentState::Suspect => {
                let len = usize::try_from(self.len).map_err(|_| io::ErrorKind::FileTooLarge)?;
                let mut good = vec![0; len];
                self.file.read_exact_at(&mut good, 0)?;
                let name = segment_path(self.first);
                let mut changed = Changed::default();
                folder.replace(&name, &good, &mut changed)?;
                changed.sync()?;
                self.file = folder.open_to_write(&name)?;
            }
        }
        self.state = SegmentState::Good;
        Ok(())
    }
}

/// What a folder has, at its end.
struct Replayed {
    frontier: Frontier,
    /// How many bytes of the last segment are whole batches.
    len: u64,
    dropped: u64,
}

enum ReplayError {
    Io(io::Error),
    Damaged(String),
}

impl From<io::Error> for ReplayError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn damaged<T>(what: impl Into<String>) -> Result<T, ReplayError> {
    Err(ReplayError::Damaged(what.into()))
}

/// Goes through the journal. A whole batch has its own hash and root, so that a signature has to be verified only of the last:
/// it covers all before it.
fn replay(folder: &Folder, verifier: &Verifier) -> Result<Replayed, ReplayError> {
    let published = match folder.read(CHECKPOINT)? {
        Some(note) => match Checkpoint::open(&note, verifier) {
            Some(checkpoint) => checkpoint,
            None => return damaged("`checkpoint` is not signed by this log's key, or was changed"),
        },
        None => Checkpoint {
            size: 0,
            root: Hash::of_nothing(),
        },
    };
    let mut segments = journal::segments(folder)?;
    if segments.is_empty() {
        segments.push(published.size);
    }
    let begin = segments[0];
    if begin % SEGMENT != 0 || begin > published.size {
        return damaged(format!(
            "the journal begins at record {begin}, and the tiles end at {}",
            published.size
        ));
    }
    let mut frontier = match frontier_from_tiles(folder, begin)? {
        Some(frontier) => frontier,
        None => return damaged(format!("the tiles up to record {begin} are not there")),
    };
    let mut published_seen = published.size == begin && published.root == frontier.root();
    let mut replayed = Replayed {
        frontier: Frontier::default(),
        len: 0,
        dropped: 0,
    };
    let mut last_note = None;
    for (i, first) in segments.iter().enumerate() {
        if *first != frontier.size() {
            return damaged(format!(
                "the journal has nothing from record {} to {first}",
                frontier.size()
            ));
        }
        let Some(mut reader) = SegmentReader::open(folder, *first)? else {
            break;
        };
        loop {
            match reader.next()? {
                Next::Batch(batch) => {
                    if batch.first != frontier.size() {
                        return damaged(format!(
                            "record {} does not follow on {}",
                            batch.first,
                            frontier.size()
                        ));
                    }
                    for record in batch.records() {
                        frontier.push(Hash::of_leaf(record));
                    }
                    published_seen |=
                        frontier.size() == published.size && frontier.root() == published.root;
                    last_note = Some(batch.checkpoint().to_vec());
                }
                Next::End => break,
                Next::Torn(bytes) if i + 1 == segments.len() => {
                    replayed.dropped = bytes;
                    break;
                }
                Next::Torn(_) | Next::Damaged => {
                    return damaged(format!(
                        "the journal cannot be read from record {} on",
                        frontier.size()
                    ));
                }
            }
        }
        replayed.len = reader.offset;
    }
    let size = frontier.size();
    if published.size > size {
        return damaged(format!(
            "there were {} records, now there are {size}",
            published.size
        ));
    }
    if !published_seen {
        return damaged(format!(
            "its first {} records are not those that were published",
            published.size
        ));
    }
    if let Some(note) = last_note {
        let now = Checkpoint {
            size,
            root: frontier.root(),
        };
        if Checkpoint::open(&note, verifier) != Some(now) {
            return damaged(
                "the end of the journal is not signed by this log's key, or was changed",
            );
        }
    }
    if let Some(head) = Head::read(folder, verifier)?.filter(|head| head.size > size) {
        return damaged(format!(
            "there were {} records, now there are {size}",
            head.size
        ));
    }
    if size == segment_of(size) {
        // The next record begins a segment.
        replayed.len = if segments.last() == Some(&size) {
            replayed.len
        } else {
            0
        };
    }
    replayed.frontier = frontier;
    Ok(replayed)
}

/// The tree over the first `size` records, a multiple of [`SEGMENT`], from the tiles at its right edge.
pub(crate) fn frontier_from_tiles(folder: &Folder, size: u64) -> io::Result<Option<Frontier>> {
    let mut perfect = Vec::new();
    for tile in Tile::partial(size).collect::<Vec<_>>().into_iter().rev() {
        match read_hashes(folder, tile, size)? {
            Some(hashes) => perfect.extend(subtrees(&hashes)),
            None => return Ok(None),
        }
    }
    Ok(Frontier::new(size, perfect))
}

/// The hashes of a tile in a tree of at least `size` records. A partial tile may have been superseded by a wider one.
pub(crate) fn read_hashes(folder: &Folder, tile: Tile, size: u64) -> io::Result<Option<Vec<Hash>>> {
    debug_assert!(hashes_at(tile.level, size) >= tile.index << HEIGHT);
    for width in [tile.width, WIDTH] {
        if let Some(bytes) = folder.read(&Tile { width, ..tile }.path())? {
            let hashes = tiles::decode(&bytes, width);
            return Ok(hashes.map(|mut hashes| {
                hashes.truncate(usize::try_from(tile.width).unwrap_or(usize::MAX));
                hashes
            }));
        }
    }
    // A wider one, of a later checkpoint.
    let path = tile.path();
    let Some((partial, _)) = path.rsplit_once('/') else {
        return Ok(None);
    };
    let mut widths: Vec<u64> = folder
        .list(partial)?
        .iter()
        .filter_map(|name| name.parse().ok())
        .filter(|width| *width > tile.width && *width < WIDTH)
        .collect();
    widths.sort_unstable();
    let Some(width) = widths.first().copied() else {
        return Ok(None);
    };
    let bytes = folder.read(&Tile { width, ..tile }.path())?;
    Ok(bytes
        .and_then(|bytes| tiles::decode(&bytes, width))
        .map(|mut hashes| {
            hashes.truncate(usize::try_from(tile.width).unwrap_or(usize::MAX));
            hashes
        }))
}
