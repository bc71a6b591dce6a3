//! Proofs that a record is in the log (RFC 9162 §2.1.3, C2SP tlog-proof).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::error::{ProofError, ReadError};
use crate::hash::Hash;
use crate::journal::{self, Next, SegmentReader};
use crate::log::read_hashes;
use crate::note::Verifier;
use crate::reader::Reader;
use crate::tiles::{HEIGHT, Tile, WIDTH};
use crate::tree::root;

/// "c2sp.org/tlog-proof@v1"
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof that a log has a record, which can be verified without the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Which record.
    pub index: u64,
    /// In the text form's line for data "with application-specific meaning": here the record itself.
    record: Option<Vec<u8>>,
    /// "starting from the leaf's sibling hash up to the root's child hash"
    path: Vec<Hash>,
    /// A signed note.
    checkpoint: String,
}

impl InclusionProof {
    /// Reads a proof in C2SP's text form. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let mut line = lines.next()?;
        let mut record = None;
        if let Some(extra) = line.strip_prefix("extra ") {
            record = Some(STANDARD.decode(extra).ok()?);
            line = lines.next()?;
        }
        let index = line.strip_prefix("index ")?.parse().ok()?;
        let path = lines.map(Hash::from_base64).collect::<Option<_>>()?;
        Some(Self {
            index,
            record,
            path,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// The record that came along with it. It is what was recorded if [`verify`](Self::verify) says so.
    pub fn record(&self) -> Option<&[u8]> {
        self.record.as_deref()
    }

    /// Whether it proves that the log of `verifier` has this record, and the state of the log in which it has.
    pub fn verify(&self, record: &[u8], verifier: &Verifier) -> Option<Checkpoint> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), verifier)?;
        let root = self.root(Hash::of_leaf(record), checkpoint.size)?;
        (root == checkpoint.root).then_some(checkpoint)
    }

    /// RFC 9162 §2.1.3.2: the root that the path leads to. The step numbers are the RFC's.
    fn root(&self, leaf: Hash, size: u64) -> Option<Hash> {
        // 1. "Compare leaf_index from the inclusion_proof_v2 structure against tree_size. If leaf_index is greater than or
        // equal to tree_size, then fail the proof verification."
        if self.index >= size {
            return None;
        }
        // 2. and 3.
        let (mut node, mut last) = (self.index, size - 1);
        let mut hash = leaf;
        // 4.
        for other in &self.path {
            // a. "If sn is 0, then stop the iteration and fail the proof verification."
            if last == 0 {
                return None;
            }
            if node & 1 == 1 || node == last {
                // b.
                hash = Hash::of_node(other, &hash);
                // "If LSB(fn) is not set, then right-shift both fn and sn equally until either LSB(fn) is set or fn is 0."
                let shift = node.trailing_zeros().min(u64::BITS - 1);
                node >>= shift;
                last >>= shift;
            } else {
                hash = Hash::of_node(&hash, other);
            }
            // c.
            node >>= 1;
            last >>= 1;
        }
        // 5. "Compare sn to 0."
        (last == 0).then_some(hash)
    }
}

impl fmt::Display for InclusionProof {
    /// C2SP's text form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(record) = &self.record {
            writeln!(f, "extra {}", STANDARD.encode(record))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl Reader {
    /// Proves that a record is in the log.
    ///
    /// # Errors
    /// There is no such record, or the log is damaged.
    pub fn prove(&self, index: u64) -> Result<InclusionProof, ProofError> {
        let hashes = Hashes::read(self)?;
        let size = hashes.checkpoint.size;
        if index >= size {
            return Err(ProofError::NoRecord { index, size });
        }
        let mut path = Vec::new();
        hashes.path(index, 0, size, &mut path)?;
        let record = match self.records(index).next() {
            Some(record) => record?.bytes,
            None => return Err(ProofError::NoRecord { index, size }),
        };
        let mut proof = InclusionProof {
            index,
            record: None,
            path,
            checkpoint: hashes.note,
        };
        match proof.verify(&record, &self.verifier) {
            Some(_) => {
                proof.record = Some(record);
                Ok(proof)
            }
            None => Err(ProofError::Damaged),
        }
    }
}

/// The hashes of a tree, from tiles where there are full ones, and from the records behind them.
struct Hashes<'a> {
    log: &'a Reader,
    /// The records before this one are in full tiles.
    tiled: u64,
    /// The hashes of the others.
    rest: Vec<Hash>,
    checkpoint: Checkpoint,
    note: String,
}

