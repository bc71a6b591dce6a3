use std::sync::Arc;

use keyward_crypto::random::{SecureRandom, SystemRandom};

/// What all connections of a listener share. What depends on the name that a client asks for comes
/// with [`CertificateAnswer`](crate::CertificateAnswer).
///
/// ```
/// use keyward_tls::{ServerConfig, VerifySignatures};
/// let config = ServerConfig {
///     verify_signatures: VerifySignatures::Always,
///     ..ServerConfig::default()
/// };
/// ```
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where randomness comes from.
    pub random: Arc<dyn SecureRandom>,
    /// Bounds on what a peer can make the engine hold.
    pub limits: Limits,
    /// Which signatures from the key server are verified before a client sees them.
    pub verify_signatures: VerifySignatures,
    /// Session tickets after a full TLS 1.3 handshake; a resumed one gets at most one. 0 turns
    /// resumption in TLS 1.3 off.
    pub session_ticket_count_tls13: u8,
    /// How long a session may be resumed, in seconds; at most 604800 (RFC 9846 §4.7.1).
    pub session_lifetime_s: u32,
    /// Whether the connection collects [`TraceEvent`](crate::TraceEvent)s.
    pub trace: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            random: Arc::new(SystemRandom),
            limits: Limits::default(),
            verify_signatures: VerifySignatures::default(),
            session_ticket_count_tls13: 2,
            session_lifetime_s: 12 * 60 * 60,
            trace: true,
        }
    }
}

/// Bounds on what a peer can make one connection hold. All sizes in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest handshake message, without its 4-byte header, and the most that the two
    /// ClientHellos around a HelloRetryRequest may have together. A message that announces more is
    /// refused before it is buffered.
    pub handshake_message: usize,
    /// Received bytes that wait to be processed. At least one record of the largest size fits,
    /// whatever is set here.
    pub received: usize,
    /// Encrypted bytes that wait to be written; [`send`](crate::ServerConnection::send) takes no more
    /// once they are reached.
    pub output: usize,
    /// Refused early data that is skipped, counted as received with its record headers, before the connection fails.
    pub skipped_early_data: usize,
    /// Records protected with one key before it is updated (TLS 1.3), if that is less than what the
    /// AEAD allows (RFC 9846 §5.5). For tests and the cautious.
    pub records_per_key: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_message: 64 * 1024,
            received: 36 * 1024,
            output: 64 * 1024,
            skipped_early_data: 32 * 1024,
            records_per_key: None,
        }
    }
}

/// Which signatures are verified with the leaf's public key before they are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifySignatures {
    /// Every one.
    Always,
    /// RSA always, for it is cheap. For ECDSA and EdDSA, where verifying costs more than signing,
    /// the first with each loaded certificate, the first after
    /// [`verify_next_signature`](crate::Credential::verify_next_signature) and one in 64
    /// afterwards; a bad one makes the next be verified again.
    #[default]
    Sampled,
}
