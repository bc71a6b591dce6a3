//! `early_data` in a NewSessionTicket (RFC 9846 §4.3.10). In ClientHello and EncryptedExtensions it is empty.

use crate::codec::{DecodeError, Put, Reader};

/// `uint32 max_early_data_size`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    reader.u32("early_data.max_early_data_size")
}

pub(super) fn encode(max_early_data_size: &u32, out: &mut Vec<u8>) {
    out.put_u32(*max_early_data_size);
}
