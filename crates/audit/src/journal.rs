//! The journal: where records go first, in batches.
//!
//! A batch is `"KWaj"`, the length of its body (32 bits), the body's SHA-256, and the body: the index of its first record
//! (64 bits), the number of records (32 bits), the records as in an entry bundle, and the checkpoint after them in the same
//! form. It is on disk before the next one is begun: so of an interrupted writer there can be one batch that is not whole,
//! at the end. Anything else was not the writer.
//!
//! A file of the journal, a segment, has up to [`SEGMENT`] records and is called by the index of its first. When all of them
//! are in tiles it is removed.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use crate::bundle;
use crate::folder::Folder;
use crate::hash::Hash;

pub(crate) const FOLDER: &str = "journal";
/// Records in a segment: those of one full tile of level 1.
pub(crate) const SEGMENT: u64 = 65_536;
/// A batch is closed when it is this long, in bytes.
pub(crate) const BATCH: usize = 4 << 20;
/// No batch is longer: one more record, a checkpoint, and what is around them.
const MAX_BODY: usize = BATCH + (128 << 10);

const MAGIC: [u8; 4] = *b"KWaj";
const HEADER: usize = MAGIC.len() + 4 + Hash::LEN;
const MAX_TORN: usize = HEADER + MAX_BODY;
/// In what a writer leaves behind there is nothing that looks like the beginning of a batch: records are text.
const MAX_TRIES: usize = 16;

/// The segment that a record is in.
pub(crate) fn segment_of(index: u64) -> u64 {
    index / SEGMENT * SEGMENT
}

/// The path of the segment that begins with this record.
pub(crate) fn segment_path(first: u64) -> String {
    format!("{FOLDER}/{first:020}")
}

/// The segments that there are, by their first record.
pub(crate) fn segments(folder: &Folder) -> io::Result<Vec<u64>> {
    let names = folder.list(FOLDER)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// A batch as it is written.
pub(crate) fn encode(first: u64, records: &[Vec<u8>], checkpoint: &str) -> Vec<u8> {
    let mut batch = vec![0; HEADER];
    batch.extend_from_slice(&first.to_be_bytes());
    let count = u32::try_from(records.len()).expect("a batch has no more records than a segment");
    batch.extend_from_slice(&count.to_be_bytes());
    for record in records {
        bundle::push(&mut batch, record);
    }
    bundle::push(&mut batch, checkpoint.as_bytes());
    let (header, body) = batch.split_at_mut(HEADER);
    let len = u32::try_from(body.len()).expect("a batch is closed long before 4 GiB");
    header[..4].copy_from_slice(&MAGIC);
    header[4..8].copy_from_slice(&len.to_be_bytes());
    header[8..].copy_from_slice(Hash::of(&[body]).as_bytes());
    batch
}

/// A batch as it was read: whole.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) first: u64,
    count: u32,
    body: Vec<u8>,
}

impl Batch {
    fn parse(body: Vec<u8>) -> Option<Self> {
        let (first, rest) = body.split_first_chunk::<8>()?;
        let (count, mut rest) = rest.split_first_chunk::<4>()?;
        let (first, count) = (u64::from_be_bytes(*first), u32::from_be_bytes(*count));
        for _ in 0..count {
            bundle::take(&mut rest)?;
        }
        bundle::take(&mut rest)?;
        rest.is_empty().then_some(Self { first, count, body })
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        bundle::records(&self.body[12..]).flatten()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.parts().take(self.count as usize)
    }

    /// The signed note at its end.
    pub(crate) fn checkpoint(&self) -> &[u8] {
        self.parts().last().unwrap_or_default()
    }
}

/// Reads a segment, batch by batch.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    file: File,
    /// Where the next batch begins, in bytes.
    pub(crate) offset: u64,
}

/// What comes next in a segment.
#[derive(Debug)]
pub(crate) enum Next {
    Batch(Batch),
    End,
    /// So many bytes of a batch that was not written whole.
    Torn(u64),
    /// Something that no writer leaves behind: a batch that is not whole, with a whole one behind it.
    Damaged,
}

impl SegmentReader {
    /// `None` if there is no such segment.
    pub(crate) fn open(folder: &Folder, first: u64) -> io::Result<Option<Self>> {
        let file = folder.open_to_read(&segment_path(first))?;
        Ok(file.map(|file| Self { file, offset: 0 }))
    }

    pub(crate) fn next(&mut self) -> io::Result<Next> {
        match self.read()? {
            // A writer at work may have completed this batch, and one more, between two reads.
            Next::Damaged => {
                self.file.seek(SeekFrom::Start(self.offset))?;
                self.read()
            }
            next => Ok(next),
        }
    }

    fn read(&mut self) -> io::Result<Next> {
        let mut header = [0; HEADER];
        let got = read_up_to(&mut self.file, &mut header)?;
        if got == 0 {
            return Ok(Next::End);
        }
        let mut tail = header[..got].to_vec();
        let (magic, rest) = header.split_at(MAGIC.len());
        let (len, hash) = rest.split_at(4);
        let len = len
            .iter()
            .fold(0, |len, byte| len << 8 | usize::from(*byte));
        if got == HEADER && magic == MAGIC && len <= MAX_BODY {
            let mut body = vec![0; len];
            let got = read_up_to(&mut self.file, &mut body)?;
            if got == len && Hash::of(&[&body]).as_bytes() == hash {
                tail.extend_from_slice(&body);
                if let Some(batch) = Batch::parse(body) {
                    self.offset += tail.len() as u64;
                    return Ok(Next::Batch(batch));
                }
                return Ok(Next::Damaged);
            }
            tail.extend_from_slice(&body[..got]);
        }
        // No writer leaves more behind than the beginning of one batch.
        let rest = (MAX_TORN + 1).saturating_sub(tail.len());
        (&mut self.file).take(rest as u64).read_to_end(&mut tail)?;
        Ok(if tail.len() > MAX_TORN || has_whole_batch(&tail[1..]) {
            Next::Damaged
        } else {
            Next::Torn(tail.len() as u64)
        })
    }
}

/// Whether a whole batch begins anywhere, or so much looks like the beginning of one that finding out would take long.
fn has_whole_batch(bytes: &[u8]) -> bool {
    let mut tries = 0;
    bytes.windows(HEADER).enumerate().any(|(at, header)| {
        header.starts_with(&MAGIC) && {
            let len = header[4..8]
                .iter()
                .fold(0, |len, byte| len << 8 | usize::from(*byte));
            let body = bytes.get(at + HEADER..).and_then(|rest| rest.get(..len));
            body.is_some_and(|body| {
                tries += 1;
                tries > MAX_TRIES || Hash::of(&[body]).as_bytes() == &header[8..]
            })
        }
    })
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
