//! The server's leaf certificate holds the key.

use keyward_wire::codec::{DecodeError, DecodeErrorKind};

use crate::error::CheckError;
use crate::rules::KeyRules;

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
