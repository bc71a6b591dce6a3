//! The record layer's header and limits (RFC 9846 §5; RFC 5246 §6.2).

use crate::codec::{Decode, DecodeError, Encode, Put, Reader};
use crate::values::{ContentType, ProtocolVersion};

/// Bytes of a record's header.
pub const HEADER_LEN: usize = 5;

/// The most bytes of plaintext in a record: 2^14 (RFC 9846 §5.1).
pub const MAX_PLAINTEXT_LEN: usize = 1 << 14;

/// The most bytes of `TLSInnerPlaintext`: 2^14 and the content type (RFC 9846 §5.4).
pub const MAX_INNER_PLAINTEXT_LEN: usize = MAX_PLAINTEXT_LEN + 1;

/// The most bytes of a protected TLS 1.3 record after its header: 2^14 + 256 (RFC 9846 §5.2).
pub const MAX_CIPHERTEXT_LEN_TLS13: usize = MAX_PLAINTEXT_LEN + 256;

/// The most bytes of a protected TLS 1.2 record after its header: 2^14 + 2048 (RFC 5246 §6.2.3).
pub const MAX_CIPHERTEXT_LEN_TLS12: usize = MAX_PLAINTEXT_LEN + 2048;

/// The only content that a change_cipher_spec record may have (RFC 5246 §7.1; RFC 9846 §5).
pub const CHANGE_CIPHER_SPEC: [u8; 1] = [1];

/// The five bytes in front of every record (RFC 9846 §5.1, RFC 5246 §6.2.1). No limit is checked here: which one holds
/// depends on the version and on whether the record is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the record carries, or claims to: protected TLS 1.3 records all say `application_data`.
    pub content_type: ContentType,
    /// 0x0303, or 0x0301 around a first ClientHello. RFC 9846 §5.1: "MUST be ignored for all purposes".
    pub legacy_version: ProtocolVersion,
    /// Bytes that follow the header.
    pub length: u16,
}

impl RecordHeader {
    /// The header that these five bytes are; every five bytes are one.
    pub const fn from_array(bytes: [u8; HEADER_LEN]) -> Self {
        let [content_type, major, minor, high, low] = bytes;
        Self {
            content_type: ContentType(content_type),
            legacy_version: ProtocolVersion(u16::from_be_bytes([major, minor])),
            length: u16::from_be_bytes([high, low]),
        }
    }

    /// The five bytes.
    pub const fn to_array(self) -> [u8; HEADER_LEN] {
        let [major, minor] = self.legacy_version.0.to_be_bytes();
        let [high, low] = self.length.to_be_bytes();
        [self.content_type.0, major, minor, high, low]
    }
}

impl Encode for RecordHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(&self.to_array());
    }
}

impl Decode<'_> for RecordHeader {
    const NAME: &'static str = "record header";

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array(Self::NAME).map(Self::from_array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_a_first_client_hello() {
        let header = RecordHeader::from_bytes(&[0x16, 3, 1, 0, 0xc4]).unwrap();
        assert_eq!(
            header,
            RecordHeader {
                content_type: ContentType::HANDSHAKE,
                legacy_version: ProtocolVersion::TLS10,
                length: 196,
            }
        );
        assert_eq!(header.to_bytes(), [0x16, 3, 1, 0, 0xc4]);
    }

    #[test]
    fn limits_are_the_rfcs() {
        assert_eq!(MAX_PLAINTEXT_LEN, 16384);
        assert_eq!(MAX_CIPHERTEXT_LEN_TLS13, 16640);
        assert_eq!(MAX_CIPHERTEXT_LEN_TLS12, 18432);
    }
}
