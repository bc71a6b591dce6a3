//! The record layer (RFC 9846 §5, RFC 5246 §6).
//!
//! Bytes that came wait in [`Input`]; [`RecordReader`] opens one record after the other where it lies, but for large ones
//! with data that come as a whole: those are opened from the caller's bytes.
//! [`RecordWriter`] seals records where they wait to be sent, in [`Output`]. [`Protection`] is one
//! direction's key, AEAD or CBC, with its count of records.

mod aead;
mod cbc;
mod input;
mod output;
mod protection;
mod reader;
mod writer;

pub(crate) use cbc::CbcRecords;
pub(crate) use input::Input;
pub(crate) use output::Output;
pub(crate) use protection::Protection;
pub(crate) use reader::{ChangeCipherSpecs, RecordReader};
pub(crate) use writer::RecordWriter;
