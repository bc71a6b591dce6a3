//! `delegated_credential` in a CertificateEntry (RFC 9345 §4): the credential itself, not yet taken apart. What the peer
//! can verify is a list of signature schemes, as in `signature_algorithms`.

use crate::codec::{DecodeError, DecodeErrorKind, Put, Reader};

pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    if reader.is_empty() {
        return Err(reader.error("delegated_credential", DecodeErrorKind::Truncated));
    }
    Ok(reader.take_rest().to_vec())
}

pub(super) fn encode(credential: &[u8], out: &mut Vec<u8>) {
    out.put_bytes(credential);
}
