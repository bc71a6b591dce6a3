//! Certificates as a peer sends them: what is read of one, and the message that holds them, compressed.

use keyward_compression::{ALGORITHMS, compress, decompress};
use keyward_crypto::certificate::CertificateInfo;
use keyward_wire::handshake::CompressedCertificate;

/// The most that is decompressed, as little as to be reached.
const LIMIT: usize = 4096;

/// One input: what to do with it, then the bytes.
pub fn run(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let algorithm = ALGORITHMS[usize::from(choice >> 2) % ALGORITHMS.len()];
    match choice & 3 {
        // A length that the peer claims, then what it sends.
        0 => {
            let Some((length, bytes)) = bytes.split_first_chunk() else {
                return;
            };
            let claimed = u32::from(u16::from_be_bytes(*length));
            let message = CompressedCertificate {
                algorithm,
                uncompressed_length: claimed,
                compressed_certificate_message: bytes.to_vec(),
            };
            if let Ok(out) = decompress(&message, LIMIT) {
                assert_eq!(u32::try_from(out.len()), Ok(claimed));
                assert!(out.len() <= LIMIT);
            }
        }
        // What we compress becomes smaller, and itself again.
        1 => {
            let bytes = &bytes[..bytes.len().min(LIMIT)];
            if let Some(message) = compress(algorithm, bytes) {
                assert!(message.compressed_certificate_message.len() < bytes.len());
                assert_eq!(decompress(&message, LIMIT).as_deref(), Ok(bytes));
            }
        }
        _ => {
            if let Some(info) = CertificateInfo::parse(bytes) {
                assert!(!info.may_delegate() || info.may_sign());
                assert!(!info.issuer().is_empty());
                let _ = (info.signature_schemes(), info.is_self_issued());
                let _ = (info.not_before(), info.not_after());
            }
        }
    }
}
