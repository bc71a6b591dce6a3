//! `certificate_authorities` (RFC 9846 §4.3.4).

use crate::codec::{DecodeError, Put, Reader};

const LIST: &str = "certificate_authorities";
const NAME: &str = "certificate_authorities.distinguished_name";

/// The most distinguished names in a list. Servers have been seen to send all the roots of their system, a few hundred.
pub const MAX_DISTINGUISHED_NAMES: usize = 2048;

/// `DistinguishedName authorities<3..2^16-1>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut list = reader.vector_u16(LIST, 3..=0xffff)?;
    names(&mut list)
}

pub(super) fn encode(names: &[Vec<u8>], out: &mut Vec<u8>) {
    encode_names(names, out);
}

/// TLS 1.2's `DistinguishedName certificate_authorities<0..2^16-1>` (RFC 5246 §7.4.4), which may be empty.
pub(crate) fn decode_names(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut list = reader.vector_u16(LIST, 0..=0xffff)?;
    names(&mut list)
}

pub(crate) fn encode_names(names: &[Vec<u8>], out: &mut Vec<u8>) {
    out.put_vector_u16(|out| {
        for name in names {
            out.put_opaque_u16(name);
        }
    });
}

fn names(list: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, DecodeError> {
    list.items(LIST, MAX_DISTINGUISHED_NAMES, |names| {
        names.opaque_u16(NAME, 1..=0xffff).map(<[u8]>::to_vec)
    })
}
