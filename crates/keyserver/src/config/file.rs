//! The TOML file: every key, its place, and what is wrong with it.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use keyward_keyop::{KeyId, OperationKind};
use keyward_protocol::Address;
use serde::Deserialize;
use toml::Spanned;

use super::problem::position;
use super::{Config, ConfigError, EdgeConfig, KeySelector, KeysConfig, Limits, Origin, Problem};
use crate::names::NamePattern;

/// No configuration is larger; reading a wrong file by mistake ends here.
const MAX_FILE_LEN: u64 = 4 * 1024 * 1024;

type Text = Spanned<String>;
type Texts = Spanned<Vec<Text>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<Texts>,
    certificate: Option<Text>,
    key: Option<Text>,
    client_ca: Option<Text>,
    keys: Option<Spanned<Keys>>,
    #[serde(default)]
    edge: Vec<Spanned<Edge>>,
    limits: Option<Spanned<LimitsTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    directory: Option<Text>,
    files: Option<Texts>,
    allow_rsa_key_transport: Option<Texts>,
    rsa_key_transport_also_signs: Option<Texts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edge {
    name: Option<Text>,
    spki_sha256: Option<Text>,
    keys: Option<Texts>,
    operations: Option<Texts>,
    names: Option<Texts>,
    #[serde(default)]
    allow_no_sni: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    connections: Option<Spanned<i64>>,
    in_flight: Option<Spanned<i64>>,
    queue: Option<Spanned<i64>>,
    workers: Option<Spanned<i64>>,
    handshake_ms: Option<Spanned<i64>>,
    idle_ms: Option<Spanned<i64>>,
    write_ms: Option<Spanned<i64>>,
    deadline_ms: Option<Spanned<i64>>,
    shutdown_ms: Option<Spanned<i64>>,
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
    let mut reading = Reading {
        base: path.parent().unwrap_or(Path::new("")).to_owned(),
        origin: Origin {
            file: Some(path.to_owned()),
            text: text.to_owned(),
            ..Origin::default()
        },
        problems: Vec::new(),
    };
    let config = reading.config(file);
    if reading.problems.is_empty() {
        Ok(Config {
            origin: reading.origin,
            ..config
        })
    } else {
        Err(ConfigError {
            problems: reading.problems,
        })
    }
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

/// For serde's "unknown field `lisen`, expected one of `listen`, `certificate`": the key that was probably meant.
fn unknown_key(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    let (wrong, known) = quoted.split_first()?;
    let nearest = known.iter().min_by_key(|key| distance(wrong, key))?;
    Some(if distance(wrong, nearest) <= 1 + wrong.len() / 3 {
        format!("did you mean `{nearest}`?")
    } else {
        "remove it, or write one of those".to_owned()
    })
}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Turns the file's values into the configuration's, and collects what is wrong.
struct Reading {
    base: PathBuf,
    origin: Origin,
    problems: Vec<Problem>,
}

impl Reading {
    fn config(&mut self, file: File) -> Config {
        let listen = match file.listen {
            Some(listen) if !listen.get_ref().is_empty() => {
                self.list("listen", listen, |text: &str| text.parse::<Address>())
            }
            absent => {
                self.origin
                    .mark("listen", absent.map_or(0..0, |empty| empty.span()));
                self.wrong(
                    "listen",
                    "nothing to listen on",
                    "write `listen = [\"0.0.0.0:2410\"]`",
                );
                Vec::new()
            }
        };
        let certificate = self.required_path(
            "certificate",
            file.certificate,
            "name the PEM file with the certificate that this key server shows to edges",
        );
        let key = self.required_path(
            "key",
            file.key,
            "name the PEM file with the private key of `certificate`",
        );
        let client_ca = self.required_path(
            "client_ca",
            file.client_ca,
            "name the PEM file with the authority that issues the edges' certificates",
        );
        let keys = match file.keys {
            Some(keys) => {
                self.origin.mark("keys", keys.span());
                self.keys(keys.into_inner())
            }
            None => {
                self.wrong(
                    "keys",
                    "no keys to serve",
                    "write `[keys]` with `directory = \"keys\"` below it",
                );
                KeysConfig::default()
            }
        };
        let edges = file
            .edge
            .into_iter()
            .enumerate()
            .map(|(i, edge)| {
                let at = format!("edge[{i}]");
                self.origin.mark(&at, edge.span());
                self.edge(&at, edge.into_inner())
            })
            .collect();
        let limits = match file.limits {
            Some(limits) => self.limits(&limits.into_inner()),
            None => Limits::default(),
        };
        Config {
            keys,
            edges,
            limits,
            ..Config::new(listen, certificate, key, client_ca)
        }
    }

    fn keys(&mut self, keys: Keys) -> KeysConfig {
        let directory = keys
            .directory
            .map(|directory| self.path("keys.directory", directory));
        let base = self.base.clone();
        let files = self.optional("keys.files", keys.files, |text: &str| {
            Ok::<_, NoError>(base.join(text))
        });
        if directory.is_none() && files.is_empty() {
            self.wrong(
                "keys",
                "no keys to serve",
                "write `directory = \"keys\"` below `[keys]`",
            );
        }
        let name = |text: &str| Ok::<_, NoError>(text.to_owned());
        let allow_rsa_key_transport = self.optional(
            "keys.allow_rsa_key_transport",
            keys.allow_rsa_key_transport,
            name,
        );
        let also_signs = self.optional(
            "keys.rsa_key_transport_also_signs",
            keys.rsa_key_transport_also_signs,
            name,
        );
        for (i, key) in also_signs.iter().enumerate() {
            if !allow_rsa_key_transport.contains(key) {
                self.wrong(
                    &format!("keys.rsa_key_transport_also_signs[{i}]"),
                    format!("key `{key}` is not enabled for RSA key transport, so it signs anyway"),
                    "remove it here, or add it to `allow_rsa_key_transport`",
                );
            }
        }
        KeysConfig {
            directory,
            files,
            allow_rsa_key_transport,
            rsa_key_transport_also_signs: also_signs,
        }
    }

    fn edge(&mut self, at: &str, edge: Edge) -> EdgeConfig {
        if edge.name.is_none() && edge.spki_sha256.is_none() {
            self.wrong(
                at,
                "the rule does not say which edge it is for",
                "write `name = \"…\"`, a DNS name of the edge's certificate, or `spki_sha256 = \"…\"`",
            );
        }
        let name = edge.name.and_then(|name| {
            self.value(&format!("{at}.name"), &name, |text| match text.parse()? {
                NamePattern::Exact(name) => Ok(name),
                NamePattern::Any | NamePattern::OneLabel(_) => {
                    Err(crate::names::NamePatternError::NotADnsName)
                }
            })
        });
        let spki_sha256 = edge
            .spki_sha256
            .and_then(|pin| self.value(&format!("{at}.spki_sha256"), &pin, KeyId::from_str));
        let keys = self.needed(
            &format!("{at}.keys"),
            edge.keys,
            "`keys = [\"*\"]` is every key",
            |text| {
                Ok::<_, NoError>(match text {
                    "*" => KeySelector::All,
                    name => KeySelector::Named(name.to_owned()),
                })
            },
        );
        let operations = self.needed(
            &format!("{at}.operations"),
            edge.operations,
            "`operations = [\"tls13-server-certificate-verify\", \"tls12-server-key-exchange\"]` is TLS 1.3 and TLS 1.2",
            OperationKind::from_str,
        );
        let names = self.needed(
            &format!("{at}.names"),
            edge.names,
            "`names = [\"*.shop.example\"]` is every name with one more label, `[\"*\"]` every name",
            NamePattern::from_str,
        );
        EdgeConfig {
            name,
            spki_sha256,
            keys,
            operations,
            names,
            allow_no_sni: edge.allow_no_sni,
        }
    }

    fn limits(&mut self, table: &LimitsTable) -> Limits {
        let default = Limits::default();
        let hour = 3_600_000;
        Limits {
            connections: self.count(
                "connections",
                &table.connections,
                default.connections,
                1_000_000,
            ),
            in_flight: self.count(
                "in_flight",
                &table.in_flight,
                default.in_flight,
                u16::MAX.into(),
            ),
            queue: self.count("queue", &table.queue, default.queue, 1_000_000),
            workers: self.count("workers", &table.workers, default.workers, 1024),
            handshake: self.time("handshake_ms", &table.handshake_ms, default.handshake, hour),
            idle: self.time("idle_ms", &table.idle_ms, default.idle, hour),
            write: self.time("write_ms", &table.write_ms, default.write, hour),
            deadline: self.time("deadline_ms", &table.deadline_ms, default.deadline, hour),
            shutdown: self.time("shutdown_ms", &table.shutdown_ms, default.shutdown, hour),
        }
    }

    fn wrong(&mut self, field: &str, cause: impl Into<String>, remedy: impl Into<String>) {
        let problem = self.origin.problem(field, cause, remedy);
        self.problems.push(problem);
    }

    /// A single value.
    fn value<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        text: &Text,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.origin.mark(field, text.span());
        match parse(text.get_ref()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(field, format!("`{}`: {error}", text.get_ref()), "");
                None
            }
        }
    }

    /// The values of a list; wrong ones are reported and left out.
    fn list<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        list: Texts,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        self.origin.mark(field, list.span());
        let mut values = Vec::new();
        for (i, text) in list.into_inner().iter().enumerate() {
            values.extend(self.value(&format!("{field}[{i}]"), text, &parse));
        }
        values
    }

    fn optional<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        list: Option<Texts>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        list.map_or_else(Vec::new, |list| self.list(field, list, parse))
    }

    /// A list that a rule must have. Nothing is allowed by being left out, and nobody should have to guess that.
    fn needed<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        list: Option<Texts>,
        remedy: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        match list {
            Some(list) if !list.get_ref().is_empty() => self.list(field, list, parse),
            _ => {
                let name = field.rsplit('.').next().unwrap_or(field).to_owned();
                self.wrong(
                    field,
                    format!("without `{name}` the rule allows nothing"),
                    remedy,
                );
                Vec::new()
            }
        }
    }

    fn path(&mut self, field: &str, text: Text) -> PathBuf {
        self.origin.mark(field, text.span());
        self.base.join(text.into_inner())
    }

    fn required_path(&mut self, field: &str, text: Option<Text>, remedy: &str) -> PathBuf {
        match text {
            Some(text) => self.path(field, text),
            None => {
                self.wrong(field, format!("`{field}` is missing"), remedy);
                PathBuf::new()
            }
        }
    }

    fn count<T: TryFrom<i64>>(
        &mut self,
        field: &str,
        value: &Option<Spanned<i64>>,
        default: T,
        max: i64,
    ) -> T {
        let Some(value) = value else { return default };
        let field = format!("limits.{field}");
        self.origin.mark(&field, value.span());
        let number = *value.get_ref();
        match T::try_from(number) {
            Ok(count) if (1..=max).contains(&number) => count,
            _ => {
                self.wrong(
                    &field,
                    format!("{number} is out of range"),
                    format!("write a number from 1 to {max}"),
                );
                default
            }
        }
    }

    fn time(
        &mut self,
        field: &str,
        value: &Option<Spanned<i64>>,
        default: Duration,
        max: i64,
    ) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.count(field, value, default, max))
    }
}

/// For values that any text is.
type NoError = std::convert::Infallible;
