//! What the operator says: listeners, keys, edges, limits.

mod file;
mod gokeyless;
mod network;
mod pkcs11_uri;
mod reading;
mod selector;
mod spiffe;
mod stores;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_config::{AdminConfig, ConfigError, HostName, LogConfig, Problem, Severity, Source};
use keyward_keyop::{KeyId, OperationKind};
use keyward_protocol::Address;

use reading::Reading;

pub use gokeyless::GokeylessConfig;
pub use network::{InvalidNetwork, Network, PeerAddress};
pub(crate) use pkcs11_uri::encoded;
pub use pkcs11_uri::{InvalidPkcs11Uri, Pkcs11Uri};
pub use selector::{KeySelector, NameSelector};
pub use spiffe::{InvalidSpiffeId, SpiffeId, SpiffeSelector};

/// A key server's configuration. Paths are absolute or relative to the working directory; [`Config::load`] resolves those of a
/// file against the file's own directory.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; at least one. Port 0 takes a free one.
    pub listen: Vec<Address>,
    /// PEM file: the chain that the key server shows to edges, leaf first.
    pub certificate: PathBuf,
    /// PEM file: that certificate's private key.
    pub key: PathBuf,
    /// PEM file: the authorities that edges' certificates must come from.
    pub client_ca: PathBuf,
    /// PEM or DER files: lists of edges' certificates that are revoked. If there is one, each authority of an edge's chain
    /// needs one.
    pub client_crl: Vec<PathBuf>,
    /// Whether a list that is out of date counts as if it were not. Otherwise its authority's edges are refused.
    pub accept_expired_crl: bool,
    /// The keys to serve.
    pub keys: KeysConfig,
    /// Who may use them. What no rule allows is refused.
    pub edges: Vec<EdgeConfig>,
    /// Where uses of keys are recorded, if they are.
    pub audit: Option<AuditConfig>,
    /// The file with the root of the edges' session ticket keys, if edges get such keys.
    pub ticket_root: Option<PathBuf>,
    /// The listener for clients of the older protocol, which is off without it.
    pub gokeyless: Option<GokeylessConfig>,
    /// Bounds and deadlines.
    pub limits: Limits,
    /// Where metrics, readiness and a status page are to be had, if anywhere.
    pub admin: Option<AdminConfig>,
    /// What is said of logs, which whoever starts the key server looks at.
    pub log: LogConfig,
    /// Where in which file each of these stands.
    origin: Option<Origin>,
}

impl Config {
    /// A configuration that is not from a file: no keys, no edges yet.
    pub fn new(
        listen: Vec<Address>,
        certificate: PathBuf,
        key: PathBuf,
        client_ca: PathBuf,
    ) -> Self {
        Self {
            listen,
            certificate,
            key,
            client_ca,
            client_crl: Vec::new(),
            accept_expired_crl: false,
            keys: KeysConfig::default(),
            edges: Vec::new(),
            audit: None,
            ticket_root: None,
            gokeyless: None,
            limits: Limits::default(),
            admin: None,
            log: LogConfig::default(),
            origin: None,
        }
    }

    /// Reads a TOML file (`examples/keyserver.toml` explains each key).
    ///
    /// # Errors
    /// All that is wrong with the file's text, each with line, column and remedy. What is wrong with the files that it names,
    /// [`Config::check`] says.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        Self::parse(&keyward_config::read(path)?, path)
    }

    /// As [`Config::load`], for a text that is already here. `path` is what problems are reported for, and what relative paths
    /// are relative to.
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let source = Source::new(path.as_ref(), text, "examples/keyserver.toml");
        let file = source.parse()?;
        Reading::new(source).finish(file)
    }

    /// The file that it came from.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.origin.as_ref().map(|origin| origin.source.file())
    }

    /// A problem at the place of `field`, such as `edge[1].keys[0]`.
    pub(crate) fn problem(
        &self,
        field: &str,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        match &self.origin {
            Some(origin) => origin.problem(field, cause, remedy),
            None => Problem {
                severity: Severity::Error,
                file: None,
                position: None,
                cause: cause.into(),
                remedy: remedy.into(),
            },
        }
    }
}

