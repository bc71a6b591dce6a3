use std::sync::Arc;

use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_wire::values::{CertificateCompressionAlgorithm, NamedGroup, SignatureScheme};

use crate::policy::Policy;

/// What all connections of a server share. What depends on the name that a client asks for comes
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
    /// Whether NewSessionTickets and CertificateRequests of TLS 1.3 carry values without meaning (RFC 8701 §4), by which
    /// clients show that they ignore what they do not know.
    pub grease: bool,
    /// Whether TLS 1.2 sessions go into tickets (RFC 5077) for clients that know them. Otherwise the caller
    /// keeps all of them by session ID, and a ticket from before is not looked at. TLS 1.3 has no session
    /// IDs: [`session_ticket_count_tls13`](Self::session_ticket_count_tls13) is for that.
    pub session_tickets_tls12: bool,
    /// How long a session may be resumed after its full handshake, in seconds; at most 604800 (RFC 9846
    /// §4.7.1). It holds for sessions from before it was shortened, too. 0: none is resumed, in either
    /// version, and none is made.
    pub session_lifetime_s: u32,
    /// The most early data that a client may send with a session (RFC 9846 §4.3.10), in bytes. With a
    /// session from before the limit was lowered none is taken: the client may send what it was told. 0,
    /// the default: none is taken.
    /// Early data can be replayed: read [`EarlyDataNeed`](crate::EarlyDataNeed).
    pub early_data: u32,
    /// In seconds: the arrival of a ClientHello must be off by less than this from when it should have
    /// arrived, by the age that the client gives its ticket, for its early data to be taken (RFC 9846
    /// §8.3); so must the time at which [`EarlyDataNeed`](crate::EarlyDataNeed) is answered. The register
    /// behind that need remembers for three times as long at most.
    pub early_data_tolerance_s: u32,
    /// How Certificate messages may be compressed (RFC 8879), the best first; empty, the default: not at
    /// all. Each form of a certificate is compressed once, which takes milliseconds, at its first use. The key
    /// server decompresses it in each handshake, to see whose certificate it is.
    pub certificate_compression: Vec<CertificateCompressionAlgorithm>,
    /// Whether the connection collects [`TraceEvent`](crate::TraceEvent)s.
    pub trace: bool,
    /// Whether the connection collects its secrets for programs that look into recorded traffic.
    /// Whoever has them can read the connection.
    pub key_log: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            random: Arc::new(SystemRandom),
            limits: Limits::default(),
            verify_signatures: VerifySignatures::default(),
            session_ticket_count_tls13: 2,
            grease: false,
            session_tickets_tls12: true,
            session_lifetime_s: 12 * 60 * 60,
            early_data: 0,
            early_data_tolerance_s: 10,
            certificate_compression: Vec::new(),
            trace: true,
            key_log: false,
        }
    }
}

