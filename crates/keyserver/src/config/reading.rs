//! From the file's values to the configuration's, with all that is wrong on the way.

use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use keyward_config::{ConfigError, InvalidName, Problems, Source, Spanned};
use keyward_keyop::{KeyId, OperationKind};
use keyward_protocol::Address;

use super::file::{Audit, Edge, File, KeyRate, Keys, LimitsTable, Text, Texts};
use super::{
    AuditConfig, AuditMode, Config, EdgeConfig, KeySelector, KeysConfig, Limits, NameSelector,
    Network, Origin, Rate, SpiffeSelector,
};

/// The longest time that a limit can be, an hour: a longer one is a mistake in the unit.
const MAX_TIME_MS: i64 = 3_600_000;

/// No rate that is higher limits anything.
const MAX_RATE: i64 = 1_000_000;

/// Turns the file's values into the configuration's, and collects what is wrong.
pub(super) struct Reading {
    origin: Origin,
    problems: Problems,
}

impl Reading {
    pub(super) fn new(source: Source) -> Self {
        Self {
            origin: Origin::new(source),
            problems: Problems::default(),
        }
    }

    pub(super) fn finish(mut self, file: File) -> Result<Config, ConfigError> {
        let config = self.config(file);
        self.problems.check()?;
        Ok(Config {
            origin: Some(self.origin),
            ..config
        })
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
        let client_crl = self.paths("client_crl", file.client_crl);
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
        let audit = file.audit.map(|audit| {
            self.origin.mark("audit", audit.span());
            self.audit(audit.into_inner())
        });
        let ticket_root = file.tickets.map(|tickets| {
            self.origin.mark("tickets", tickets.span());
            self.required_path(
                "tickets.root",
                tickets.into_inner().root,
                "name the file that `keyward tickets init` makes",
            )
        });
        let gokeyless = file.gokeyless.map(|table| {
            self.origin.mark("gokeyless", table.span());
            self.gokeyless(table.into_inner())
        });
        let limits = match file.limits {
            Some(limits) => self.limits(&limits.into_inner()),
            None => Limits::default(),
        };
        let admin = file.admin.and_then(|admin| {
            let admin = admin.read(&self.origin.source);
            self.problems.note(admin)
        });
        let log = file.log.unwrap_or_default().read(&self.origin.source);
        let log = self.problems.note(log).unwrap_or_default();
        Config {
            admin,
            log,
            client_crl,
            accept_expired_crl: file.accept_expired_crl,
            keys,
            edges,
            audit,
            ticket_root,
            gokeyless,
            limits,
            ..Config::new(listen, certificate, key, client_ca)
        }
    }

    fn keys(&mut self, keys: Keys) -> KeysConfig {
        let directory = keys
            .directory
            .map(|directory| self.path("keys.directory", directory));
        let name = |text: &str| Ok::<_, NoError>(text.to_owned());
        let files: Vec<_> = self
            .optional("keys.files", keys.files, name)
            .iter()
            .map(|file| self.origin.source.path(file))
            .collect();
        let passphrase = self.passphrase("keys", keys.passphrase_file, keys.passphrase_credential);
        let stores = self.stores(keys.store);
        if directory.is_none() && files.is_empty() && stores.is_empty() {
            self.wrong(
                "keys",
                "no keys to serve",
                "write `directory = \"keys\"` below `[keys]`",
            );
        }
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
        let allow_raw_rsa_decryption = self.optional(
            "keys.allow_raw_rsa_decryption",
            keys.allow_raw_rsa_decryption,
            name,
        );
        for (i, key) in also_signs.iter().enumerate() {
            if !allow_rsa_key_transport.contains(key) && !allow_raw_rsa_decryption.contains(key) {
                self.wrong(
                    &format!("keys.rsa_key_transport_also_signs[{i}]"),
                    format!("key `{key}` is not enabled for RSA key transport, so it signs anyway"),
                    "remove it here, or add it to `allow_rsa_key_transport`",
                );
            }
        }
        let rates = keys.rate.into_iter().enumerate();
        let rates = rates
            .filter_map(|(i, rate)| {
                let at = format!("keys.rate[{i}]");
                self.origin.mark(&at, rate.span());
                self.key_rate(&at, rate.into_inner())
            })
            .collect();
        KeysConfig {
            rates,
            directory,
            files,
            passphrase,
            stores,
            allow_rsa_key_transport,
            rsa_key_transport_also_signs: also_signs,
            client: self.optional("keys.client", keys.client, name),
            allow_legacy: self.optional("keys.allow_legacy", keys.allow_legacy, name),
            allow_transcript_hash: self.optional(
                "keys.allow_transcript_hash",
                keys.allow_transcript_hash,
                name,
            ),
            allow_raw_digest: self.optional("keys.allow_raw_digest", keys.allow_raw_digest, name),
            allow_raw_rsa_decryption,
        }
    }

