//! The Certificate of the side that signs, compressed or not: its leaf holds the key.

use keyward_compression::decompress;
use keyward_wire::codec::{Decode, DecodeError, DecodeErrorKind};
use keyward_wire::handshake::{CertificateTls13, CompressedCertificate};
use keyward_wire::values::CertificateCompressionAlgorithm;

use super::messages::Messages;
use crate::error::CheckError;
use crate::operation::MAX_MESSAGES_LEN;
use crate::rules::KeyRules;

/// The next message, Certificate or a CompressedCertificate of an algorithm that the peer offers.
///
/// What is signed is the compressed message, as it will be seen by the peer. Both decompress it to
/// the same certificates, or the peer ends the handshake.
pub(crate) fn take_certificate(
    messages: &mut Messages<'_>,
    offered: Option<&[CertificateCompressionAlgorithm]>,
    what: &'static str,
) -> Result<CertificateTls13, CheckError> {
    let Some(compressed) = messages.take_if::<CompressedCertificate>()? else {
        return messages.take(what);
    };
    // RFC 8879 §4: "The algorithm MUST be one of the algorithms listed in the peer's
    // compress_certificate extension."
    if !offered.unwrap_or_default().contains(&compressed.algorithm) {
        return Err(CheckError::CompressionNotOffered(compressed.algorithm));
    }
    let certificate =
        decompress(&compressed, MAX_MESSAGES_LEN).map_err(CheckError::CompressedCertificate)?;
    Ok(CertificateTls13::from_bytes(&certificate)?)
}

/// The leaf of a Certificate of TLS 1.3 is this key's.
pub(crate) fn check_leaf_tls13(
    certificate: &CertificateTls13,
    rules: &KeyRules<'_>,
) -> Result<(), CheckError> {
    let leaf = certificate.certificate_list.first();
    check_leaf(leaf.map(|entry| entry.cert_data.as_slice()), rules)
}

/// RFC 9846 §4.5.1: "The sender's certificate MUST come in the first CertificateEntry in the list."
pub(crate) fn check_leaf(leaf: Option<&[u8]>, rules: &KeyRules<'_>) -> Result<(), CheckError> {
    let leaf = leaf.ok_or(CheckError::NoCertificate)?;
    let ours = rules
        .public_key
        .is_of_certificate_der(leaf)
        .map_err(|_| DecodeError {
            what: "leaf certificate",
            kind: DecodeErrorKind::IllegalValue,
            offset: 0,
        })?;
    if ours {
        Ok(())
    } else {
        Err(CheckError::CertificateOfAnotherKey)
    }
}
