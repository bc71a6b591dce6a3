//! `signature_algorithms` and `signature_algorithms_cert` (RFC 9846 §4.3.3, RFC 5246 §7.4.1.4.1), and a peer's
//! `delegated_credential` (RFC 9345 §4.1), which has the same form.

use crate::codec::{DecodeError, Encode, Put, Reader};
use crate::values::SignatureScheme;

/// `SignatureScheme supported_signature_algorithms<2..2^16-2>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<SignatureScheme>, DecodeError> {
    reader
        .vector_u16("supported_signature_algorithms", 2..=0xfffe)?
        .all()
}

pub(super) fn encode(schemes: &[SignatureScheme], out: &mut Vec<u8>) {
    out.put_vector_u16(|out| {
        for scheme in schemes {
            scheme.encode(out);
        }
    });
}