/// `[keys]`: which keys there are, and what RSA keys may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysConfig {
    /// A directory of PEM and DER files.
    pub directory: Option<PathBuf>,
    /// Single files, of keys or of certificate chains.
    pub files: Vec<PathBuf>,
    /// What opens those keys of `directory` and `files` that are encrypted.
    pub passphrase: Option<PassphraseSource>,
    /// Further stores, in the order in which they are asked: of a key in several the first counts.
    pub stores: Vec<StoreConfig>,
    /// RSA keys that may decrypt the premaster secrets of TLS 1.2 handshakes with RSA key transport: by label, file name or
    /// key ID. Such a key signs nothing for TLS 1.3.
    pub allow_rsa_key_transport: Vec<String>,
    /// Those of them, and of `allow_raw_rsa_decryption`, that sign for TLS 1.3 all the same.
    pub rsa_key_transport_also_signs: Vec<String>,
    /// The keys of edges' own identities toward other servers: they sign as TLS clients, and nothing that servers sign.
    pub client: Vec<String>,
    /// The keys that serve TLS 1.2 as it was: CBC suites, DHE, and as a client without extended master secret.
    pub allow_legacy: Vec<String>,
    /// The keys that sign for TLS 1.3 by a transcript's hash, unseen.
    pub allow_transcript_hash: Vec<String>,
    /// The keys that sign whatever digest a gokeyless client sends.
    pub allow_raw_digest: Vec<String>,
    /// RSA keys that decrypt premaster secrets for gokeyless clients, which unpad them. Such a key signs nothing for TLS 1.3
    /// and no raw digest.
    pub allow_raw_rsa_decryption: Vec<String>,
    /// How often a key may be used, by all edges together.
    pub rates: Vec<(String, Rate)>,
}

/// `[[keys.store]]`: keys besides those of `directory` and `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// Another directory.
    Directory(DirectoryConfig),
    /// A token, asked after all files.
    Pkcs11(Box<Pkcs11Config>),
}

/// A directory of key files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryConfig {
    /// The directory.
    pub path: PathBuf,
    /// What opens its keys that are encrypted.
    pub passphrase: Option<PassphraseSource>,
}

/// Where a passphrase or a PIN is. One newline at its end is no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassphraseSource {
    /// A file that nobody else can read.
    File(PathBuf),
    /// A credential of systemd (`LoadCredential=`, `LoadCredentialEncrypted=`): a file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// The keys of a token with a PKCS #11 module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkcs11Config {
    /// Which token, and which of its keys.
    pub uri: Pkcs11Uri,
    /// The library that speaks to it.
    pub module: PathBuf,
    /// Where the PIN of its user is, if it wants one.
    pub pin: Option<PassphraseSource>,
    /// Sessions with it, each with a thread of its own; at least 1.
    pub sessions: usize,
}

/// A token bucket: so many a second, and so many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back in a second; at least 1.
    pub per_second: u32,
    /// Tokens that there can be; at least 1.
    pub burst: u32,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} a second, {} at once", self.per_second, self.burst)
    }
}

/// `[[edge]]`: one rule. Several may be about the same edge; what any of them allows in full is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeConfig {
    /// A DNS name in the subjectAltName of the edge's certificate.
    pub name: Option<HostName>,
    /// The SPIFFE ID in the subjectAltName of the edge's certificate, or a path above it.
    pub spiffe: Option<SpiffeSelector>,
    /// The SHA-256 of the SubjectPublicKeyInfo of the edge's certificate. Of these three, all that are given must fit.
    pub spki_sha256: Option<KeyId>,
    /// Where it connects from; empty is from anywhere.
    pub from: Vec<Network>,
    /// The keys that it may use.
    pub keys: Vec<KeySelector>,
    /// The operations that it may ask for.
    pub operations: Vec<OperationKind>,
    /// The server names that it may act for.
    pub names: Vec<NameSelector>,
    /// Whether it may act for clients that send no server name.
    pub allow_no_sni: bool,
    /// Whether this is an administrator, who may have requests for certificates signed, rather than an edge.
    pub administrator: bool,
    /// How often each edge that the rule is about may ask, on all its connections together.
    pub rate: Option<Rate>,
}

