//! CompressedCertificate (RFC 8879 §4).

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Put, Reader};
use crate::values::{CertificateCompressionAlgorithm, HandshakeType};

/// A TLS 1.3 Certificate message, compressed (RFC 8879 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompressedCertificate {
    /// How it is compressed.
    pub algorithm: CertificateCompressionAlgorithm,
    /// Bytes of the Certificate message without its header: less than 2^24. The peer's word; not to be allocated from.
    pub uncompressed_length: u32,
    /// The compressed message: 1 to 2^24-1 bytes.
    pub compressed_certificate_message: Vec<u8>,
}

impl Message for CompressedCertificate {
    const TYPE: HandshakeType = HandshakeType::COMPRESSED_CERTIFICATE;
}

impl Encode for CompressedCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.algorithm.encode(out);
        out.put_u24(self.uncompressed_length);
        out.put_opaque_u24(&self.compressed_certificate_message);
    }
}

impl<'a> Decode<'a> for CompressedCertificate {
    const NAME: &'static str = "CompressedCertificate";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            algorithm: CertificateCompressionAlgorithm(
                reader.u16("CompressedCertificate.algorithm")?,
            ),
            uncompressed_length: reader.u24("CompressedCertificate.uncompressed_length")?,
            compressed_certificate_message: reader
                .opaque_u24(
                    "CompressedCertificate.compressed_certificate_message",
                    1..=0xff_ffff,
                )?
                .to_vec(),
        })
    }
}
