//! `signed_certificate_timestamp` of the side that has the certificate (RFC 6962 §3.3.1). A request for it is empty.

use crate::codec::{DecodeError, Put, Reader};

/// `SerializedSCT sct_list<1..2^16-1>`, kept whole, with its length: what a certificate transparency library takes.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let mut list = reader.clone();
    list.vector_u16("signed_certificate_timestamp.sct_list", 1..=0xffff)?;
    list.expect_end("signed_certificate_timestamp")?;
    Ok(reader.take_rest().to_vec())
}

pub(super) fn encode(list: &[u8], out: &mut Vec<u8>) {
    out.put_bytes(list);
}
