//! From the file's values to the configuration's, with all that is wrong on the way.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use keyward_keyop::{KeyId, OperationKind};
use keyward_protocol::Address;
use toml::Spanned;

use super::file::{Edge, File, Keys, LimitsTable, Text, Texts};
use super::{Config, ConfigError, EdgeConfig, KeySelector, KeysConfig, Limits, Origin, Problem};
use crate::names::NamePattern;

/// Turns the file's values into the configuration's, and collects what is wrong.
pub(super) struct Reading {
    base: PathBuf,
    origin: Origin,
    problems: Vec<Problem>,
}

impl Reading {
    pub(super) fn new(text: &str, path: &Path) -> Self {
        Self {
            base: path.parent().unwrap_or(Path::new("")).to_owned(),
            origin: Origin {
                file: Some(path.to_owned()),
                text: text.to_owned(),
                ..Origin::default()
            },
            problems: Vec::new(),
        }
    }

    pub(super) fn finish(mut self, file: File) -> Result<Config, ConfigError> {
        let config = self.config(file);
        if self.problems.is_empty() {
            Ok(Config {
                origin: self.origin,
                ..config
            })
        } else {
            Err(ConfigError {
                problems: self.problems,
            })
        }
    }

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
            queue_bytes: self.count(
                "queue_bytes",
                &table.queue_bytes,
                default.queue_bytes,
                1 << 36,
            ),
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
