//! `cookie` (RFC 9846 §4.3.2).

use crate::codec::{DecodeError, Put, Reader};

/// `opaque cookie<1..2^16-1>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    reader.opaque_u16("cookie", 1..=0xffff).map(<[u8]>::to_vec)
}

pub(super) fn encode(cookie: &[u8], out: &mut Vec<u8>) {
    out.put_opaque_u16(cookie);
}
