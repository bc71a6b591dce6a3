//! Verifying a whole log: every record against every hash, every root against its signature.

use std::collections::BTreeMap;
use std::fmt;

use crate::checkpoint::Checkpoint;
use crate::error::ReadError;
use crate::hash::Hash;
use crate::head::Head;
use crate::journal::{self, Batch, Next, SegmentReader};
use crate::log::{CHECKPOINT, read_hashes};
use crate::reader::Reader;
use crate::tiles::{Tile, WIDTH, hashes_at};
use crate::tree::{Frontier, root};

/// What a verification found out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// The newest state of the log: keep it elsewhere, and give it to the next verification.
    pub checkpoint: Checkpoint,
    /// The newest checkpoint that is signed, as a signed note; none in a log that is empty.
    pub note: Option<String>,
    /// What is wrong, in the order of the log; nothing, if it is whole.
    pub findings: Vec<Finding>,
    /// Bytes at the end of the journal of a batch that is not whole: a writer is at work, or was interrupted. Nobody was told that
    /// they were there.
    pub unfinished: u64,
}

impl Verification {
    /// Nothing was changed or taken out.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A file of the log cannot be read, or is not there.
    Unreadable {
        /// The first record that is affected.
        index: u64,
        /// What is wrong.
        what: String,
    },
    /// This record is not the one whose hash was kept.
    Changed {
        /// Which.
        index: u64,
    },
    /// A tile has hashes that are not those of the tiles below it.
    Tile {
        /// Its path in the log's folder.
        path: String,
    },
    /// The records do not lead to the root that was signed for so many of them.
    Root {
        /// How many.
        size: u64,
    },
    /// A signature is not the log's, or what it signs was changed.
    Signature {
        /// Where.
        place: String,
    },
    /// There were more records once.
    Cut {
        /// How many there were.
        were: u64,
        /// How many there are.
        are: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { index, what } => write!(f, "from record {index} on: {what}"),
            Self::Changed { index } => write!(f, "record {index} was changed"),
            Self::Tile { path } => write!(f, "{path} was changed"),
            Self::Root { size } => {
                write!(
                    f,
                    "the first {size} records are not those that were signed for"
                )
            }
            Self::Signature { place } => {
                write!(f, "{place} is not signed by this log's key, or was changed")
            }
            Self::Cut { were, are } => {
                write!(
                    f,
                    "there were {were} records, now there are {are}: the end was cut off"
                )
            }
        }
    }
}

impl Reader {
    /// Verifies all of the log, and that it goes on from these checkpoints of it, which were kept elsewhere.
    ///
    /// # Errors
    /// The folder cannot be read. What is wrong with the log itself is a finding.
    pub fn verify(&self, kept: &[Checkpoint]) -> Result<Verification, ReadError> {
        let mut run = Run {
            log: self,
            findings: Vec::new(),
            roots: kept.iter().map(|kept| (kept.size, None)).collect(),
            unfinished: 0,
            note: None,
        };
        let published = run.published()?;
        let note = self.io(self.folder.read(CHECKPOINT))?;
        run.note = note.and_then(|note| String::from_utf8(note).ok());
        let begin = self
            .io(journal::segments(&self.folder))?
            .first()
            .copied()
            .unwrap_or(published.size);
        let tiles = run.tiles(published, begin)?;
        let checkpoint = run.journal(published, begin, tiles)?;
        if let Some(head) = self.io(Head::read(&self.folder, &self.verifier))? {
            run.not_shorter(head.size, checkpoint.size);
        }
        for kept in kept {
            match run.roots.get(&kept.size).copied().flatten() {
                Some(root) if root == kept.root => (),
                Some(_) => run.findings.push(Finding::Root { size: kept.size }),
                None => run.not_shorter(kept.size, checkpoint.size),
            }
        }
        Ok(Verification {
            checkpoint,
            note: run.note,
            findings: run.findings,
            unfinished: run.unfinished,
        })
    }
}

/// More is not looked for: whoever has so many knows enough, and a folder can be made to have any number.
const MAX_FINDINGS: usize = 1000;

