//! `compress_certificate` (RFC 8879 §3).

use crate::codec::{DecodeError, Encode, Put, Reader};
use crate::values::CertificateCompressionAlgorithm;

/// `CertificateCompressionAlgorithm algorithms<2..2^8-2>`.
pub(super) fn decode(
    reader: &mut Reader<'_>,
) -> Result<Vec<CertificateCompressionAlgorithm>, DecodeError> {
    reader
        .vector_u8("compress_certificate.algorithms", 2..=0xfe)?
        .all()
}

pub(super) fn encode(algorithms: &[CertificateCompressionAlgorithm], out: &mut Vec<u8>) {
    out.put_vector_u8(|out| {
        for algorithm in algorithms {
            algorithm.encode(out);
        }
    });
}
