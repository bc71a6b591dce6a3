//! `application_layer_protocol_negotiation` (RFC 7301 §3.1).

use crate::codec::{DecodeError, DecodeErrorKind, MAX_LIST_ITEMS, Put, Reader};

const LIST: &str = "alpn.protocol_name_list";
const NAME: &str = "alpn.protocol_name";

/// `ProtocolName protocol_name_list<2..2^16-1>`, each `<1..2^8-1>`.
pub(super) mod offer {
    use super::*;

    pub(in super::super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, DecodeError> {
        reader
            .vector_u16(LIST, 2..=0xffff)?
            .items(LIST, MAX_LIST_ITEMS, |names| {
                names.opaque_u8(NAME, 1..=0xff).map(<[u8]>::to_vec)
            })
    }

    pub(in super::super) fn encode(names: &[Vec<u8>], out: &mut Vec<u8>) {
        out.put_vector_u16(|out| {
            for name in names {
                out.put_opaque_u8(name);
            }
        });
    }
}

/// RFC 7301 §3.1: the server's list "MUST contain exactly one "ProtocolName"".
pub(super) mod selected {
    use super::*;

    pub(in super::super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
        let mut list = reader.vector_u16(LIST, 2..=0xffff)?;
        let name = list.opaque_u8(NAME, 1..=0xff)?;
        if !list.is_empty() {
            return Err(list.error(LIST, DecodeErrorKind::TooMany));
        }
        Ok(name.to_vec())
    }

    pub(in super::super) fn encode(name: &[u8], out: &mut Vec<u8>) {
        out.put_vector_u16(|out| out.put_opaque_u8(name));
    }
}
