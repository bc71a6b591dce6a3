//! EncryptedExtensions: what the server says that needs no plaintext (RFC 9846 §4.4.1).

use keyward_wire::handshake::{ClientHello, EncryptedExtensions};
use keyward_wire::record::MAX_PLAINTEXT_LEN;

use super::server_hello::Flight;
use crate::server::Context;

/// What has been chosen, and is said here.
pub(super) struct EncryptedChoices {
    pub(super) alpn: Option<Vec<u8>>,
    pub(super) resumed: bool,
    pub(super) early_data: bool,
}

pub(super) fn send(
    hello: &ClientHello,
    choices: EncryptedChoices,
    flight: &mut Flight,
    cx: &mut Context<'_>,
) {
    let record_size_limit = hello.extensions.record_size_limit.map(|limit| {
        // RFC 8449 §4: in TLS 1.3 the limit "includes the content type and padding added in TLS 1.3
        // (that is, the complete length of TLSInnerPlaintext)".
        let plaintext = usize::from(limit).saturating_sub(1);
        cx.common.writer().limit_fragment(plaintext);
        OUR_RECORD_SIZE_LIMIT
    });
    let message = cx.common.send_message(&EncryptedExtensions {
        // RFC 6066 §3: a server that used the name "SHALL include an extension of type "server_name"
        // in the (extended) server hello", with empty data, and "When resuming a session, the server
        // MUST NOT include a server_name extension". RFC 9846 §4.3 has it here.
        server_name: hello.extensions.server_name.is_some() && !choices.resumed,
        alpn: choices.alpn,
        early_data: choices.early_data,
        record_size_limit,
        ..EncryptedExtensions::default()
    });
    flight.transcript.add(message);
}

/// RFC 8449 §4: "TLS 1.3 uses a limit of 2^14+1 octets."
#[expect(clippy::cast_possible_truncation, reason = "2^14 + 1 fits")]
const OUR_RECORD_SIZE_LIMIT: u16 = MAX_PLAINTEXT_LEN as u16 + 1;
