//! Versions of the protocol.

use super::{greased, registry};

registry! {
    /// `ProtocolVersion` (RFC 9846 §4.3.1 and §5.1, RFC 5246 §6.2.1).
    ProtocolVersion(u16) {
        SSL30 = 0x0300 => "SSL 3.0",
        TLS10 = 0x0301 => "TLS 1.0",
        TLS11 = 0x0302 => "TLS 1.1",
        TLS12 = 0x0303 => "TLS 1.2",
        TLS13 = 0x0304 => "TLS 1.3",
    }
}

greased!(ProtocolVersion);
