//! The configuration file as it is written, before anything is checked.

use std::path::PathBuf;

use keyward_config::Spanned;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    #[serde(default)]
    pub(super) listen: Vec<RawListen>,
    pub(super) key_server: RawKeyServer,
    #[serde(default)]
    pub(super) site: Vec<Spanned<RawSite>>,
    #[serde(default)]
    pub(super) timeouts: RawTimeouts,
    #[serde(default)]
    pub(super) limits: RawLimits,
    pub(super) handshake_records: Option<PathBuf>,
    pub(super) verify_signatures: Option<Spanned<String>>,
    pub(super) certificate_compression: Option<bool>,
    pub(super) tls12_session_tickets: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawListen {
    pub(super) address: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeyServer {
    pub(super) address: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) ca: Spanned<PathBuf>,
    pub(super) certificate: Spanned<PathBuf>,
    pub(super) key: Spanned<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSite {
    #[serde(default)]
    pub(super) names: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) certificates: Vec<Spanned<PathBuf>>,
    pub(super) upstream: Spanned<String>,
    pub(super) upstream_ca: Option<Spanned<PathBuf>>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) renegotiation: Option<Spanned<bool>>,
    pub(super) alpn: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) early_data: Option<Spanned<RawEarlyData>>,
    pub(super) client_auth: Option<Spanned<String>>,
    pub(super) client_ca: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) client_crl: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) default: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEarlyData {
    pub(super) max_bytes: Option<Spanned<i64>>,
    pub(super) methods: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimeouts {
    pub(super) handshake_ms: Option<Spanned<i64>>,
    pub(super) key_operation_ms: Option<Spanned<i64>>,
    pub(super) header_ms: Option<Spanned<i64>>,
    pub(super) idle_ms: Option<Spanned<i64>>,
    pub(super) body_ms: Option<Spanned<i64>>,
    pub(super) connect_ms: Option<Spanned<i64>>,
    pub(super) upstream_ms: Option<Spanned<i64>>,
    pub(super) tunnel_ms: Option<Spanned<i64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) connections: Option<Spanned<i64>>,
    pub(super) sessions: Option<Spanned<i64>>,
    pub(super) early_data: Option<Spanned<i64>>,
    pub(super) upstream_idle_connections: Option<Spanned<i64>>,
}
