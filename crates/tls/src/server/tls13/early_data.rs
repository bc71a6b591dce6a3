//! Early data (RFC 9846 §4.3.10), which is refused: a server that does not accept it has to get over
//! it, up to a bound.

use keyward_wire::handshake::ClientHello;

use crate::server::Context;

/// Refuses with a HelloRetryRequest: what is encrypted until the second ClientHello is skipped.
pub(super) fn refuse_by_retry(hello: &ClientHello, cx: &mut Context<'_>) {
    if hello.extensions.early_data {
        let bound = cx.config.limits.skipped_early_data;
        cx.common.reader().skip_application_data(bound);
    }
}

/// Refuses by leaving `early_data` out of EncryptedExtensions: what does not decrypt with the
/// handshake keys, now set, is skipped.
pub(super) fn refuse(hello: &ClientHello, cx: &mut Context<'_>) {
    if hello.extensions.early_data {
        let bound = cx.config.limits.skipped_early_data;
        cx.common.reader().skip_undecryptable(bound);
    }
}
