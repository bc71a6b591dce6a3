//! An append-only Merkle log: what was recorded can neither be changed nor taken out without showing.
//!
//! ```text
//!  append ─▶ queue ─▶ journal/… ─ one fsync a batch ─▶ the waiter is told
//!                        │
//!                        └─ later ─▶ tile/entries/…  tile/0/…  tile/1/…  checkpoint
//! ```
//!
//! Records are opaque bytes. They are hashed as RFC 9162 has it; tiles, checkpoints, signatures and proofs are those of
//! C2SP (`tlog-tiles`, `tlog-checkpoint`, `signed-note`, `tlog-proof`), so that others' tools can read a log's folder:
//!
//! | file | what it is | written |
//! |---|---|---|
//! | `journal/<first index>` | the newest records, in batches that each end with a signed checkpoint | at once |
//! | `head` | the newest checkpoint, to notice a journal that was cut | after each batch |
//! | `verifier` | the public key, for who has no copy from elsewhere | when the log is opened |
//! | `tile/…`, `checkpoint` | everything up to a while ago | every minute, and when the log is closed |
//!
//! [`Writer`] appends; [`Reader`] reads, verifies and proves, while a writer is at work as well.
//!
//! A log proves that nothing *within* it was changed. Whoever can write its folder, and has kept an older state of all of
//! it, can put that back: only a checkpoint that was kept elsewhere shows it ([`Reader::verify`] takes one).

mod bundle;
mod checkpoint;
mod error;
mod folder;
mod hash;
mod head;
mod journal;
mod log;
mod note;
mod proof;
mod publisher;
mod reader;
mod tiles;
mod tree;
mod verify;
mod writer;

pub use checkpoint::Checkpoint;
pub use error::{AppendError, OpenError, ProofError, ReadError};
pub use hash::Hash;
pub use log::Recovery;
pub use note::{Signer, Verifier, VerifierError};
pub use proof::InclusionProof;
pub use reader::{Reader, Record};
pub use verify::{Finding, Verification};
pub use writer::{Durability, QueueFull, Waiter, Writer, WriterConfig, WriterStatus};

/// The longest record, in bytes: what a bundle's two bytes of length can say.
pub const MAX_RECORD: usize = 65_535;
