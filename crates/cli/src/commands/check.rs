//! `keyward check`: whether a configuration is right, without listening to anybody.

use std::path::Path;
use std::time::Duration;

use keyward_config::{AdminConfig, Problem, Source};
use keyward_keyclient::{ConnectionState, KeyClient, ServerStatus};
use tokio::time::{sleep, timeout};
use toml::Table;

use super::edge::await_keys;
use crate::args::CheckArgs;
use crate::failure::Failure;
use crate::output;

/// How long `--connect` waits for the key servers.
const CONNECT: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(crate) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let path = &args.config;
    let text = keyward_config::read(path)?;
    match Kind::of(path, &text)? {
        Kind::Edge => edge(keyward_edge::Config::parse(&text, path)?, args),
        Kind::KeyServer if args.connect => Err(Failure::usage(
            "--connect is for an edge; this is the configuration of a key server",
        )),
        Kind::KeyServer => key_server(&keyward_keyserver::Config::parse(&text, path)?, path),
    }
}

enum Kind {
    Edge,
    KeyServer,
}

impl Kind {
    /// By the settings that only one of the two has.
    fn of(path: &Path, text: &str) -> Result<Self, Problem> {
        let source = Source::new(path, text, "examples/edge.toml or examples/keyserver.toml");
        let table: Table = source.parse()?;
        let has = |names: &[&str]| names.iter().any(|name| table.contains_key(*name));
        let edge = has(&["key_server", "site"]);
        let key_server = has(&["keys", "client_ca", "edge"]);
        match (edge, key_server) {
            (true, false) => Ok(Self::Edge),
            (false, true) => Ok(Self::KeyServer),
            _ => Err(source.problem_in_file(
                "this is neither an edge's configuration nor a key server's",
                "an edge's has [key_server] and [[site]], a key server's has [keys] and [[edge]]",
            )),
        }
    }
}

fn edge(config: keyward_edge::Config, args: &CheckArgs) -> Result<(), Failure> {
    let path = args.config.display();
    let sites = config.sites.len();
    let certificates: Vec<_> = config
        .sites
        .iter()
        .flat_map(|site| &site.certificates)
        .collect();
    output::line(&format!(
        "{path}: an edge with {} and {}",
        counted(sites, "site"),
        counted(certificates.len(), "certificate chain"),
    ))?;
    admin(config.admin)?;
    if let Some(warning) = config.admin.and_then(|admin| admin.warning()) {
        tracing::warn!("{path}: {warning}");
    }
    for server in &config.key_server.servers {
        output::line(&format!(
            "  key server {}, with a certificate for {}",
            server.target, server.name
        ))?;
    }
    if !args.connect {
        return Ok(());
    }
    crate::block_on(async {
        let (client, keys) = await_keys(&config.key_server, CONNECT).await?;
        let trouble = tell_servers(&client).await?;
        let missing: Vec<String> = certificates
            .iter()
            .filter(|file| !keys.contains(&file.certificate.key()))
            .map(|file| {
                format!(
                    "{}: the key server has no key for this certificate, or none that this edge may \
                     use",
                    file.file.display()
                )
            })
            .collect();
        if !missing.is_empty() {
            return Err(Failure::configurations(missing));
        }
        if let Some(trouble) = trouble {
            return Err(Failure::key_server(trouble));
        }
        output::line(&format!(
            "{path}: the key server answers and lets this edge use {}",
            counted(keys.len(), "key")
        ))
    })
}

/// Says of each of several key servers whether it answers. Returns what is wrong, with one that does not: the edge would run, but
/// with less to fall back on than was meant.
async fn tell_servers(client: &KeyClient) -> Result<Option<String>, Failure> {
    let undecided = |status: &ServerStatus| status.connection == ConnectionState::Connecting;
    let settled = async {
        while client.servers().iter().any(undecided) {
            sleep(LOOK_AGAIN).await;
        }
    };
    let _ = timeout(CONNECT, settled).await;
    let servers = client.servers();
    if servers.len() < 2 {
        return Ok(None);
    }
    let mut trouble = None;
    for status in servers {
        let server = &status.server;
        match &status.connection {
            ConnectionState::Connected { software, .. } => {
                // The text is the peer's.
                output::line(&format!("  {server} answers ({})", software.escape_debug()))?;
                continue;
            }
            ConnectionState::Failed(error) => trouble = Some(error.to_string()),
            _ => trouble = Some(format!("{server} does not answer")),
        }
        output::line(&format!("  {server} cannot be used"))?;
    }
    Ok(trouble)
}

fn key_server(config: &keyward_keyserver::Config, path: &Path) -> Result<(), Failure> {
    let report = config.check();
    for warning in report.problems.warnings() {
        tracing::warn!("{warning}");
    }
    report.problems.check()?;
    output::line(&format!(
        "{}: a key server with {}",
        path.display(),
        counted(report.keys.len(), "key")
    ))?;
    for key in &report.keys {
        let operations: Vec<String> = key.operations.iter().map(ToString::to_string).collect();
        output::line(&format!("  {}  {}", key.label, operations.join(", ")))?;
    }
    admin(config.admin)
}

fn admin(admin: Option<AdminConfig>) -> Result<(), Failure> {
    match admin {
        Some(admin) => output::line(&format!("  looked at on http://{}/", admin.listen)),
        None => Ok(()),
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