/// `[audit]`: the log of every use of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// The log's folder; made if it is not there.
    pub directory: PathBuf,
    /// PEM file: the Ed25519 key that signs the log's checkpoints.
    pub key: PathBuf,
    /// The log's name, in its checkpoints.
    pub name: String,
    /// Whether answers wait for their records.
    pub mode: AuditMode,
}

/// Whether answers wait for their records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditMode {
    /// They do: what cannot be recorded is not done.
    Strict,
    /// They do not: what cannot be recorded is counted, and reported.
    Relaxed {
        /// How long after its answer a record is on disk, at the latest.
        within: Duration,
    },
}

impl AuditMode {
    /// How long a record may take in relaxed mode, unless it is set.
    pub const DEFAULT_WITHIN: Duration = Duration::from_millis(1000);
}

impl fmt::Display for AuditMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strict => f.write_str("strict"),
            Self::Relaxed { within } => write!(f, "relaxed ({} ms)", within.as_millis()),
        }
    }
}

/// `[limits]`: what keeps the server in bounds whatever its peers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at a time.
    pub connections: usize,
    /// Of them, of one edge.
    pub connections_per_edge: usize,
    /// Of them, from one address; an IPv6 network of 64 bits is one.
    pub connections_per_address: usize,
    /// Requests in flight on one connection; the next is answered `overloaded`.
    pub in_flight: u16,
    /// Bytes of answers that an edge has not read; then its connection is cut.
    pub unsent_bytes: usize,
    /// Requests that wait, for RSA and for all other keys each.
    pub queue: usize,
    /// Of them, of one edge.
    pub queue_per_edge: usize,
    /// Bytes of the handshakes in both queues together. A usual one has a few thousand, the largest a hundred thousand.
    pub queue_bytes: usize,
    /// Threads that use RSA keys. Elliptic curves are done where connections are looked after.
    pub workers: usize,
    /// From accept to the edge's hello.
    pub handshake: Duration,
    /// Without a byte from the edge; edges ping much more often.
    pub idle: Duration,
    /// For a write to get through to an edge that does not read.
    pub write: Duration,
    /// The longest that a request may wait, whatever its deadline says.
    pub deadline: Duration,
    /// Between `going_away` and the end of the last connections.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_edge: 64,
            connections_per_address: 256,
            in_flight: 1024,
            unsent_bytes: 1024 * 1024,
            queue: 8192,
            queue_per_edge: 2048,
            queue_bytes: 128 * 1024 * 1024,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            shutdown: Duration::from_secs(5),
        }
    }
}

/// The file that a configuration came from, with the place of each field in it.
#[derive(Clone, Debug)]
struct Origin {
    source: Source,
    spans: HashMap<String, Range<usize>>,
}

impl Origin {
    fn new(source: Source) -> Self {
        Self {
            source,
            spans: HashMap::new(),
        }
    }

    /// Remembers where `field` stands.
    fn mark(&mut self, field: impl Into<String>, span: Range<usize>) {
        self.spans.insert(field.into(), span);
    }

    fn problem(&self, field: &str, cause: impl Into<String>, remedy: impl Into<String>) -> Problem {
        // A field that was left out is reported at the table that should have it.
        let mut place = field;
        let span = loop {
            match (self.spans.get(place), place.rsplit_once('.')) {
                (Some(span), _) => break span.clone(),
                (None, Some((parent, _))) => place = parent,
                (None, None) => break 0..0,
            }
        };
        self.source.problem(span, cause, remedy)
    }
}
