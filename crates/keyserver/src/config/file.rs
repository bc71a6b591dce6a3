//! The TOML file: its keys, and what TOML itself says is wrong.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::problem::position;
use super::reading::Reading;
use super::suggestion::unknown_key;
use super::{Config, ConfigError, Problem};

/// No configuration is larger; reading a wrong file by mistake ends here.
const MAX_FILE_LEN: u64 = 4 * 1024 * 1024;

pub(super) type Text = Spanned<String>;
pub(super) type Texts = Spanned<Vec<Text>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<Texts>,
    pub(super) certificate: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) client_ca: Option<Text>,
    pub(super) keys: Option<Spanned<Keys>>,
    #[serde(default)]
    pub(super) edge: Vec<Spanned<Edge>>,
    pub(super) limits: Option<Spanned<LimitsTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) directory: Option<Text>,
    pub(super) files: Option<Texts>,
    pub(super) allow_rsa_key_transport: Option<Texts>,
    pub(super) rsa_key_transport_also_signs: Option<Texts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edge {
    pub(super) name: Option<Text>,
    pub(super) spki_sha256: Option<Text>,
    pub(super) keys: Option<Texts>,
    pub(super) operations: Option<Texts>,
    pub(super) names: Option<Texts>,
    #[serde(default)]
    pub(super) allow_no_sni: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    pub(super) connections: Option<Spanned<i64>>,
    pub(super) in_flight: Option<Spanned<i64>>,
    pub(super) queue: Option<Spanned<i64>>,
    pub(super) queue_bytes: Option<Spanned<i64>>,
    pub(super) workers: Option<Spanned<i64>>,
    pub(super) handshake_ms: Option<Spanned<i64>>,
    pub(super) idle_ms: Option<Spanned<i64>>,
    pub(super) write_ms: Option<Spanned<i64>>,
    pub(super) deadline_ms: Option<Spanned<i64>>,
    pub(super) shutdown_ms: Option<Spanned<i64>>,
}

pub(super) fn load(path: &Path) -> Result<Config, ConfigError> {
    let unreadable = |cause: String, remedy: &str| Problem {
        file: Some(path.to_owned()),
        position: None,
        cause,
        remedy: remedy.to_owned(),
    };
    let metadata = std::fs::metadata(path).map_err(|error| {
        unreadable(
            format!("cannot read the configuration: {error}"),
            "name an existing file with --config; examples/keyserver.toml is one to begin with",
        )
    })?;
    if metadata.len() > MAX_FILE_LEN {
        return Err(unreadable(
            format!("{} bytes are no configuration", metadata.len()),
            "is this the right file?",
        )
        .into());
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        unreadable(
            format!("cannot read the configuration: {error}"),
            "the file must be UTF-8 text that this user may read",
        )
    })?;
    parse(&text, path)
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let file: File = toml::from_str(text).map_err(|error| syntax_problem(&error, text, path))?;
    Reading::new(text, path).finish(file)
}

/// TOML's own errors and serde's, with a remedy.
fn syntax_problem(error: &toml::de::Error, text: &str, path: &Path) -> Problem {
    let message = error.message().trim();
    let remedy = unknown_key(message).unwrap_or_else(|| "see examples/keyserver.toml".to_owned());
    Problem {
        file: Some(path.to_owned()),
        position: Some(position(text, error.span().map_or(0, |span| span.start))),
        cause: message.replace('\n', ": "),
        remedy,
    }
}