    fn key_rate(&mut self, at: &str, rate: KeyRate) -> Option<(String, Rate)> {
        let limit = self.rate(at, &rate.per_second, &rate.burst);
        let Some(key) = rate.key else {
            self.wrong(
                at,
                "the rate does not say which key it is for",
                "write `key = \"…\"`, the key's file name",
            );
            return None;
        };
        self.origin.mark(format!("{at}.key"), key.span());
        Some((key.into_inner(), limit?))
    }

    /// Without `burst`, what a second brings can come at once.
    fn rate(
        &mut self,
        at: &str,
        per_second: &Option<Spanned<i64>>,
        burst: &Option<Spanned<i64>>,
    ) -> Option<Rate> {
        if per_second.is_none() {
            self.wrong(
                at,
                "the rate does not say how many a second",
                "write `per_second = 200`, and `burst = 400` if more may come at once",
            );
            return None;
        }
        let per_second = self.count(per_second, MAX_RATE, 1);
        let burst = self.count(burst, MAX_RATE, per_second);
        Some(Rate { per_second, burst })
    }

    fn edge(&mut self, at: &str, edge: Edge) -> EdgeConfig {
        if edge.name.is_none() && edge.spiffe.is_none() && edge.spki_sha256.is_none() {
            self.wrong(
                at,
                "the rule does not say which edge it is for",
                "write `name = \"…\"`, a DNS name of the edge's certificate, `spiffe = \"…\"`, or `spki_sha256 = \"…\"`",
            );
        }
        let name = edge.name.and_then(|name| {
            self.value(&format!("{at}.name"), &name, |text| {
                text.parse().map_err(no_dns_name)
            })
        });
        let spiffe = edge
            .spiffe
            .and_then(|id| self.value(&format!("{at}.spiffe"), &id, SpiffeSelector::from_str));
        if let Some(empty) = edge.from.as_ref().filter(|from| from.get_ref().is_empty()) {
            let field = format!("{at}.from");
            self.origin.mark(&field, empty.span());
            self.wrong(
                &field,
                "from nowhere, the rule allows nothing",
                "remove it, if the edge may connect from anywhere",
            );
        }
        let from = self.optional(&format!("{at}.from"), edge.from, Network::from_str);
        let rate = edge.rate.and_then(|rate| {
            let at = format!("{at}.rate");
            self.origin.mark(&at, rate.span());
            let rate = rate.into_inner();
            self.rate(&at, &rate.per_second, &rate.burst)
        });
        let spki_sha256 = edge
            .spki_sha256
            .and_then(|pin| self.value(&format!("{at}.spki_sha256"), &pin, KeyId::from_str));
        let keys = self.needed(
            &format!("{at}.keys"),
            edge.keys,
            "`keys = [\"*\"]` is every key",
            KeySelector::from_str,
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
            |text| {
                NameSelector::from_str(text).map_err(|error| match error {
                    InvalidName::IpAddress => format!(
                        "{}; use `allow_no_sni = true` for clients that connect to one",
                        no_dns_name(error)
                    ),
                    _ => no_dns_name(error),
                })
            },
        );
        let rule = EdgeConfig {
            name,
            spiffe,
            spki_sha256,
            from,
            keys,
            operations,
            names,
            allow_no_sni: edge.allow_no_sni,
            administrator: edge.administrator,
            rate,
        };
        self.operations_and_the_rest(at, &rule);
        rule
    }

    /// Operations that a rule can only allow with something else.
    fn operations_and_the_rest(&mut self, at: &str, rule: &EdgeConfig) {
        for (i, operation) in rule.operations.iter().enumerate() {
            let field = format!("{at}.operations[{i}]");
            match operation {
                OperationKind::CertificateRequest if !rule.administrator => self.wrong(
                    &field,
                    "certificates are asked for by administrators, not by edges",
                    "write `administrator = true` in a rule for who administers certificates",
                ),
                OperationKind::RawDigest | OperationKind::RawRsaDecryption
                    if !rule.names.contains(&NameSelector::All) || !rule.allow_no_sni =>
                {
                    self.wrong(
                        &field,
                        format!("{operation} shows no name, so this rule would never allow it"),
                        "write `names = [\"*\"]` and `allow_no_sni = true` in a rule of its own, if the client may \
                         use the key for every name",
                    );
                }
                OperationKind::Tls13TranscriptHash
                    if !rule.names.contains(&NameSelector::All) || !rule.allow_no_sni =>
                {
                    self.wrong(
                        &field,
                        "a transcript's hash shows no name, so this rule would never allow it",
                        "write `names = [\"*\"]` and `allow_no_sni = true` in a rule of its own, if the edge may \
                         use the key for every name",
                    );
                }
                _ => {}
            }
        }
    }

