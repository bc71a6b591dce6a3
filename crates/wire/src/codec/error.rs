//! Why bytes are not the structure that they should be.

use std::error::Error;
use std::fmt;

use crate::values::AlertDescription;

/// Bytes that are not the structure that they should be: what was being read, what is wrong with it, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The field, as `Message.field` or by its name in the RFC.
    pub what: &'static str,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
    /// Bytes from the start of the outermost reader's input to where the trouble is.
    pub offset: usize,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input, or the vector around the field, ends before the field does.
    Truncated,
    /// Bytes are left after the end of the structure.
    Trailing,
    /// A vector's length is outside of what the RFC allows for it.
    IllegalLength,
    /// A value that the RFC forbids here.
    IllegalValue,
    /// Something that may be there once is there twice.
    Duplicate,
    /// An extension is there twice.
    DuplicateExtension,
    /// Something that must be last is not.
    NotLast,
    /// An extension that we know and that this message must not carry.
    Forbidden,
    /// Something that must be there is not.
    Missing,
    /// More items than [`MAX_LIST_ITEMS`](super::MAX_LIST_ITEMS) or the limit of that list.
    TooMany,
}

impl DecodeError {
    /// The alert that answers this error (RFC 9846 §6.2; RFC 5246 §7.2.2 for TLS 1.2).
    pub const fn alert(&self) -> AlertDescription {
        match self.kind {
            // RFC 9846 §6.2: "decode_error: A message could not be decoded because some field was out of the specified
            // range or the length of the message was incorrect."
            DecodeErrorKind::Truncated
            | DecodeErrorKind::Trailing
            | DecodeErrorKind::IllegalLength => AlertDescription::DECODE_ERROR,
            // RFC 9846 §4.3 forbids it and names no alert; this is what BoringSSL sends.
            DecodeErrorKind::DuplicateExtension => AlertDescription::DECODE_ERROR,
            // RFC 9846 §6.2: "missing_extension: Sent by endpoints that receive a handshake message not containing an
            // extension that is mandatory to send for the offered TLS version".
            DecodeErrorKind::Missing => AlertDescription::MISSING_EXTENSION,
            // RFC 9846 §6.2: "illegal_parameter: A field in the handshake was incorrect or inconsistent with other
            // fields. This alert is used for errors which conform to the formal protocol syntax but are otherwise
            // incorrect."
            DecodeErrorKind::IllegalValue
            | DecodeErrorKind::Duplicate
            | DecodeErrorKind::NotLast
            | DecodeErrorKind::Forbidden
            | DecodeErrorKind::TooMany => AlertDescription::ILLEGAL_PARAMETER,
        }
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "input ends too early",
            Self::Trailing => "bytes left after the end",
            Self::IllegalLength => "illegal length",
            Self::IllegalValue => "illegal value",
            Self::Duplicate | Self::DuplicateExtension => "present twice",
            Self::NotLast => "not the last of its list",
            Self::Forbidden => "not allowed in this message",
            Self::Missing => "missing",
            Self::TooMany => "too many items",
        })
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} at byte {}", self.what, self.kind, self.offset)
    }
}

impl Error for DecodeError {}
