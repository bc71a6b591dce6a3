use std::fmt;
use std::sync::Arc;

use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};
use rustls_pki_types::CertificateDer;

use crate::credential::Credential;
use crate::needs::Stapled;

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
    /// Whether a renegotiation would be bound to this handshake (RFC 5746). True in TLS 1.3, which has none.
    pub secure_renegotiation: bool,
    /// What became of early data (RFC 9846 §2.3).
    pub early_data: EarlyDataStatus,
    /// Why no early data is taken; `None` where it is.
    pub no_early_data: Option<NoEarlyData>,
    /// On a server that resumes a session of TLS 1.3: by how many milliseconds the client holds its ticket to be older than we
    /// do, negative if younger. Beside the round trip it is the difference between the clocks' speeds, and what
    /// [`early_data_tolerance_s`](crate::ServerConfig::early_data_tolerance_s) has to allow for.
    pub ticket_age_skew_ms: Option<i64>,
    /// What came beside the peer's leaf, for the session.
    pub(crate) stapled: Option<Arc<Stapled>>,
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

/// Why no early data is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoEarlyData {
    /// It is off in our configuration.
    Off,
    /// The handshake is of TLS 1.2.
    OldVersion,
    /// The client offered no session.
    NoSession,
    /// The session that the client offered is not resumed.
    SessionNotResumed,
    /// The session does not allow it.
    NotWithSession,
    /// On a server: the configuration allows less now than the client was told with its session.
    LowerLimit,
    /// The client was asked for another ClientHello.
    HelloRetryRequest,
    /// On a server: it came with a session that was not the first on offer.
    NotFirstSession,
    /// The cipher suite is not the session's.
    OtherCipherSuite,
    /// On a server: by the age that the client gives its ticket, the ClientHello is not fresh (RFC 9846 §8.3).
    NotFresh,
    /// On a server: whoever answered the [`EarlyDataNeed`](crate::EarlyDataNeed) has seen it.
    Seen,
    /// On a server: the [`EarlyDataNeed`](crate::EarlyDataNeed) was answered with an error.
    Unanswered,
    /// Nothing spoke against it, and the client did not offer it, or the server did not take it.
    Declined,
}

impl NoEarlyData {
    /// A few words, for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "switched off",
            Self::OldVersion => "not TLS 1.3",
            Self::NoSession => "no session was offered",
            Self::SessionNotResumed => "the session is not resumed",
            Self::NotWithSession => "the session does not allow it",
            Self::LowerLimit => "less is allowed now than with the session",
            Self::HelloRetryRequest => "another ClientHello was asked for",
            Self::NotFirstSession => "the session was not the first on offer",
            Self::OtherCipherSuite => "the session has another cipher suite",
            Self::NotFresh => "the ClientHello is too old or from the future",
            Self::Seen => "it was seen before",
            Self::Unanswered => "whether it was seen before could not be found out",
            Self::Declined => "the peer did not want it",
        }
    }
}

impl fmt::Display for NoEarlyData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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
            peer_certificates: Arc::default(),
            hello_retry_request: false,
            extended_master_secret: version == ProtocolVersion::TLS13,
            secure_renegotiation: version == ProtocolVersion::TLS13,
            early_data: EarlyDataStatus::NotOffered,
            no_early_data: Some(NoEarlyData::OldVersion),
            ticket_age_skew_ms: None,
            stapled: None,
        }
    }
}
