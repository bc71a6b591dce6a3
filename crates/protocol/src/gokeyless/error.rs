//! What goes wrong, in one byte for the other side and in words for people.

use std::error::Error;
use std::fmt;

/// The payload of an error reply. The protocol has no more than this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The private key cannot do this, or must not.
    Cryptography,
    /// There is no such key.
    KeyNotFound,
    /// The server's disk failed.
    Read,
    /// Another version of the protocol.
    Version,
    /// No opcode, or one that is not known.
    BadOpcode,
    /// The opcode of a reply in a request.
    UnexpectedOpcode,
    /// The message does not parse.
    Format,
    /// The server failed, or has too much to do, or no key was named.
    Internal,
    /// There is no such certificate.
    CertificateNotFound,
    /// What was asked with has expired.
    Expired,
    /// A number that this build does not know.
    Other(u8),
}

impl ErrorCode {
    /// The code with this number.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0x01 => Self::Cryptography,
            0x02 => Self::KeyNotFound,
            0x03 => Self::Read,
            0x04 => Self::Version,
            0x05 => Self::BadOpcode,
            0x06 => Self::UnexpectedOpcode,
            0x07 => Self::Format,
            0x08 => Self::Internal,
            0x09 => Self::CertificateNotFound,
            0x0a => Self::Expired,
            other => Self::Other(other),
        }
    }

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Cryptography => 0x01,
            Self::KeyNotFound => 0x02,
            Self::Read => 0x03,
            Self::Version => 0x04,
            Self::BadOpcode => 0x05,
            Self::UnexpectedOpcode => 0x06,
            Self::Format => 0x07,
            Self::Internal => 0x08,
            Self::CertificateNotFound => 0x09,
            Self::Expired => 0x0a,
            Self::Other(number) => number,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cryptography => "the key cannot or must not do this",
            Self::KeyNotFound => "key not found",
            Self::Read => "the server cannot read what it needs",
            Self::Version => "another version of the protocol",
            Self::BadOpcode => "the server does not know the opcode",
            Self::UnexpectedOpcode => "the opcode is not for requests",
            Self::Format => "the message does not parse",
            Self::Internal => "the server failed",
            Self::CertificateNotFound => "certificate not found",
            Self::Expired => "expired",
            Self::Other(number) => return write!(f, "error {number:#04x}, which is not known"),
        })
    }
}

impl Error for ErrorCode {}

/// Bytes that are no message. Where the next one begins is not to be trusted any more, so the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Another major version.
    Version {
        /// Which.
        major: u8,
    },
    /// An item's length goes beyond the message.
    Truncated {
        /// The item's tag.
        tag: u8,
        /// Where in the body the item begins.
        offset: usize,
    },
    /// An item is there twice.
    Twice {
        /// Its tag.
        tag: u8,
    },
    /// An item has a length that it cannot have.
    Length {
        /// Its tag.
        tag: u8,
        /// Its length in bytes.
        found: usize,
    },
}

impl Malformed {
    /// What the other side is told.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Version { .. } => ErrorCode::Version,
            Self::Truncated { .. } | Self::Twice { .. } | Self::Length { .. } => ErrorCode::Format,
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { major } => write!(f, "version {major} of the protocol, not 1"),
            Self::Truncated { tag, offset } => write!(
                f,
                "the item {tag:#04x} at byte {offset} is longer than the message"
            ),
            Self::Twice { tag } => write!(f, "the item {tag:#04x} is there twice"),
            Self::Length { tag, found } => {
                write!(f, "the item {tag:#04x} cannot have {found} bytes")
            }
        }
    }
}

impl Error for Malformed {}
