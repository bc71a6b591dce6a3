//! Where the key servers are, and who we are to them.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::target::Target;

/// What a [`KeyClient`](crate::KeyClient) needs to know.
#[derive(Debug)]
pub struct KeyClientConfig {
    /// The key servers.
    pub servers: Vec<KeyServerAt>,
    /// The authorities that their certificates must come from.
    pub ca: Vec<CertificateDer<'static>>,
    /// This edge's certificate chain, leaf first.
    pub certificate_chain: Vec<CertificateDer<'static>>,
    /// This edge's private key: its identity toward the key servers, no site's key.
    pub key: PrivateKeyDer<'static>,
    /// How many connections to keep to each key server; at least 1. Each carries many operations at a time.
    pub connections: usize,
    /// Of a hundred operations, how many may be asked of a second key server because the first is slow; 0 for none.
    pub hedge_percent: u8,
    /// How names are resolved.
    pub dns: Dns,
    /// Deadlines and pauses.
    pub timings: Timings,
}

/// A key server, or several under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyServerAt {
    /// Where it listens.
    pub target: Target,
    /// The name that its certificate must have: a DNS name or an IP address.
    pub name: String,
}

/// How names are resolved: by the system's hosts file and the name servers of its `resolv.conf`, unless others are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// Name servers to ask instead of the system's.
    pub name_servers: Vec<SocketAddr>,
    /// Names are resolved anew when their records say so, but not more often than this,
    pub min_ttl: Duration,
    /// and not less often than this.
    pub max_ttl: Duration,
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            name_servers: Vec::new(),
            min_ttl: Duration::from_secs(5),
            max_ttl: Duration::from_secs(300),
        }
    }
}

/// The key is copied: two clients of one process are one identity.
impl Clone for KeyClientConfig {
    fn clone(&self) -> Self {
        Self {
            servers: self.servers.clone(),
            ca: self.ca.clone(),
            certificate_chain: self.certificate_chain.clone(),
            key: self.key.clone_key(),
            connections: self.connections,
            hedge_percent: self.hedge_percent,
            dns: self.dns.clone(),
            timings: self.timings,
        }
    }
}

/// Deadlines and pauses of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// For TCP, TLS and the hellos together.
    pub connect: Duration,
    /// After so much silence the key server is pinged.
    pub ping_interval: Duration,
    /// While it owes answers, the key server is pinged after so much silence already. If that long again nothing comes, it is
    /// *stalled*: the operations that it has are asked of another as well, and new ones are not asked of it, until it is heard again.
    pub stall: Duration,
    /// Without an answer to the ping, or with a write that does not get through, for so long, the connection is dead.
    pub ping_timeout: Duration,
    /// The pause after the first failed attempt; it doubles with each.
    pub backoff_min: Duration,
    /// The longest pause.
    pub backoff_max: Duration,
    /// The longest pause while operations are asked for.
    pub backoff_wanted: Duration,
    /// How long after the loss of a connection, or after the start, operations wait for the key server to come; then they fail as
    /// soon as an attempt to connect does. It lets a key server restart without a failed handshake.
    pub restart: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            ping_interval: Duration::from_secs(5),
            stall: Duration::from_millis(100),
            ping_timeout: Duration::from_secs(5),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(10),
            backoff_wanted: Duration::from_millis(100),
            restart: Duration::from_secs(1),
        }
    }
}

impl KeyClientConfig {
    /// Reads the three PEM files: the private CA, this edge's certificate chain, and its key. With one key server, whose
    /// certificate has to have `name`; more can be added to [`servers`](Self::servers).
    pub fn from_files(
        server: impl Into<Target>,
        name: &str,
        ca: &Path,
        certificate: &Path,
        key: &Path,
    ) -> Result<Self, KeyClientConfigError> {
        let key_der = private_key(key)?;
        Ok(Self {
            servers: vec![KeyServerAt {
                target: server.into(),
                name: name.to_owned(),
            }],
            ca: certificates(ca)?,
            certificate_chain: certificates(certificate)?,
            key: key_der,
            connections: 1,
            hedge_percent: 5,
            dns: Dns::default(),
            timings: Timings::default(),
        })
    }
}

pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, KeyClientConfigError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| KeyClientConfigError::file(path, &error))
}

pub(crate) fn certificates(
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, KeyClientConfigError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| KeyClientConfigError::file(path, &error))?;
    if certificates.is_empty() {
        return Err(KeyClientConfigError::file(
            path,
            &rustls_pki_types::pem::Error::NoItemsFound,
        ));
    }
    Ok(certificates)
}

/// Why a key client's configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyClientConfigError {
    /// A file cannot be read, or does not hold what it should.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// There is no key server.
    NoServer,
    /// The key server's name is neither a DNS name nor an IP address.
    ServerName(String),
    /// A certificate of the authorities cannot be used.
    Authority(String),
    /// This edge's certificate and key cannot be used together.
    Identity(String),
}

impl KeyClientConfigError {
    fn file(path: &Path, error: &rustls_pki_types::pem::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            cause: match error {
                rustls_pki_types::pem::Error::Io(error) => error.to_string(),
                rustls_pki_types::pem::Error::NoItemsFound => {
                    "what should be there in PEM is not: certificates, or an unencrypted private key".to_owned()
                }
                other => other.to_string(),
            },
        }
    }
}

impl fmt::Display for KeyClientConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, cause } => write!(f, "cannot use {}: {cause}", path.display()),
            Self::NoServer => f.write_str("there is no key server; name at least one"),
            Self::ServerName(name) => {
                write!(
                    f,
                    "`{name}` is neither a DNS name nor an IP address; write the name in the key server's certificate"
                )
            }
            Self::Authority(cause) => write!(f, "cannot use the key server's authority: {cause}"),
            Self::Identity(cause) => {
                write!(
                    f,
                    "cannot use this edge's certificate and key: {cause}; do they belong together?"
                )
            }
        }
    }
}

impl Error for KeyClientConfigError {}
