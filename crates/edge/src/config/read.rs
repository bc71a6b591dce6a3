//! From the written configuration to the checked one.

use std::net::SocketAddr;

use keyward_config::{ConfigError, Problem, Problems, Source, Spanned};
use keyward_tls::VerifySignatures;

use super::raw::{RawConfig, RawLimits, RawListen, RawTimeouts};
use super::{Config, Limits, Timeouts, gokeyless, key_server, site};

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
    let key_server = key_server::read(source, &raw.key_server, &mut problems);
    let gokeyless = raw.gokeyless.as_ref();
    let gokeyless = gokeyless.and_then(|raw| problems.note(gokeyless::read(source, raw)));
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
            gokeyless,
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