impl<'a> Hashes<'a> {
    fn read(log: &'a Reader) -> Result<Self, ProofError> {
        let published = log.published()?;
        let (mut checkpoint, mut note) = match published {
            Some(published) => (published, log.io(log.folder.read(crate::log::CHECKPOINT))?),
            None => (
                Checkpoint {
                    size: 0,
                    root: Hash::of_nothing(),
                },
                None,
            ),
        };
        let tiled = checkpoint.size / WIDTH * WIDTH;
        let mut rest = Vec::new();
        // The journal's last checkpoint is newer than the tiles'.
        for first in log.io(journal::segments(&log.folder))? {
            let Some(mut reader) = log.io(SegmentReader::open(&log.folder, first))? else {
                continue;
            };
            while let Next::Batch(batch) = log.io(reader.next())? {
                for (index, record) in (batch.first..).zip(batch.records()) {
                    if index >= tiled {
                        rest.push(Hash::of_leaf(record));
                    }
                }
                if let Some(newer) = Checkpoint::open(batch.checkpoint(), &log.verifier)
                    .filter(|newer| newer.size > checkpoint.size)
                {
                    checkpoint = newer;
                    note = Some(batch.checkpoint().to_vec());
                }
            }
        }
        let note = note.and_then(|note| String::from_utf8(note).ok());
        Ok(Self {
            log,
            tiled,
            rest,
            checkpoint,
            note: note.unwrap_or_default(),
        })
    }

    /// RFC 9162 §2.1.3.1: "PATH(m, D_n) = PATH(m, D[0:k]) : MTH(D[k:n]) for m < k; and PATH(m, D_n) = PATH(m - k, D[k:n]) :
    /// MTH(D[0:k]) for m >= k".
    fn path(
        &self,
        index: u64,
        low: u64,
        high: u64,
        path: &mut Vec<Hash>,
    ) -> Result<(), ProofError> {
        if high - low == 1 {
            return Ok(());
        }
        let middle = low + split(high - low);
        let sibling = if index < middle {
            self.path(index, low, middle, path)?;
            self.subtree(middle, high)?
        } else {
            self.path(index, middle, high, path)?;
            self.subtree(low, middle)?
        };
        path.push(sibling);
        Ok(())
    }

    /// The root over the records from `low` to `high`.
    fn subtree(&self, low: u64, high: u64) -> Result<Hash, ProofError> {
        let len = high - low;
        if low >= self.tiled {
            let range = usize::try_from(low - self.tiled)
                .and_then(|low| usize::try_from(high - self.tiled).map(|high| low..high));
            let hashes = range.ok().and_then(|range| self.rest.get(range));
            return hashes.map(root).ok_or(ProofError::Damaged);
        }
        if len.is_power_of_two() && high <= self.tiled {
            // A row of hashes in one tile.
            let level = len.trailing_zeros() / HEIGHT;
            let span = 1 << (HEIGHT * level);
            let (first, count) = (low / span, len / span);
            let tile = Tile {
                level,
                index: first / WIDTH,
                width: first % WIDTH + count,
            };
            let read = read_hashes(&self.log.folder, tile, self.tiled);
            if let Some(hashes) = self.log.io(read)? {
                let first = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
                let row = hashes.get(first..).ok_or(ProofError::Damaged)?;
                return Ok(root(row));
            }
            if level == 0 {
                return Err(ReadError::Damaged {
                    index: low,
                    what: format!("{} is not there", tile.path()),
                }
                .into());
            }
        }
        let middle = low + split(len);
        let (left, right) = (self.subtree(low, middle)?, self.subtree(middle, high)?);
        Ok(Hash::of_node(&left, &right))
    }
}

/// "Let k be the largest power of two smaller than n".
fn split(n: u64) -> u64 {
    n.next_power_of_two() / 2
}
