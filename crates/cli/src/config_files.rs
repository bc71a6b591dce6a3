//! The configuration files that `serve` and `demo` write for the processes they start: the same
//! format that people write, so there is one way in.

use std::path::PathBuf;

use serde::Serialize;

use crate::failure::Failure;

/// An edge's configuration.
#[derive(Debug, Serialize)]
pub(crate) struct EdgeFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) handshake_records: Option<PathBuf>,
    pub(crate) listen: Vec<Listen>,
    pub(crate) key_server: Channel,
    pub(crate) site: Vec<SiteTable>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Listen {
    pub(crate) address: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Channel {
    pub(crate) address: String,
    pub(crate) name: &'static str,
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

#[derive(Debug, Serialize)]
pub(crate) struct SiteTable {
    pub(crate) names: Vec<String>,
    pub(crate) certificates: Vec<PathBuf>,
    pub(crate) upstream: String,
    pub(crate) policy: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_auth: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_ca: Option<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) client_crl: Vec<PathBuf>,
    pub(crate) default: bool,
}

/// A key server's configuration.
#[derive(Debug, Serialize)]
pub(crate) struct KeyServerFile {
    pub(crate) listen: Vec<String>,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) client_ca: PathBuf,
    pub(crate) keys: Keys,
    pub(crate) edge: Vec<EdgeRule>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Keys {
    pub(crate) files: Vec<PathBuf>,
    /// By file name.
    pub(crate) allow_rsa_key_transport: Vec<String>,
    pub(crate) rsa_key_transport_also_signs: Vec<String>,
    pub(crate) allow_legacy: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct EdgeRule {
    pub(crate) name: &'static str,
    pub(crate) keys: Vec<&'static str>,
    pub(crate) operations: Vec<&'static str>,
    pub(crate) names: Vec<String>,
    pub(crate) allow_no_sni: bool,
}

/// The operations of TLS 1.3 and TLS 1.2 with ECDHE.
pub(crate) const SIGNING: [&str; 2] = [
    "tls13-server-certificate-verify",
    "tls12-server-key-exchange",
];
/// RSA key transport.
pub(crate) const RSA_MASTER_SECRET: &str = "tls12-rsa-master-secret";

pub(crate) fn to_toml<T: Serialize>(file: &T) -> Result<String, Failure> {
    // Fails for a path that is not UTF-8, which TOML cannot write.
    toml::to_string(file)
        .map_err(|cause| Failure::configuration(format!("cannot write a configuration: {cause}")))
}
