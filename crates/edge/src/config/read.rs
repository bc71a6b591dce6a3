//! From the written configuration to the checked one.

use std::net::SocketAddr;
use std::path::PathBuf;

use keyward_config::{ConfigError, Problem, Problems, Source, Spanned};
use keyward_keyclient::{Address, KeyClientConfig, KeyClientConfigError};
use keyward_tls::VerifySignatures;

use super::raw::{RawConfig, RawKeyServer, RawLimits, RawListen, RawTimeouts};
use super::{Config, Limits, Timeouts, site};

pub(super) type Checked<T> = Result<T, Problem>;

pub(super) fn config(source: &Source) -> Result<Config, ConfigError> {
    let raw: RawConfig = source.parse()?;
    let mut problems = Problems::default();
    if raw.listen.is_empty() {
        problems.push(source.problem_in_file(
            "there is no address to listen on",
            "add a [[listen]] section with address = \"0.0.0.0:443\"",
        ));
    }
    if raw.site.is_empty() {
        problems.push(source.problem_in_file(
            "there is no site",
            "add a [[site]] section with names and an upstream",
        ));
    }
    let listen = raw
        .listen
        .iter()
        .map(|listen| listen_address(source, listen));
    let listen = problems.note_all(listen);
    let key_server = problems.note(key_server(source, &raw.key_server));
    let sites = site::all(source, &raw.site, &mut problems);
    let timeouts = problems.note(timeouts(source, &raw.timeouts));
    let limits = problems.note(limits(source, &raw.limits));
    let verify_signatures =
        problems.note(verify_signatures(source, raw.verify_signatures.as_ref()));
    let admin = match &raw.admin {
        Some(admin) => problems.note(admin.read(source)).map(Some),
        None => Some(None),
    };
    let log = raw.log.unwrap_or_default().read(source);
    let log = problems.note(log);
    let handshake_records = raw
        .handshake_records
        .as_deref()
        .map(|path| source.path(path));
    let config = || {
        Some(Config {
            listen,
            key_server: key_server?,
            sites,
            timeouts: timeouts?,
            limits: limits?,
            handshake_records,
            admin: admin?,
            log: log?,
            verify_signatures: verify_signatures?,
            tls12_session_tickets: raw.tls12_session_tickets.unwrap_or(true),
            certificate_compression: raw.certificate_compression.unwrap_or(true),
        })
    };
    let config = config();
    problems.check()?;
    Ok(config.expect("a value is missing only where a problem was noted"))
}

fn listen_address(source: &Source, listen: &RawListen) -> Checked<SocketAddr> {
    let text = listen.address.get_ref();
    text.parse().map_err(|_| {
        source.problem(
            listen.address.span(),
            format!("\"{text}\" is no address and port"),
            "write an IP address and a port, as in \"0.0.0.0:443\" or \"[::]:443\"",
        )
    })
}

fn key_server(source: &Source, raw: &RawKeyServer) -> Checked<KeyClientConfig> {
    let text = raw.address.get_ref();
    let address: Address = text.parse().map_err(|error| {
        source.problem(
            raw.address.span(),
            format!("\"{text}\" is no address of a key server: {error}"),
            "write \"host:port\", or \"unix:/path\" for a socket on this machine",
        )
    })?;
    let file = |path: &Spanned<PathBuf>| source.path(path.get_ref());
    let (ca, certificate, key) = (file(&raw.ca), file(&raw.certificate), file(&raw.key));
    KeyClientConfig::from_files(address, raw.name.get_ref(), &ca, &certificate, &key).map_err(
        |error| {
            let of = [
                (&ca, &raw.ca),
                (&certificate, &raw.certificate),
                (&key, &raw.key),
            ];
            let span = of.into_iter().find_map(|(path, written)| match &error {
                KeyClientConfigError::File { path: wrong, .. } if wrong == path => {
                    Some(written.span())
                }
                _ => None,
            });
            source.problem(
                span.unwrap_or_else(|| raw.address.span()),
                format!("the channel to the key server cannot be set up: {error}"),
                "paths are relative to the folder of this file; `keyward pki init DIR` makes a \
                 CA, and certificates and keys for both ends",
            )
        },
    )
}

fn verify_signatures(source: &Source, raw: Option<&Spanned<String>>) -> Checked<VerifySignatures> {
    let Some(raw) = raw else {
        return Ok(VerifySignatures::default());
    };
    match raw.get_ref().as_str() {
        "always" => Ok(VerifySignatures::Always),
        "sampled" => Ok(VerifySignatures::Sampled),
        other => Err(source.problem(
            raw.span(),
            format!("verify_signatures cannot be \"{other}\""),
            "write \"always\" or \"sampled\"",
        )),
    }
}

/// The longest timeout, a day: a longer one is a mistake in the unit.
const MAX_TIMEOUT_MS: i64 = 24 * 3600 * 1000;

fn timeouts(source: &Source, raw: &RawTimeouts) -> Checked<Timeouts> {
    let base = Timeouts::default();
    let read = |value: &Option<Spanned<i64>>, default| {
        source.milliseconds(value.as_ref(), MAX_TIMEOUT_MS, default)
    };
    Ok(Timeouts {
        handshake: read(&raw.handshake_ms, base.handshake)?,
        key_operation: read(&raw.key_operation_ms, base.key_operation)?,
        header: read(&raw.header_ms, base.header)?,
        idle: read(&raw.idle_ms, base.idle)?,
        body: read(&raw.body_ms, base.body)?,
        connect: read(&raw.connect_ms, base.connect)?,
        upstream: read(&raw.upstream_ms, base.upstream)?,
        tunnel: read(&raw.tunnel_ms, base.tunnel)?,
    })
}

fn limits(source: &Source, raw: &RawLimits) -> Checked<Limits> {
    let base = Limits::default();
    let read = |value: &Option<Spanned<i64>>, range, default| {
        source.number(value.as_ref(), range, default)
    };
    Ok(Limits {
        connections: read(&raw.connections, 1..=1_000_000, base.connections)?,
        sessions: read(&raw.sessions, 0..=10_000_000, base.sessions)?,
        early_data: read(&raw.early_data, 1..=10_000_000, base.early_data)?,
        upstream_idle_connections: read(
            &raw.upstream_idle_connections,
            0..=100_000,
            base.upstream_idle_connections,
        )?,
    })
}
