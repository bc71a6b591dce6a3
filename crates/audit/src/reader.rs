//! Reading a log, while it is written to as well.

use std::io;
use std::path::{Path, PathBuf};

use crate::bundle;
use crate::checkpoint::Checkpoint;
use crate::error::ReadError;
use crate::folder::Folder;
use crate::journal::{self, Batch, Next, SegmentReader};
use crate::log::CHECKPOINT;
use crate::note::Verifier;
use crate::tiles::{Tile, WIDTH};

/// A record and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Counted from 0.
    pub index: u64,
    /// As it was appended.
    pub bytes: Vec<u8>,
}

/// A log that is read.
#[derive(Debug)]
pub struct Reader {
    pub(crate) folder: Folder,
    pub(crate) path: PathBuf,
    pub(crate) verifier: Verifier,
}

impl Reader {
    /// The log in this folder, whose checkpoints `verifier` verifies.
    ///
    /// # Errors
    /// There is no log.
    pub fn open(path: &Path, verifier: Verifier) -> Result<Self, ReadError> {
        let reader = Self {
            folder: Folder::new(path),
            path: path.to_owned(),
            verifier,
        };
        let published = reader.io(reader.folder.read(CHECKPOINT))?;
        if published.is_none() && reader.io(journal::segments(&reader.folder))?.is_empty() {
            return Err(ReadError::NoLog(path.to_owned()));
        }
        Ok(reader)
    }

    /// The records from this one on, as far as the log goes. They are not verified: [`verify`](Self::verify) does that for the
    /// whole log.
    pub fn records(&self, from: u64) -> Records<'_> {
        Records {
            log: self,
            next: from,
            waiting: Vec::new().into_iter(),
            journal: None,
            ended: false,
        }
    }

    pub(crate) fn io<T>(&self, result: io::Result<T>) -> Result<T, ReadError> {
        result.map_err(|cause| ReadError::Io {
            path: self.path.clone(),
            cause,
        })
    }

    /// The checkpoint up to which there are tiles: none yet, or one that is not this log's.
    pub(crate) fn published(&self) -> Result<Option<Checkpoint>, ReadError> {
        let Some(note) = self.io(self.folder.read(CHECKPOINT))? else {
            return Ok(None);
        };
        match Checkpoint::open(&note, &self.verifier) {
            Some(checkpoint) => Ok(Some(checkpoint)),
            None => Err(ReadError::Damaged {
                index: 0,
                what: format!(
                    "`checkpoint` is not signed by {}, or was changed",
                    self.verifier.name()
                ),
            }),
        }
    }

    /// The bundle that has this record, from its first, if the tiles go so far.
    pub(crate) fn bundle_with(
        &self,
        index: u64,
        published: u64,
    ) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        if index >= published {
            return Ok(None);
        }
        let bundle = index / WIDTH;
        let width = (published - bundle * WIDTH).min(WIDTH);
        let damaged = |what: &str| ReadError::Damaged {
            index,
            what: what.to_owned(),
        };
        let tile = Tile {
            level: 0,
            index: bundle,
            width,
        };
        let bytes = match self.io(self.folder.read(&tile.bundle_path()))? {
            Some(bytes) => bytes,
            // It may have filled up since.
            None => self
                .io(self.folder.read(&Tile::full(0, bundle).bundle_path()))?
                .ok_or_else(|| damaged(&format!("{} is not there", tile.bundle_path())))?,
        };
        let records: Option<Vec<Vec<u8>>> = bundle::records(&bytes)
            .map(|record| record.map(<[u8]>::to_vec))
            .collect();
        let records = records
            .ok_or_else(|| damaged(&format!("{} ends within a record", tile.bundle_path())))?;
        if (records.len() as u64) < width {
            return Err(damaged(&format!(
                "{} has {} records of {width}",
                tile.bundle_path(),
                records.len()
            )));
        }
        Ok(Some(records))
    }
}

/// The records of a log, in order.
#[derive(Debug)]
pub struct Records<'a> {
    log: &'a Reader,
    next: u64,
    waiting: std::vec::IntoIter<Vec<u8>>,
    journal: Option<SegmentReader>,
    ended: bool,
}

impl Records<'_> {
    /// Fetches more. `false`: there are none.
    fn fill(&mut self) -> Result<bool, ReadError> {
        if self.journal.is_none() {
            let published = self
                .log
                .published()?
                .map_or(0, |checkpoint| checkpoint.size);
            if let Some(records) = self.log.bundle_with(self.next, published)? {
                self.skip_to_next(records, self.next / WIDTH * WIDTH);
                return Ok(true);
            }
        }
        // Beyond the tiles. A segment that goes away meanwhile is in tiles then.
        loop {
            if self.journal.is_none() {
                let segment = journal::segment_of(self.next);
                self.journal = self
                    .log
                    .io(SegmentReader::open(&self.log.folder, segment))?;
            }
            let Some(reader) = &mut self.journal else {
                return self.retry_tiles();
            };
            let next = reader.next();
            match self.log.io(next)? {
                Next::Batch(batch) => {
                    let Batch { first, .. } = batch;
                    let records: Vec<_> = batch.records().map(<[u8]>::to_vec).collect();
                    if first.saturating_add(records.len() as u64) > self.next {
                        if first > self.next {
                            return Err(ReadError::Damaged {
                                index: self.next,
                                what: format!("the journal goes on with record {first}"),
                            });
                        }
                        self.skip_to_next(records, first);
                        return Ok(true);
                    }
                }
                Next::End => {
                    self.journal = None;
                    // A segment that ended full is followed by another.
                    let segment = journal::segment_of(self.next);
                    let follows = segment == self.next && self.next > 0;
                    let there = self
                        .log
                        .io(journal::segments(&self.log.folder))?
                        .contains(&segment);
                    if !(follows && there) || self.ended {
                        return Ok(false);
                    }
                    self.ended = true;
                }
                // The writer is at it, or was interrupted.
                Next::Torn(_) => return Ok(false),
                Next::Damaged => {
                    return Err(ReadError::Damaged {
                        index: self.next,
                        what: "the journal is damaged".to_owned(),
                    });
                }
            }
        }
    }

    fn retry_tiles(&mut self) -> Result<bool, ReadError> {
        let published = self
            .log
            .published()?
            .map_or(0, |checkpoint| checkpoint.size);
        match self.log.bundle_with(self.next, published)? {
            Some(records) => {
                self.skip_to_next(records, self.next / WIDTH * WIDTH);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn skip_to_next(&mut self, records: Vec<Vec<u8>>, first: u64) {
        self.waiting = records.into_iter();
        self.ended = false;
        for _ in first..self.next {
            self.waiting.next();
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(bytes) = self.waiting.next() {
                let index = self.next;
                self.next += 1;
                return Some(Ok(Record { index, bytes }));
            }
            if self.ended && self.journal.is_none() {
                return None;
            }
            match self.fill() {
                Ok(true) => (),
                Ok(false) => {
                    self.ended = true;
                    self.journal = None;
                    return None;
                }
                Err(error) => {
                    self.ended = true;
                    self.journal = None;
                    return Some(Err(error));
                }
            }
        }
    }
}
