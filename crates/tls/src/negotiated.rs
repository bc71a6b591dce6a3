use std::sync::Arc;

use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use crate::credential::Credential;

/// What the two sides agreed on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Negotiated {
    /// The protocol version.
    pub version: ProtocolVersion,
    /// The cipher suite.
    pub cipher_suite: CipherSuite,
    /// The key-exchange group; `None` for RSA key transport and for resumed TLS 1.2 handshakes.
    pub group: Option<NamedGroup>,
    /// The scheme of the server's signature; `None` where nothing was signed.
    pub signature_scheme: Option<SignatureScheme>,
    /// Whether a session was resumed, without a private-key step.
    pub resumed: bool,
    /// The name that the client asked for, in lower case.
    pub server_name: Option<String>,
    /// The ALPN protocol.
    pub alpn: Option<Vec<u8>>,
    /// The certificate that was presented; `None` when resumed.
    pub certificate: Option<Arc<Credential>>,
    /// Whether the client was asked for another ClientHello (TLS 1.3 HelloRetryRequest).
    pub hello_retry_request: bool,
    /// Whether the session has the extended master secret (RFC 7627); in TLS 1.3 by design.
    pub extended_master_secret: bool,
}