struct Run<'a> {
    log: &'a Reader,
    findings: Vec<Finding>,
    /// The sizes whose roots somebody wants to know.
    roots: BTreeMap<u64, Option<Hash>>,
    unfinished: u64,
    note: Option<String>,
}

/// What the tiles have.
struct FromTiles {
    /// The tree where the journal begins.
    at_journal: Frontier,
    /// The hashes from there to the end of the tiles.
    overlap: Vec<Hash>,
    /// The tree at the end of the tiles.
    end: Frontier,
}

impl Run<'_> {
    fn published(&mut self) -> Result<Checkpoint, ReadError> {
        let nothing = Checkpoint {
            size: 0,
            root: Hash::of_nothing(),
        };
        match self.log.published() {
            Ok(published) => Ok(published.unwrap_or(nothing)),
            Err(ReadError::Damaged { .. }) => {
                self.found(Finding::Signature {
                    place: format!("`{CHECKPOINT}`"),
                });
                Ok(nothing)
            }
            Err(error) => Err(error),
        }
    }

    /// Every record of the bundles against the tiles, every tile against the ones below.
    fn tiles(&mut self, published: Checkpoint, begin: u64) -> Result<FromTiles, ReadError> {
        let mut frontier = Frontier::default();
        let mut at_journal = None;
        let mut overlap = Vec::new();
        let mut above: Vec<Vec<Hash>> = Vec::new();
        self.note_root(&frontier);
        while frontier.size() < published.size && self.findings.len() < MAX_FINDINGS {
            let index = frontier.size();
            let width = (published.size - index).min(WIDTH);
            let tile = Tile {
                level: 0,
                index: index / WIDTH,
                width,
            };
            if index == begin {
                at_journal = Some(frontier.clone());
            }
            let leaves = self.bundle(tile, index, published.size)?;
            for leaf in leaves
                .iter()
                .take(usize::try_from(width).unwrap_or_default())
            {
                frontier.push(*leaf);
                if frontier.size() > begin {
                    overlap.push(*leaf);
                }
                self.note_root(&frontier);
            }
            if width == WIDTH {
                push_above(&mut above, 1, root(&leaves));
            }
            self.tiles_above(&mut above, frontier.size(), published.size)?;
        }
        if published.size > 0 && frontier.root() != published.root {
            self.found(Finding::Root {
                size: published.size,
            });
        }
        Ok(FromTiles {
            at_journal: at_journal.unwrap_or_else(|| frontier.clone()),
            overlap,
            end: frontier,
        })
    }

    /// The leaf hashes of a bundle. Where it cannot be read, those of the tile stand in, so that the rest can be verified.
    fn bundle(&mut self, tile: Tile, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        let kept = self.log.io(read_hashes(&self.log.folder, tile, size))?;
        if kept.is_none() {
            self.found(Finding::Unreadable {
                index,
                what: format!("{} is not there, or has another length", tile.path()),
            });
        }
        let records = match self.log.bundle_with(index, size) {
            Ok(records) => records.unwrap_or_default(),
            Err(ReadError::Damaged { index, what }) => {
                self.found(Finding::Unreadable { index, what });
                return Ok(kept.unwrap_or_else(|| vec![Hash::of_nothing(); 256]));
            }
            Err(error) => return Err(error),
        };
        let leaves: Vec<Hash> = records.iter().map(|record| Hash::of_leaf(record)).collect();
        let changed = kept.iter().flatten().zip(&leaves).enumerate();
        for (i, _) in changed.filter(|(_, (kept, leaf))| kept != leaf) {
            self.found(Finding::Changed {
                index: index + i as u64,
            });
        }
        Ok(leaves)
    }

    /// Compares the tiles above level 0 that are complete now.
    fn tiles_above(
        &mut self,
        above: &mut Vec<Vec<Hash>>,
        size: u64,
        end: u64,
    ) -> Result<(), ReadError> {
        let mut level = 1;
        while let Some(hashes) = above.get(level as usize) {
            let full = hashes.len() as u64 == WIDTH;
            if full || (size == end && !hashes.is_empty()) {
                let hashes = hashes.clone();
                let tile = Tile {
                    level,
                    index: (hashes_at(level, size) - 1) / WIDTH,
                    width: hashes.len() as u64,
                };
                let kept = self.log.io(read_hashes(&self.log.folder, tile, end))?;
                if kept.as_ref() != Some(&hashes) {
                    self.found(Finding::Tile { path: tile.path() });
                }
                if full {
                    above[level as usize].clear();
                    push_above(above, level + 1, root(&hashes));
                }
            }
            level += 1;
        }
        Ok(())
    }

    /// The journal's batches: that they follow on each other, and lead to the roots that are signed.
    fn journal(
        &mut self,
        published: Checkpoint,
        begin: u64,
        tiles: FromTiles,
    ) -> Result<Checkpoint, ReadError> {
        let mut frontier = tiles.at_journal;
        if begin > published.size {
            self.found(Finding::Unreadable {
                index: published.size,
                what: format!("the tiles end here, and the journal begins at record {begin}"),
            });
        }
        let segments = self.log.io(journal::segments(&self.log.folder))?;
        'segments: for (i, first) in segments.iter().enumerate() {
            if *first != frontier.size() {
                self.unreadable(
                    frontier.size(),
                    format!("the journal goes on with record {first}"),
                );
                break;
            }
            let Some(mut reader) = self.log.io(SegmentReader::open(&self.log.folder, *first))?
            else {
                break;
            };
            while self.findings.len() < MAX_FINDINGS {
                match self.log.io(reader.next())? {
                    Next::Batch(batch) if batch.first == frontier.size() => {
                        self.batch(&batch, &mut frontier, begin, &tiles.overlap, published);
                    }
                    Next::End => break,
                    Next::Torn(bytes) if i + 1 == segments.len() => {
                        self.unfinished = bytes;
                        break 'segments;
                    }
                    Next::Batch(_) | Next::Torn(_) | Next::Damaged => {
                        let index = frontier.size();
                        self.unreadable(index, "the journal cannot be read".to_owned());
                        break 'segments;
                    }
                }
            }
        }
        let end = if frontier.size() < tiles.end.size() {
            self.not_shorter(tiles.end.size(), frontier.size());
            tiles.end
        } else {
            frontier
        };
        Ok(Checkpoint {
            size: end.size(),
            root: end.root(),
        })
    }

    fn batch(
        &mut self,
        batch: &Batch,
        frontier: &mut Frontier,
        begin: u64,
        overlap: &[Hash],
        published: Checkpoint,
    ) {
        for record in batch.records() {
            let leaf = Hash::of_leaf(record);
            let index = frontier.size();
            let place = index
                .checked_sub(begin)
                .and_then(|place| usize::try_from(place).ok());
            let other = place.and_then(|place| overlap.get(place));
            if other.is_some_and(|other| *other != leaf) {
                self.found(Finding::Changed { index });
            }
            frontier.push(leaf);
            self.note_root(frontier);
        }
        let now = Checkpoint {
            size: frontier.size(),
            root: frontier.root(),
        };
        match Checkpoint::open(batch.checkpoint(), &self.log.verifier) {
            Some(signed) if signed == now => {
                self.note = String::from_utf8(batch.checkpoint().to_vec()).ok();
            }
            Some(_) => self.found(Finding::Root { size: now.size }),
            None => self.found(Finding::Signature {
                place: format!("the journal's checkpoint of {} records", now.size),
            }),
        }
        if now.size == published.size && now.root != published.root {
            self.found(Finding::Root { size: now.size });
        }
    }

    fn found(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    fn note_root(&mut self, frontier: &Frontier) {
        if let Some(root) = self.roots.get_mut(&frontier.size()) {
            *root = Some(frontier.root());
        }
    }

    fn unreadable(&mut self, index: u64, what: String) {
        self.found(Finding::Unreadable { index, what });
    }

    fn not_shorter(&mut self, were: u64, are: u64) {
        let cut = Finding::Cut { were, are };
        if were > are && !self.findings.contains(&cut) {
            self.found(cut);
        }
    }
}

fn push_above(above: &mut Vec<Vec<Hash>>, level: u32, hash: Hash) {
    let level = level as usize;
    if above.len() <= level {
        above.resize_with(level + 1, Vec::new);
    }
    above[level].push(hash);
}
