//! What the connection has to turn out like.

use super::{base64, number};
use crate::flags::Flag::{self, Bare, Value};
use crate::flags::value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Expect {
    pub(crate) version: Option<u16>,
    pub(crate) cipher_suite: Option<u16>,
    pub(crate) group: Option<u16>,
    pub(crate) hello_retry_request: Option<bool>,
    pub(crate) server_name: Option<String>,
    pub(crate) no_server_name: bool,
    /// As on the wire: each protocol after its length.
    pub(crate) advertised_alpn: Option<Vec<u8>>,
    /// On a client; empty for none.
    pub(crate) alpn: Vec<u8>,
    pub(crate) ocsp_response: Option<Vec<u8>>,
    pub(crate) scts: Option<Vec<u8>>,
    pub(crate) extended_master_secret: bool,
    pub(crate) secure_renegotiation: Option<bool>,
    /// A full handshake though the client wants to resume.
    pub(crate) session_miss: bool,
    /// A client gets no session.
    pub(crate) no_session: bool,
    /// A client gets another session when it resumes one in TLS 1.2.
    pub(crate) ticket_renewal: bool,
    /// Handshakes after the first.
    pub(crate) renegotiations: u32,
    /// What goes over the wire, line by line, in BoringSSL's words.
    pub(crate) messages: Option<String>,
    /// Whether the session is stored by its id.
    pub(crate) session_id: Option<bool>,
    /// By its number; -1 is the default one.
    pub(crate) credential: Option<i32>,
    /// On a server that resumes a session: how much older the client holds its ticket to be, in seconds.
    pub(crate) ticket_age_skew_s: Option<i64>,
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    Some(match name {
        "-expect-version" => value!(o, v => o.expect.version = Some(number(v)?)),
        // AWS-LC uses AES instructions wherever the tests run.
        "-expect-cipher" | "-expect-cipher-aes" => {
            value!(o, v => o.expect.cipher_suite = Some(number(v)?))
        }
        "-expect-cipher-no-aes" => Value(|_, _| Ok(())),
        "-expect-curve-id" => value!(o, v => o.expect.group = Some(number(v)?)),
        "-expect-hrr" => Bare(|o| o.expect.hello_retry_request = Some(true)),
        "-expect-no-hrr" => Bare(|o| o.expect.hello_retry_request = Some(false)),
        "-expect-server-name" => value!(o, v => o.expect.server_name = Some(v.to_owned())),
        "-expect-no-server-name" => Bare(|o| o.expect.no_server_name = true),
        "-expect-advertised-alpn" => {
            value!(o, v => o.expect.advertised_alpn = Some(v.as_bytes().to_vec()))
        }
        "-expect-alpn" => value!(o, v => o.expect.alpn = v.as_bytes().to_vec()),
        "-expect-ocsp-response" => value!(o, v => o.expect.ocsp_response = Some(base64(v)?)),
        "-expect-signed-cert-timestamps" => value!(o, v => o.expect.scts = Some(base64(v)?)),
        "-expect-extended-master-secret" => Bare(|o| o.expect.extended_master_secret = true),
        "-expect-secure-renegotiation" => Bare(|o| o.expect.secure_renegotiation = Some(true)),
        "-expect-no-secure-renegotiation" => Bare(|o| o.expect.secure_renegotiation = Some(false)),
        "-expect-session-miss" => Bare(|o| o.expect.session_miss = true),
        "-expect-session-id" => Bare(|o| o.expect.session_id = Some(true)),
        "-expect-no-session-id" => Bare(|o| o.expect.session_id = Some(false)),
        "-expect-selected-credential" => {
            value!(o, v => o.expect.credential = Some(v.parse().unwrap_or(i32::MIN)))
        }
        "-expect-ticket-age-skew" => {
            value!(o, v => o.expect.ticket_age_skew_s = v.parse().ok())
        }
        "-expect-no-session" => Bare(|o| o.expect.no_session = true),
        "-expect-ticket-renewal" => Bare(|o| o.expect.ticket_renewal = true),
        "-expect-total-renegotiations" => value!(o, v => o.expect.renegotiations = number(v)?),
        "-expect-msg-callback" => value!(o, v => o.expect.messages = Some(v.to_owned())),
        _ => return None,
    })
}