/// What all connections of a client share, whatever server they go to.
///
/// ```
/// use keyward_tls::{ClientConfig, Policy};
/// let config = ClientConfig {
///     policy: Policy::modern().into(),
///     alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
///     ..ClientConfig::default()
/// };
/// ```
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where randomness comes from.
    pub random: Arc<dyn SecureRandom>,
    /// Bounds on what a peer can make the engine hold.
    pub limits: Limits,
    /// What is offered.
    pub policy: Arc<Policy>,
    /// Whether ClientHellos carry values without meaning (RFC 8701 §3) in each list and among the extensions, other ones
    /// in each connection, that servers do not come to choke on what is new.
    pub grease: bool,
    /// Whether this is another attempt after one with a higher version has failed, which servers want to be
    /// told by TLS_FALLBACK_SCSV (RFC 7507 §4): one that speaks the higher version refuses, since it was
    /// somebody in between who had the first attempt fail.
    pub fallback: bool,
    /// ALPN protocols in order of preference; empty: no ALPN is done. Names have 1 to 255 bytes.
    pub alpn: Vec<Vec<u8>>,
    /// Which signatures by our own key's holder are verified before a server sees them.
    pub verify_signatures: VerifySignatures,
    /// Signatures that are accepted from servers, in order of preference. What the engine cannot verify
    /// is passed over.
    pub signature_schemes: Vec<SignatureScheme>,
    /// Whether servers are asked to staple an OCSP response (RFC 6066 §8).
    pub request_ocsp: bool,
    /// Whether servers are asked for certificate transparency timestamps (RFC 6962 §3.3.1).
    pub request_scts: bool,
    /// How Certificate messages may be compressed (RFC 8879), the best first; empty: not at all.
    pub certificate_compression: Vec<CertificateCompressionAlgorithm>,
    /// Whether servers may sign with a delegated credential (RFC 9345).
    pub delegated_credentials: bool,
    /// Whether early data is offered with sessions that allow it (RFC 9846 §2.3).
    pub early_data: bool,
    /// Whether sessions are resumed and received.
    pub resumption: bool,
    /// What a session is bound to besides the server's name: a session made with another context is not
    /// offered. At most 255 bytes. Who we are in a resumed session was settled when it was made: who uses one
    /// store with different client certificates must set this, for example to a digest of them. Whom it trusts is
    /// [asked again](crate::PeerCertificateNeed::is_resumed); with a digest of the trust as well, one that does not
    /// hold here is not asked about.
    pub session_context: Vec<u8>,
    /// Distinguished names (DER) of authorities that servers are told are trusted (RFC 9846 §4.3.4);
    /// empty: they are not told.
    pub certificate_authorities: Vec<Vec<u8>>,
    /// The groups that get a key share in the first ClientHello. A server that wants another costs a round trip.
    pub key_shares: KeyShares,
    /// The longest record that servers may send, in bytes of plaintext (RFC 8449); at least 64.
    pub record_size_limit: Option<u16>,
    /// Whether the connection collects [`TraceEvent`](crate::TraceEvent)s.
    pub trace: bool,
    /// Whether the connection collects its secrets for programs that look into recorded traffic.
    /// Whoever has them can read the connection.
    pub key_log: bool,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            random: Arc::new(SystemRandom),
            limits: Limits::default(),
            policy: Arc::new(Policy::default()),
            grease: true,
            fallback: false,
            alpn: Vec::new(),
            verify_signatures: VerifySignatures::default(),
            signature_schemes: DEFAULT_SIGNATURE_SCHEMES.to_vec(),
            request_ocsp: true,
            request_scts: false,
            certificate_compression: Vec::new(),
            delegated_credentials: false,
            early_data: false,
            resumption: true,
            session_context: Vec::new(),
            certificate_authorities: Vec::new(),
            key_shares: KeyShares::default(),
            record_size_limit: None,
            trace: true,
            key_log: false,
        }
    }
}

/// Which of the groups that a client offers get a key share in its first ClientHello (RFC 9846 §4.3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyShares {
    /// As many of the policy's first.
    First(usize),
    /// These, in the policy's order; what the policy does not have is passed over.
    Of(Vec<NamedGroup>),
}

impl Default for KeyShares {
    fn default() -> Self {
        Self::First(2)
    }
}

/// All but SHA-1. The PKCS#1 v1.5 schemes are for certificates and TLS 1.2, those of ML-DSA for TLS 1.3 alone.
///
/// The rare ones last: a peer that goes by our order and has two certificates takes the one that is small and that
/// its key server makes most of. For two bytes each, a peer that has no other can be spoken to.
pub(crate) const DEFAULT_SIGNATURE_SCHEMES: [SignatureScheme; 16] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::ECDSA_SECP521R1_SHA512,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::RSA_PSS_PSS_SHA256,
    SignatureScheme::RSA_PSS_PSS_SHA384,
    SignatureScheme::RSA_PSS_PSS_SHA512,
    SignatureScheme::MLDSA44,
    SignatureScheme::MLDSA65,
    SignatureScheme::MLDSA87,
];

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
    /// Encrypted bytes that wait to be written; [`send`](crate::Connection::send) takes no more
    /// once they are reached.
    pub output: usize,
    /// Refused early data that is skipped, counted as received with its record headers, before the connection
    /// fails. A server that gives out sessions with early data skips as much as they allow on top of it, also
    /// where that has been lowered since.
    pub skipped_early_data: usize,
    /// Records protected with one key before it is updated (TLS 1.3), if that is less than what the
    /// AEAD allows (RFC 9846 §5.5). For tests and the cautious.
    pub records_per_key: Option<u64>,
    /// The longest records that are sent, in bytes of plaintext, if that is less than 16 KiB and what the peer asks for (RFC
    /// 8449); at least 64. Short records come to the peer's application sooner, and cost more.
    pub sent_record: Option<u16>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_message: 64 * 1024,
            received: 36 * 1024,
            output: 64 * 1024,
            skipped_early_data: 32 * 1024,
            records_per_key: None,
            sent_record: None,
        }
    }
}

/// Which signatures are verified with the leaf's public key before they are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifySignatures {
    /// Every one, those of a key in this process as well.
    Always,
    /// RSA always, for it is cheap. For ECDSA and EdDSA, where verifying costs more than signing,
    /// the first with each loaded certificate, the first after
    /// [`verify_next_signature`](crate::Credential::verify_next_signature) and one in 64
    /// afterwards; a bad one makes the next be verified again. None of a key in this process, whose
    /// [`Performed`](keyward_keyop::Performed) proves what a verification would show.
    #[default]
    Sampled,
}
