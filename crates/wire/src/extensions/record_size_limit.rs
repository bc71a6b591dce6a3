//! `record_size_limit` (RFC 8449 §4).

use crate::codec::{DecodeError, DecodeErrorKind, Put, Reader};

const WHAT: &str = "record_size_limit";

/// `uint16 RecordSizeLimit`, at least 64. There is no ceiling: RFC 8449 §4: "A server MUST NOT enforce this restriction; a
/// client might advertise a higher limit that is enabled by an extension or version the server does not understand."
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let error = reader.error(WHAT, DecodeErrorKind::IllegalValue);
    let limit = reader.u16(WHAT)?;
    // RFC 8449 §4: "An endpoint MUST treat receipt of a smaller value as a fatal error and generate an
    // "illegal_parameter" alert."
    if limit < 64 {
        return Err(error);
    }
    Ok(limit)
}

pub(super) fn encode(limit: &u16, out: &mut Vec<u8>) {
    out.put_u16(*limit);
}
