//! How the engine's needs are answered.

use super::number;
use crate::flags::Flag::{self, Bare};
use crate::flags::value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    /// The certificate need gets an error.
    pub(crate) fail_certificate: bool,
    pub(crate) ocsp: Ocsp,
    /// No ticket is given out.
    pub(crate) skip_ticket: bool,
    /// How far the clock advances after the connection, in seconds.
    pub(crate) resumption_delay_s: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ocsp {
    #[default]
    Staple,
    Decline,
    Fail,
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    Some(match name {
        "-fail-cert-callback" | "-fail-early-callback" | "-fail-ddos-callback" => {
            Bare(|o| o.needs.fail_certificate = true)
        }
        // The engine always asks: for the certificate before it commits to anything, for a ticket
        // whoever seals it.
        "-use-early-callback"
        | "-install-ddos-callback"
        | "-use-ticket-callback"
        | "-use-ticket-aead-callback"
        | "-use-ocsp-callback"
        | "-set-ocsp-in-callback"
        | "-use-old-client-cert-callback" => Bare(|_| {}),
        // A session gets another ticket when it is resumed in TLS 1.3.
        "-renew-ticket" => Bare(|_| {}),
        // For split handshakes.
        "-allow-hint-mismatch" => Bare(|_| {}),

        "-decline-ocsp-callback" => Bare(|o| o.needs.ocsp = Ocsp::Decline),
        "-fail-ocsp-callback" => Bare(|o| o.needs.ocsp = Ocsp::Fail),
        "-skip-ticket" => Bare(|o| o.needs.skip_ticket = true),
        "-resumption-delay" => value!(o, v => o.needs.resumption_delay_s = number(v)?),
        _ => return None,
    })
}
