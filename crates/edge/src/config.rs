//! The edge's configuration: a TOML file, checked before anything starts.
//!
//! `examples/edge.toml` shows every setting. File names are relative to the folder of the
//! configuration file.

mod certificate;
mod client_auth;
mod delegated_credential;
mod early_data;
mod gokeyless;
mod key_server;
mod raw;
mod read;
mod site;
mod upstream;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_config::{AdminConfig, LogConfig, NamePattern, Source};
use keyward_keyclient::KeyClientConfig;
use keyward_tls::{Credential, Policy, VerifySignatures};
use rustls_pki_types::CertificateDer;

use crate::own_chain::OwnChain;

pub use client_auth::{ClientAuthConfig, ClientAuthMode};
pub use early_data::EarlyDataConfig;
pub use gokeyless::LastResortConfig;
pub use keyward_config::{ConfigError, Position, Problem};
pub use upstream::{HostPort, InvalidUpstream, UpstreamAddress};

/// What an edge is to do.
#[derive(Debug)]
pub struct Config {
    /// The addresses to accept connections on; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The key servers and how to reach them.
    pub key_server: KeyClientConfig,
    /// The gokeyless server that is asked when no key server answers or has the key; `None`: none is.
    pub gokeyless: Option<LastResortConfig>,
    /// The sites, at least one.
    pub sites: Vec<SiteConfig>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How much there may be of things.
    pub limits: Limits,
    /// Where to append one JSON line a handshake.
    pub handshake_records: Option<PathBuf>,
    /// Where metrics, readiness and a status page are to be had, if anywhere.
    pub admin: Option<AdminConfig>,
    /// What is said of logs, which whoever starts the edge looks at.
    pub log: LogConfig,
    /// Which of the key server's signatures are checked before a client sees them.
    pub verify_signatures: VerifySignatures,
    /// Whether sessions of TLS 1.2 may be sealed into tickets, which hold the master secret: who steals the
    /// ticket key opens what was recorded of them. Without, they are kept by their IDs, in memory.
    pub tls12_session_tickets: bool,
    /// Whether clients that take compressed certificates (RFC 8879) get them.
    pub certificate_compression: bool,
}

impl Config {
    /// Reads and checks a configuration file and the files it names.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its place in the file and a remedy.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        Self::parse(&keyward_config::read(file)?, file)
    }

    /// As [`Config::load`] does, for a text that is already there. `file` names it in errors, and
    /// paths in the text are relative to its folder.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        read::config(&Source::new(file, text, "examples/edge.toml"))
    }
}

/// A site: names that lead to one service.
#[derive(Debug, Clone)]
pub struct SiteConfig {
    /// The names. A default site may have none.
    pub names: Vec<NamePattern>,
    /// The certificate chains; none means those of the key server's catalog.
    pub certificates: Vec<CertificateFile>,
    /// The service behind.
    pub upstream: UpstreamAddress,
    /// The CAs that an `https://` service's certificate is checked with; `None` means the system's.
    pub upstream_ca: Option<Vec<CertificateDer<'static>>>,
    /// Versions, cipher suites and groups.
    pub policy: Arc<Policy>,
    /// The application protocols in the order of preference.
    pub alpn: Vec<Vec<u8>>,
    /// Whether clients with no or an unknown server name get this site.
    pub default: bool,
    /// Whether clients are asked for a certificate; `None`: they are not.
    pub client_auth: Option<ClientAuthConfig>,
    /// How long the edge's delegated credentials (RFC 9345) are good for; `None`: it has none.
    pub delegated_credential: Option<Duration>,
    /// Which early data (0-RTT) is taken; `None`: none is.
    pub early_data: Option<EarlyDataConfig>,
}

/// A chain that was read from a file.
#[derive(Debug, Clone)]
pub struct CertificateFile {
    /// The file.
    pub file: PathBuf,
    /// What it holds.
    pub certificate: Arc<Credential>,
    /// The file with the OCSP response for it.
    pub ocsp: Option<PathBuf>,
    /// The file with its certificate transparency timestamps.
    pub scts: Option<PathBuf>,
    pub(crate) own: OwnChain,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the accepted connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// One operation of the key server.
    pub key_operation: Duration,
    /// From a request's first byte to the end of its header (HTTP/1.1).
    pub header: Duration,
    /// A connection without a request.
    pub idle: Duration,
    /// A client that neither sends nor takes any byte of a body.
    pub body: Duration,
    /// The connection to the service, with TLS where the service has it.
    pub connect: Duration,
    /// The service: to its response's header, and between two pieces of a body.
    pub upstream: Duration,
    /// TCP mode and upgraded connections (WebSocket) without any byte.
    pub tunnel: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            key_operation: Duration::from_secs(3),
            header: Duration::from_secs(15),
            idle: Duration::from_secs(60),
            body: Duration::from_secs(30),
            connect: Duration::from_secs(5),
            upstream: Duration::from_secs(60),
            tunnel: Duration::from_secs(3600),
        }
    }
}

/// How much there may be of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections from clients at a time; more wait in the kernel's backlog.
    pub connections: usize,
    /// TLS 1.2 sessions in memory; tickets, which most clients take, need none.
    pub sessions: usize,
    /// Early data that is remembered at a time, so that it is taken once; when they are so many, no more is
    /// taken until some are forgotten, which is after half a minute at most.
    pub early_data: usize,
    /// Idle connections to one site's service that are kept for the next request.
    pub upstream_idle_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            sessions: 20_000,
            early_data: 100_000,
            upstream_idle_connections: 64,
        }
    }
}
