//! `oid_filters` (RFC 9846 §4.3.5).

use crate::codec::{DecodeError, MAX_LIST_ITEMS, Put, Reader};

const WHAT: &str = "oid_filters.filters";

/// A certificate extension that a client's certificate must have (RFC 9846 §4.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidFilter {
    /// The extension's OID, DER: 1 to 255 bytes.
    pub certificate_extension_oid: Vec<u8>,
    /// The values asked for, DER; empty when any will do.
    pub certificate_extension_values: Vec<u8>,
}

/// `OIDFilter filters<0..2^16-1>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<OidFilter>, DecodeError> {
    reader
        .vector_u16(WHAT, 0..=0xffff)?
        .items(WHAT, MAX_LIST_ITEMS, |filters| {
            Ok(OidFilter {
                certificate_extension_oid: filters
                    .opaque_u8("oid_filters.certificate_extension_oid", 1..=0xff)?
                    .to_vec(),
                certificate_extension_values: filters
                    .opaque_u16("oid_filters.certificate_extension_values", 0..=0xffff)?
                    .to_vec(),
            })
        })
}

pub(super) fn encode(filters: &[OidFilter], out: &mut Vec<u8>) {
    out.put_vector_u16(|out| {
        for filter in filters {
            out.put_opaque_u8(&filter.certificate_extension_oid);
            out.put_opaque_u16(&filter.certificate_extension_values);
        }
    });
}
