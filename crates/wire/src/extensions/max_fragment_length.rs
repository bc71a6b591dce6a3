//! `max_fragment_length` (RFC 6066 §4).

use crate::codec::{DecodeError, DecodeErrorKind, Put, Reader};

const WHAT: &str = "max_fragment_length";

/// The longest plaintext of a record that the client asks for (RFC 6066 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MaxFragmentLength {
    /// 2^9 bytes.
    Bytes512 = 1,
    /// 2^10 bytes.
    Bytes1024 = 2,
    /// 2^11 bytes.
    Bytes2048 = 3,
    /// 2^12 bytes.
    Bytes4096 = 4,
}

impl MaxFragmentLength {
    /// The length in bytes.
    pub const fn bytes(self) -> usize {
        256 << self as u8
    }
}

pub(super) fn decode(reader: &mut Reader<'_>) -> Result<MaxFragmentLength, DecodeError> {
    let error = reader.error(WHAT, DecodeErrorKind::IllegalValue);
    match reader.u8(WHAT)? {
        1 => Ok(MaxFragmentLength::Bytes512),
        2 => Ok(MaxFragmentLength::Bytes1024),
        3 => Ok(MaxFragmentLength::Bytes2048),
        4 => Ok(MaxFragmentLength::Bytes4096),
        // RFC 6066 §4: "If a server receives a maximum fragment length negotiation request for a value other than the
        // allowed values, it MUST abort the handshake with an "illegal_parameter" alert."
        _ => Err(error),
    }
}

pub(super) fn encode(length: &MaxFragmentLength, out: &mut Vec<u8>) {
    out.put_u8(*length as u8);
}
