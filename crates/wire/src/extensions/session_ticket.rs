//! `session_ticket` in a TLS 1.2 ClientHello (RFC 5077 §3.2). A server's own is empty.

use crate::codec::{DecodeError, Put, Reader};

/// The ticket is the extension's data, without a length of its own (RFC 5077 §3.2 and appendix A).
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    Ok(reader.take_rest().to_vec())
}

pub(super) fn encode(ticket: &[u8], out: &mut Vec<u8>) {
    out.put_bytes(ticket);
}
