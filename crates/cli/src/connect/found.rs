//! What was found out about a connection, as data.

use std::net::SocketAddr;
use std::time::Duration;

use keyward_observe::HandshakeRecord;
use keyward_tls::{ClientSession, EarlyDataStatus, Negotiated, PeerName, UnixTime};
use keyward_trust::ChainReport;
use keyward_wire::values::ProtocolVersion;
use serde::Serialize;

use super::answers::{CertificateRequest, Seen};
use super::timeline::{Timeline, micros};

/// What was found out about one connection.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    /// HOST:PORT, as asked for.
    pub(crate) target: String,
    pub(crate) address: SocketAddr,
    /// The name that was asked for; an address is not told to the server.
    pub(crate) name: String,
    /// How long TCP's handshake took.
    pub(crate) connect_us: u64,
    /// What was agreed; `None` if the handshake failed.
    pub(crate) agreed: Option<Agreed>,
    /// The server's certificates and whether they are trusted; `None` if they came with the session.
    pub(crate) certificates: Option<Certificates>,
    /// The server asked for a client certificate.
    pub(crate) certificate_request: Option<CertificateRequest>,
    /// Sessions that the server gave.
    pub(crate) sessions: Sessions,
    /// Why it failed.
    pub(crate) failure: Option<FailureText>,
    pub(crate) handshake: HandshakeRecord,
}

/// What the two sides agreed on.
#[derive(Debug, Serialize)]
pub(crate) struct Agreed {
    pub(crate) version: String,
    pub(crate) cipher_suite: String,
    pub(crate) group: Option<String>,
    pub(crate) signature_scheme: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) resumed: bool,
    pub(crate) early_data: Option<&'static str>,
    pub(crate) hello_retry_request: bool,
    pub(crate) extended_master_secret: bool,
    pub(crate) round_trips: usize,
    /// From the ClientHello to the client's Finished.
    pub(crate) handshake_us: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Certificates {
    pub(crate) trusted: bool,
    #[serde(flatten)]
    pub(crate) report: ChainReport,
    pub(crate) ocsp_stapled: bool,
    /// Signed certificate timestamps beside the certificate, not in it.
    pub(crate) timestamps: usize,
    pub(crate) delegated_credential: bool,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Sessions {
    pub(crate) count: usize,
    /// How long the newest may be resumed.
    pub(crate) lifetime_s: u64,
    /// How much early data the newest allows, in bytes.
    pub(crate) max_early_data: u32,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct FailureText {
    pub(crate) cause: String,
    pub(crate) remedy: Option<String>,
}

impl Found {
    /// Copies into the record of the handshake what others would look for there.
    pub(crate) fn complete_record(&mut self, name: &PeerName) {
        let record = &mut self.handshake;
        record.peer = Some(self.address.to_string());
        record.server_name = name.server_name().map(ToString::to_string);
        if let Some(agreed) = &self.agreed {
            record.version = Some(agreed.version.clone());
            record.cipher_suite = Some(agreed.cipher_suite.clone());
            record.group.clone_from(&agreed.group);
            record.resumed = agreed.resumed;
        }
        record.certificate = self
            .certificates
            .as_ref()
            .and_then(|certificates| certificates.report.links.first())
            .map(|leaf| leaf.key.clone());
    }
}

impl Agreed {
    pub(crate) fn new(negotiated: &Negotiated, timeline: &Timeline) -> Self {
        Self {
            version: version(negotiated.version),
            cipher_suite: negotiated.cipher_suite.to_string(),
            group: negotiated.group.map(|group| group.to_string()),
            signature_scheme: negotiated.signature_scheme.map(|scheme| scheme.to_string()),
            alpn: negotiated.alpn.as_deref().map(printable),
            resumed: negotiated.resumed,
            early_data: match negotiated.early_data {
                EarlyDataStatus::NotOffered => None,
                EarlyDataStatus::Accepted => Some("accepted"),
                EarlyDataStatus::Rejected => Some("rejected"),
            },
            hello_retry_request: negotiated.hello_retry_request,
            extended_master_secret: negotiated.extended_master_secret,
            round_trips: timeline.round_trips(),
            handshake_us: micros(timeline.elapsed()),
        }
    }
}

impl Certificates {
    pub(crate) fn of(seen: &Seen) -> Option<Self> {
        seen.presented.as_ref().map(|presented| Self {
            trusted: presented.report.is_trusted(),
            report: presented.report.clone(),
            ocsp_stapled: presented.ocsp_stapled,
            timestamps: presented.timestamps,
            delegated_credential: presented.delegated,
        })
    }
}

impl Sessions {
    pub(crate) fn add(&mut self, session: &ClientSession) {
        let left = session
            .expires()
            .since(UnixTime::now())
            .unwrap_or(Duration::ZERO);
        self.count += 1;
        // Rounded: it has just been given.
        self.lifetime_s = (left + Duration::from_millis(500)).as_secs();
        self.max_early_data = session.max_early_data();
    }
}

pub(crate) fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLS13 => "TLS 1.3".to_owned(),
        ProtocolVersion::TLS12 => "TLS 1.2".to_owned(),
        other => other.to_string(),
    }
}

/// What a server says, fit for a terminal.
fn printable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
