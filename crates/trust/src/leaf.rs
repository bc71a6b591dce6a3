//! What the key of the peer's own certificate may do, and whether it is strong enough.

use crate::certificate::Certificate;
use crate::presented::KeyUse;
use crate::rejection::Rejection;

/// What the CA/Browser Forum's baseline requirements ask for (§6.1.5), and NIST SP 800-131A.
const RSA_BITS: usize = 2048;

/// RFC 5280 §4.2.1.3: a certificate with a key usage extension is good for those uses only; one
/// without is good for all.
pub(crate) fn check_key_usage(leaf: &Certificate<'_>, key_use: KeyUse) -> Result<(), Rejection> {
    let Some(usage) = leaf.key_usage() else {
        return Ok(());
    };
    let may = match key_use {
        KeyUse::Signs => usage.digital_signature(),
        KeyUse::Decrypts => usage.key_encipherment(),
    };
    if may {
        return Ok(());
    }
    Err(Rejection::KeyUsage {
        certificate: leaf.title(),
        key_use,
        present: leaf.key_usages(),
    })
}

/// Curves and other kinds of keys need no check: those that the engine does not know cannot have
/// signed the handshake.
pub(crate) fn check_strength(certificate: &Certificate<'_>) -> Result<(), Rejection> {
    let key = certificate.key();
    match key.rsa_bits {
        Some(bits) if bits < RSA_BITS => Err(Rejection::WeakKey {
            certificate: certificate.title(),
            key: key.text,
        }),
        _ => Ok(()),
    }
}
