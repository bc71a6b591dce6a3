//! `status_request` (RFC 6066 §8, RFC 9846 §4.5.1.1).

use crate::codec::{DecodeError, DecodeErrorKind, MAX_LIST_ITEMS, Put, Reader};

const STATUS_TYPE: &str = "status_request.status_type";

/// `CertificateStatusType ocsp(1)`.
const OCSP: u8 = 1;

/// `CertificateStatusRequest`: which responders and nonces a client would like is checked and not kept, since a stapled
/// response is fetched long before the client comes.
pub(super) mod request {
    use super::*;

    pub(in super::super) fn decode(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
        if reader.u8(STATUS_TYPE)? != OCSP {
            // What another type looks like is unknown; so is how to answer it.
            reader.take_rest();
            return Ok(false);
        }
        reader
            .vector_u16("status_request.responder_id_list", 0..=0xffff)?
            .items("status_request.responder_id_list", MAX_LIST_ITEMS, |ids| {
                ids.opaque_u16("status_request.responder_id", 1..=0xffff)
            })?;
        reader.opaque_u16("status_request.request_extensions", 0..=0xffff)?;
        Ok(true)
    }

    pub(in super::super) fn encode(_: &(), out: &mut Vec<u8>) {
        out.put_u8(OCSP);
        out.put_opaque_u16(&[]);
        out.put_opaque_u16(&[]);
    }
}

/// `CertificateStatus` in a CertificateEntry.
pub(super) mod response {
    use super::*;

    pub(in super::super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
        decode_status(reader)
    }

    pub(in super::super) fn encode(response: &[u8], out: &mut Vec<u8>) {
        encode_status(response, out);
    }
}

/// `CertificateStatus`: an `OCSPResponse<1..2^24-1>` (RFC 6066 §8).
pub(crate) fn decode_status(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let error = reader.error(STATUS_TYPE, DecodeErrorKind::IllegalValue);
    if reader.u8(STATUS_TYPE)? != OCSP {
        return Err(error);
    }
    reader
        .opaque_u24("OCSPResponse", 1..=0xff_ffff)
        .map(<[u8]>::to_vec)
}

pub(crate) fn encode_status(response: &[u8], out: &mut Vec<u8>) {
    out.put_u8(OCSP);
    out.put_opaque_u24(response);
}
