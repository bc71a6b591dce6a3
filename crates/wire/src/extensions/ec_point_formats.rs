//! `ec_point_formats` (RFC 8422 §5.1.2).

use crate::codec::{DecodeError, Encode, Put, Reader};
use crate::values::EcPointFormat;

/// `ECPointFormat ec_point_format_list<1..2^8-1>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<EcPointFormat>, DecodeError> {
    reader
        .vector_u8("ec_point_formats.ec_point_format_list", 1..=0xff)?
        .all()
}

pub(super) fn encode(formats: &[EcPointFormat], out: &mut Vec<u8>) {
    out.put_vector_u8(|out| {
        for format in formats {
            format.encode(out);
        }
    });
}
