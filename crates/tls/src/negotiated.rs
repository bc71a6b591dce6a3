use std::sync::Arc;

use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};
use rustls_pki_types::CertificateDer;

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
    /// The scheme of the client's signature; `None` where the client has not signed.
    pub client_signature_scheme: Option<SignatureScheme>,
    /// Whether a session was resumed, without a private-key step.
    pub resumed: bool,
    /// The name that the client asked for, in lower case.
    pub server_name: Option<String>,
    /// The ALPN protocol.
    pub alpn: Option<Vec<u8>>,
    /// The certificate that we presented; `None` when resumed, and for a client that presented none.
    pub certificate: Option<Arc<Credential>>,
    /// The certificates that the peer presented, the leaf first; when resumed, in the handshake that
    /// began the session. A renegotiation in TLS 1.2 may change them: read them again at every
    /// [`Step::HandshakeComplete`](crate::Step::HandshakeComplete).
    pub peer_certificates: Arc<[CertificateDer<'static>]>,
    /// Whether the client was asked for another ClientHello (TLS 1.3 HelloRetryRequest).
    pub hello_retry_request: bool,
    /// Whether the session has the extended master secret (RFC 7627); in TLS 1.3 by design.
    pub extended_master_secret: bool,
    /// What became of early data (RFC 9846 §2.3).
    pub early_data: EarlyDataStatus,
}

/// What became of early data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EarlyDataStatus {
    /// The client offered none, or the server has not yet said.
    #[default]
    NotOffered,
    /// The server takes it.
    Accepted,
    /// The server does not take it: what was sent early has to be sent again.
    Rejected,
}

impl Negotiated {
    /// What every handshake agrees on; the rest is as if nothing else had been negotiated.
    pub(crate) fn new(version: ProtocolVersion, cipher_suite: CipherSuite) -> Self {
        Self {
            version,
            cipher_suite,
            group: None,
            signature_scheme: None,
            client_signature_scheme: None,
            resumed: false,
            server_name: None,
            alpn: None,
            certificate: None,
            peer_certificates: Arc::new([]),
            hello_retry_request: false,
            extended_master_secret: version == ProtocolVersion::TLS13,
            early_data: EarlyDataStatus::NotOffered,
        }
    }
}