    fn audit(&mut self, audit: Audit) -> AuditConfig {
        const INIT: &str = "`keyward audit init` makes a key, and prints what to write here";
        let directory =
            self.required_path("audit.directory", audit.directory, "name the log's folder");
        let key = self.required_path("audit.key", audit.key, INIT);
        let name = match audit.name {
            Some(name) => {
                self.origin.mark("audit.name", name.span());
                name.into_inner()
            }
            None => {
                self.wrong("audit.name", "the log has no name", INIT);
                String::new()
            }
        };
        let within = self.time(&audit.within_ms, AuditMode::DEFAULT_WITHIN);
        let mode = match &audit.mode {
            None => AuditMode::Strict,
            Some(mode) => self
                .value("audit.mode", mode, |text| match text {
                    "strict" => Ok(AuditMode::Strict),
                    "relaxed" => Ok(AuditMode::Relaxed { within }),
                    _ => Err("this is neither `strict` (no answer without a record) nor `relaxed`"),
                })
                .unwrap_or(AuditMode::Strict),
        };
        if let (AuditMode::Strict, Some(within)) = (mode, &audit.within_ms) {
            self.origin.mark("audit.within_ms", within.span());
            self.wrong(
                "audit.within_ms",
                "with `mode = \"strict\"` a record is on disk before the answer leaves",
                "remove it, or write `mode = \"relaxed\"`",
            );
        }
        AuditConfig {
            directory,
            key,
            name,
            mode,
        }
    }

    fn limits(&mut self, table: &LimitsTable) -> Limits {
        let default = Limits::default();
        Limits {
            connections: self.count(&table.connections, 1_000_000, default.connections),
            connections_per_edge: self.count(
                &table.connections_per_edge,
                1_000_000,
                default.connections_per_edge,
            ),
            connections_per_address: self.count(
                &table.connections_per_address,
                1_000_000,
                default.connections_per_address,
            ),
            in_flight: self.count(&table.in_flight, u16::MAX.into(), default.in_flight),
            unsent_bytes: self.count(&table.unsent_bytes, 1 << 36, default.unsent_bytes),
            queue: self.count(&table.queue, 1_000_000, default.queue),
            queue_per_edge: self.count(&table.queue_per_edge, 1_000_000, default.queue_per_edge),
            queue_bytes: self.count(&table.queue_bytes, 1 << 36, default.queue_bytes),
            workers: self.count(&table.workers, 1024, default.workers),
            handshake: self.time(&table.handshake_ms, default.handshake),
            idle: self.time(&table.idle_ms, default.idle),
            write: self.time(&table.write_ms, default.write),
            deadline: self.time(&table.deadline_ms, default.deadline),
            shutdown: self.time(&table.shutdown_ms, default.shutdown),
        }
    }

    fn count<N: TryFrom<i64> + Copy>(
        &mut self,
        written: &Option<Spanned<i64>>,
        max: i64,
        default: N,
    ) -> N {
        let source = &self.origin.source;
        let count = source.number(written.as_ref(), 1..=max, default);
        self.problems.note(count).unwrap_or(default)
    }

    fn time(&mut self, written: &Option<Spanned<i64>>, default: Duration) -> Duration {
        let source = &self.origin.source;
        let time = source.milliseconds(written.as_ref(), MAX_TIME_MS, default);
        self.problems.note(time).unwrap_or(default)
    }

    pub(super) fn mark(&mut self, field: &str, span: Range<usize>) {
        self.origin.mark(field, span);
    }

    pub(super) fn wrong(
        &mut self,
        field: &str,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let problem = self.origin.problem(field, cause, remedy);
        self.problems.push(problem);
    }

    /// A single value.
    pub(super) fn value<T, E: Display>(
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
    pub(super) fn list<T, E: Display>(
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

    fn optional<T, E: Display>(
        &mut self,
        field: &str,
        list: Option<Texts>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        list.map_or_else(Vec::new, |list| self.list(field, list, parse))
    }

    /// A list that a rule must have. Nothing is allowed by being left out, and nobody should have to guess that.
    fn needed<T, E: Display>(
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

    pub(super) fn path(&mut self, field: &str, text: Text) -> PathBuf {
        self.origin.mark(field, text.span());
        self.origin.source.path(text.into_inner())
    }

    pub(super) fn paths(&mut self, field: &str, list: Option<Texts>) -> Vec<PathBuf> {
        let name = |text: &str| Ok::<_, NoError>(text.to_owned());
        let names = self.optional(field, list, name);
        let source = &self.origin.source;
        names.iter().map(|file| source.path(file)).collect()
    }

    pub(super) fn required_path(
        &mut self,
        field: &str,
        text: Option<Text>,
        remedy: &str,
    ) -> PathBuf {
        match text {
            Some(text) => self.path(field, text),
            None => {
                self.wrong(field, format!("`{field}` is missing"), remedy);
                PathBuf::new()
            }
        }
    }
}

/// For values that any text is.
type NoError = std::convert::Infallible;

/// A reason that reads well behind the text that is wrong.
fn no_dns_name(error: InvalidName) -> String {
    format!("this is not a DNS name: {error}")
}
