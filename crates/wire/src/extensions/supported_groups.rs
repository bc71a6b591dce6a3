//! `supported_groups` (RFC 9846 §4.3.7, RFC 8422 §5.1.1).

use crate::codec::{DecodeError, Encode, Put, Reader};
use crate::values::NamedGroup;

/// `NamedGroup named_group_list<2..2^16-1>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<NamedGroup>, DecodeError> {
    reader
        .vector_u16("supported_groups.named_group_list", 2..=0xffff)?
        .all()
}

pub(super) fn encode(groups: &[NamedGroup], out: &mut Vec<u8>) {
    out.put_vector_u16(|out| {
        for group in groups {
            group.encode(out);
        }
    });
}
