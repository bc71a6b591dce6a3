//! `renegotiation_info` (RFC 5746 §3.2).

use crate::codec::{DecodeError, Put, Reader};

/// `opaque renegotiated_connection<0..255>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    reader
        .opaque_u8("renegotiation_info.renegotiated_connection", 0..=0xff)
        .map(<[u8]>::to_vec)
}

pub(super) fn encode(renegotiated_connection: &[u8], out: &mut Vec<u8>) {
    out.put_opaque_u8(renegotiated_connection);
}
