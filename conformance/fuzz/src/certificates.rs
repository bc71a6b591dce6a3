//! Certificates as a peer sends them: what is read of one, and the message that holds them, compressed. And what an operator
//! puts beside ours.

use std::sync::LazyLock;

use keyward_compression::{ALGORITHMS, DecompressError, compress, decompress};
use keyward_crypto::certificate::CertificateInfo;
use keyward_tls::{Credential, OcspResponse, SignedCertificateTimestampList};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::handshake::CompressedCertificate;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::site::DELEGATES;

/// The most that is decompressed, as little as to be reached.
const LIMIT: usize = 4096;

/// The most that is compressed: to look for the smallest takes longer than all else here.
const COMPRESSED: usize = 512;

static OURS: LazyLock<CertificateDer<'static>> =
    LazyLock::new(|| CertificateDer::from_pem_slice(DELEGATES).expect("a certificate"));

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
            match decompress(&message, LIMIT) {
                Ok(out) => {
                    assert_eq!(u32::try_from(out.len()), Ok(claimed));
                    assert!(out.len() <= LIMIT);
                    // Nothing is decompressed where less is allowed than is claimed.
                    let too_little = out.len().checked_sub(1);
                    let refused = too_little.map(|limit| decompress(&message, limit));
                    assert!(refused.is_none_or(|it| it == Err(DecompressError::TooLong)));
                }
                Err(error) => {
                    let too_long = usize::try_from(claimed).is_ok_and(|length| length > LIMIT);
                    assert_eq!(error == DecompressError::TooLong, too_long);
                }
            }
        }
        // What we compress becomes smaller, and itself again.
        1 => {
            let bytes = &bytes[..bytes.len().min(COMPRESSED)];
            if let Some(message) = compress(algorithm, bytes) {
                assert!(message.compressed_certificate_message.len() < bytes.len());
                assert_eq!(decompress(&message, LIMIT).as_deref(), Ok(bytes));
            }
        }
        2 => {
            if let Some(info) = CertificateInfo::parse(bytes) {
                assert!(!info.may_delegate() || info.may_sign());
                assert!(!info.issuer().is_empty());
                let _ = (info.signature_schemes(), info.is_self_issued());
                let _ = (info.not_before(), info.not_after());
            }
        }
        _ => beside_ours(choice >> 2, bytes),
    }
}

/// What an operator puts beside a certificate is good, and then the same comes out, or is refused.
fn beside_ours(what: u8, bytes: &[u8]) {
    let ours = Credential::new(vec![OURS.clone()]).expect("a chain of one");
    match what % 3 {
        0 => {
            if let Ok(ours) = ours.with_ocsp(OcspResponse(bytes.to_vec())) {
                assert_eq!(ours.ocsp().map(|it| &it.0[..]), Some(bytes));
            }
        }
        1 => {
            if let Ok(ours) = ours.with_scts(SignedCertificateTimestampList(bytes.to_vec())) {
                assert_eq!(ours.scts().map(|it| &it.0[..]), Some(bytes));
            }
        }
        _ => {
            if let Ok(credential) = DelegatedCredential::from_bytes(bytes) {
                let _ = ours.with_delegated(&credential);
            }
        }
    }
}
