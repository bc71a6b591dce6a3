//! What can go wrong, with cause and remedy.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A log cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder or a file in it cannot be read or written.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Another process writes to it.
    InUse(PathBuf),
    /// What is there is not what was written.
    Damaged {
        /// The log.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, cause } => {
                write!(
                    f,
                    "{}: {cause}; the log's folder must be writable by the key server's user",
                    path.display()
                )
            }
            Self::InUse(path) => write!(
                f,
                "{} is in use by another process; each key server needs a log of its own",
                path.display()
            ),
            Self::Damaged { path, what } => write!(
                f,
                "the log in {0} is damaged: {what}. `keyward audit verify {0}` says more. Keep the folder as evidence, and \
                 begin a new log under another name in another folder",
                path.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// A record could not be put on disk.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// The disk is full, or it failed.
    Io(io::Error),
    /// The record is longer than [`MAX_RECORD`](crate::MAX_RECORD).
    TooLong(usize),
    /// The checkpoint could not be signed.
    Sign,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(cause) if cause.kind() == io::ErrorKind::StorageFull => {
                write!(
                    f,
                    "the disk of the audit log is full ({cause}): make room; the log goes on by itself"
                )
            }
            Self::Io(cause) => write!(f, "the audit log cannot be written: {cause}"),
            Self::TooLong(len) => write!(
                f,
                "a record of {len} bytes; at most {} fit",
                crate::MAX_RECORD
            ),
            Self::Sign => f.write_str("the audit log's key failed to sign"),
        }
    }
}

impl std::error::Error for AppendError {}

/// A log cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// A file cannot be read.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// There is no log here.
    NoLog(PathBuf),
    /// A record that should be there is not, or is not whole.
    Damaged {
        /// The first record that cannot be read.
        index: u64,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, cause } => write!(f, "{}: {cause}", path.display()),
            Self::NoLog(path) => write!(
                f,
                "{} holds no audit log: neither a checkpoint nor a journal",
                path.display()
            ),
            Self::Damaged { index, what } => {
                write!(
                    f,
                    "record {index} cannot be read: {what}; `keyward audit verify` says more"
                )
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// There is no proof.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProofError {
    /// The log cannot be read.
    Read(ReadError),
    /// The log has no record with this index.
    NoRecord {
        /// Which.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// The log's own hashes do not lead to its root.
    Damaged,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::NoRecord { index, size: 0 } => write!(f, "no record {index}: the log is empty"),
            Self::NoRecord { index, size } => {
                write!(f, "no record {index}: the log has 0 to {}", size - 1)
            }
            Self::Damaged => f.write_str("the log is damaged: its hashes do not lead to its root; `keyward audit verify` says more"),
        }
    }
}

impl std::error::Error for ProofError {}

impl From<ReadError> for ProofError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}
