//! The TOML file: its keys, before anything is checked.

use keyward_config::{AdminTable, LogTable, Spanned};
use serde::Deserialize;

pub(super) type Text = Spanned<String>;
pub(super) type Texts = Spanned<Vec<Text>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<Texts>,
    pub(super) certificate: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) client_ca: Option<Text>,
    pub(super) client_crl: Option<Texts>,
    #[serde(default)]
    pub(super) accept_expired_crl: bool,
    pub(super) keys: Option<Spanned<Keys>>,
    #[serde(default)]
    pub(super) edge: Vec<Spanned<Edge>>,
    pub(super) audit: Option<Spanned<Audit>>,
    pub(super) tickets: Option<Spanned<Tickets>>,
    pub(super) gokeyless: Option<Spanned<Gokeyless>>,
    pub(super) limits: Option<Spanned<LimitsTable>>,
    pub(super) admin: Option<AdminTable>,
    pub(super) log: Option<LogTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) directory: Option<Text>,
    pub(super) files: Option<Texts>,
    pub(super) passphrase_file: Option<Text>,
    pub(super) passphrase_credential: Option<Text>,
    #[serde(default)]
    pub(super) store: Vec<Spanned<Store>>,
    pub(super) allow_rsa_key_transport: Option<Texts>,
    pub(super) rsa_key_transport_also_signs: Option<Texts>,
    pub(super) client: Option<Texts>,
    pub(super) allow_legacy: Option<Texts>,
    pub(super) allow_transcript_hash: Option<Texts>,
    pub(super) allow_raw_digest: Option<Texts>,
    pub(super) allow_raw_rsa_decryption: Option<Texts>,
    #[serde(default)]
    pub(super) rate: Vec<Spanned<KeyRate>>,
}

/// One of these, which says what kind of store it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) directory: Option<Spanned<DirectoryTable>>,
    pub(super) pkcs11: Option<Spanned<Pkcs11Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pkcs11Table {
    pub(super) uri: Option<Text>,
    pub(super) module: Option<Text>,
    pub(super) pin_file: Option<Text>,
    pub(super) pin_credential: Option<Text>,
    pub(super) sessions: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DirectoryTable {
    pub(super) path: Option<Text>,
    pub(super) passphrase_file: Option<Text>,
    pub(super) passphrase_credential: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRate {
    pub(super) key: Option<Text>,
    pub(super) per_second: Option<Spanned<i64>>,
    pub(super) burst: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeRate {
    pub(super) per_second: Option<Spanned<i64>>,
    pub(super) burst: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edge {
    pub(super) name: Option<Text>,
    pub(super) spiffe: Option<Text>,
    pub(super) spki_sha256: Option<Text>,
    pub(super) from: Option<Texts>,
    pub(super) keys: Option<Texts>,
    pub(super) operations: Option<Texts>,
    pub(super) names: Option<Texts>,
    #[serde(default)]
    pub(super) allow_no_sni: bool,
    #[serde(default)]
    pub(super) administrator: bool,
    pub(super) rate: Option<Spanned<EdgeRate>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) directory: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) mode: Option<Text>,
    pub(super) within_ms: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tickets {
    pub(super) root: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gokeyless {
    pub(super) listen: Option<Texts>,
    pub(super) certificate: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) client_ca: Option<Text>,
    pub(super) client_crl: Option<Texts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    pub(super) connections: Option<Spanned<i64>>,
    pub(super) connections_per_edge: Option<Spanned<i64>>,
    pub(super) connections_per_address: Option<Spanned<i64>>,
    pub(super) in_flight: Option<Spanned<i64>>,
    pub(super) unsent_bytes: Option<Spanned<i64>>,
    pub(super) queue: Option<Spanned<i64>>,
    pub(super) queue_per_edge: Option<Spanned<i64>>,
    pub(super) queue_bytes: Option<Spanned<i64>>,
    pub(super) workers: Option<Spanned<i64>>,
    pub(super) handshake_ms: Option<Spanned<i64>>,
    pub(super) idle_ms: Option<Spanned<i64>>,
    pub(super) write_ms: Option<Spanned<i64>>,
    pub(super) deadline_ms: Option<Spanned<i64>>,
    pub(super) shutdown_ms: Option<Spanned<i64>>,
}
