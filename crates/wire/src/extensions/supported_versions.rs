//! `supported_versions` (RFC 9846 §4.3.1).

use crate::codec::{Decode, DecodeError, Encode, Put, Reader};
use crate::values::ProtocolVersion;

/// `ProtocolVersion versions<2..254>`.
pub(super) mod offer {
    use super::*;

    pub(in super::super) fn decode(
        reader: &mut Reader<'_>,
    ) -> Result<Vec<ProtocolVersion>, DecodeError> {
        reader
            .vector_u8("supported_versions.versions", 2..=254)?
            .all()
    }

    pub(in super::super) fn encode(versions: &[ProtocolVersion], out: &mut Vec<u8>) {
        out.put_vector_u8(|out| {
            for version in versions {
                version.encode(out);
            }
        });
    }
}

/// `ProtocolVersion selected_version`.
pub(super) mod selected {
    use super::*;

    pub(in super::super) fn decode(
        reader: &mut Reader<'_>,
    ) -> Result<ProtocolVersion, DecodeError> {
        ProtocolVersion::decode(reader)
    }

    pub(in super::super) fn encode(version: &ProtocolVersion, out: &mut Vec<u8>) {
        version.encode(out);
    }
}
