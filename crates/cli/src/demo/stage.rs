//! What the demo is played on: certificates and three processes, all gone when it ends.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_observe::HandshakeRecord;
use keyward_pki::{Authority, InitOptions, KeyAlgorithm, init_with, write_private, write_public};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::scenario::{Kind, Site};
use crate::args::LogArgs;
use crate::config_files::{
    Channel, EdgeFile, EdgeRule, KeyServerFile, Keys, Listen, RSA_MASTER_SECRET, SIGNING,
    SiteTable, to_toml,
};
use crate::failure::Failure;
use crate::process::Process;

const LEGACY_KEY: &str = "legacy.key";
/// How long an edge may take to write a handshake's record once it is over.
const RECORD: Duration = Duration::from_secs(5);

/// The running processes and their files. Dropping it kills and removes them.
pub(crate) struct Stage {
    pub(crate) site: Process,
    pub(crate) key_server: Process,
    pub(crate) edge: Process,
    pub(crate) certificates: Certificates,
    records: PathBuf,
    dir: TempDir,
}

/// The CA that the client trusts, and the leaves that it has to see.
pub(crate) struct Certificates {
    pub(crate) ca_pem: String,
    leaves: Vec<(Site, Kind, Vec<u8>)>,
}

impl Certificates {
    /// Which of a site's certificates this is.
    pub(crate) fn kind_of(&self, site: Site, leaf: &[u8]) -> Option<Kind> {
        self.leaves
            .iter()
            .find(|(of, _, der)| *of == site && der == leaf)
            .map(|(_, kind, _)| *kind)
    }
}

impl Stage {
    /// Makes the certificates and starts the processes: whom others depend on comes first.
    pub(crate) async fn set_up(log: &LogArgs) -> Result<Self, Failure> {
        let dir = private_dir("keyward-demo-")?;
        let root = dir.path();
        let certificates = make_certificates(root)?;
        let records = root.join("handshakes.jsonl");

        let site = Process::start("site", &["demo-site"], log).await?;
        let config = write_config(root, "keyserver.toml", &key_server_file(root))?;
        let key_server =
            Process::start("key server", &with_config("keyserver", &config), log).await?;
        let edge_file = edge_file(root, &records, key_server.address()?, site.address()?);
        let config = write_config(root, "edge.toml", &edge_file)?;
        let edge = Process::start("edge", &with_config("edge", &config), log).await?;

        Ok(Self {
            site,
            key_server,
            edge,
            certificates,
            records,
            dir,
        })
    }

    /// The CA's certificate, for other clients.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// What the edge recorded of the connection from this client address.
    pub(crate) async fn record_of(&self, peer: &str) -> Result<HandshakeRecord, Failure> {
        let deadline = Instant::now() + RECORD;
        loop {
            if let Some(record) = find_record(&self.records, peer)? {
                return Ok(record);
            }
            if Instant::now() > deadline {
                return Err(Failure::run_time(format!(
                    "the edge has no record of the connection from {peer}"
                )));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops everything, first who depends on others.
    pub(crate) async fn tear_down(self) -> Result<(), Failure> {
        self.edge.stop().await;
        self.key_server.stop().await;
        self.site.stop().await;
        self.dir
            .close()
            .map_err(|cause| Failure::run_time(format!("cannot remove the demo's files: {cause}")))
    }
}

/// A temporary folder that only this user can enter.
pub(crate) fn private_dir(prefix: &str) -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(|cause| {
            Failure::run_time(format!(
                "cannot make a folder in {}: {cause}; TMPDIR names another place",
                std::env::temp_dir().display()
            ))
        })
}

fn make_certificates(root: &Path) -> Result<Certificates, Failure> {
    init_with(root.join("channel"), &InitOptions::default())?;

    let authority = Authority::new("Keyward demo CA (throwaway)")?;
    write_public(&root.join("ca.pem"), authority.ca_pem().as_bytes())?;
    let mut leaves = Vec::new();
    for (site, kind, file) in [
        (Site::Both, Kind::Ecdsa, "demo-ecdsa"),
        (Site::Both, Kind::Rsa, "demo-rsa"),
        (Site::Rsa, Kind::Rsa, "rsa"),
        (Site::Legacy, Kind::Rsa, "legacy"),
    ] {
        let algorithm = match kind {
            Kind::Ecdsa => KeyAlgorithm::P256,
            Kind::Rsa => KeyAlgorithm::Rsa2048,
        };
        let issued = authority.issue_server(&[site.name()], algorithm)?;
        issued.save(root, file)?;
        leaves.push((site, kind, issued.chain_der[0].to_vec()));
    }
    Ok(Certificates {
        ca_pem: authority.ca_pem(),
        leaves,
    })
}

fn key_server_file(root: &Path) -> KeyServerFile {
    let channel = root.join("channel");
    let files = ["demo-ecdsa.key", "demo-rsa.key", "rsa.key", LEGACY_KEY];
    KeyServerFile {
        listen: vec!["127.0.0.1:0".to_owned()],
        certificate: channel.join("keyserver.pem"),
        key: channel.join("keyserver.key"),
        client_ca: channel.join("ca.pem"),
        keys: Keys {
            files: files.map(|name| root.join(name)).into(),
            allow_rsa_key_transport: vec![LEGACY_KEY.to_owned()],
            rsa_key_transport_also_signs: Vec::new(),
            allow_legacy: Vec::new(),
        },
        edge: vec![EdgeRule {
            name: "edge",
            keys: vec!["*"],
            operations: vec![SIGNING[0], SIGNING[1], RSA_MASTER_SECRET],
            names: vec!["*.keyward.test".to_owned()],
            allow_no_sni: false,
        }],
    }
}

fn edge_file(root: &Path, records: &Path, key_server: &str, site: &str) -> EdgeFile {
    let channel = root.join("channel");
    let sites = [
        (
            Site::Both,
            "intermediate",
            vec!["demo-ecdsa.pem", "demo-rsa.pem"],
        ),
        (Site::Rsa, "intermediate", vec!["rsa.pem"]),
        (Site::Legacy, "legacy", vec!["legacy.pem"]),
    ];
    EdgeFile {
        handshake_records: Some(records.to_owned()),
        listen: vec![Listen {
            address: "127.0.0.1:0".to_owned(),
        }],
        key_server: Channel {
            address: key_server.to_owned(),
            name: "keyserver",
            ca: channel.join("ca.pem"),
            certificate: channel.join("edge.pem"),
            key: channel.join("edge.key"),
        },
        site: sites
            .into_iter()
            .map(|(name, policy, certificates)| SiteTable {
                names: vec![name.name().to_owned()],
                certificates: certificates.iter().map(|name| root.join(name)).collect(),
                upstream: format!("http://{site}"),
                policy,
                client_auth: None,
                client_ca: None,
                client_crl: Vec::new(),
                default: false,
            })
            .collect(),
    }
}

fn write_config<T: serde::Serialize>(
    root: &Path,
    name: &str,
    file: &T,
) -> Result<PathBuf, Failure> {
    let path = root.join(name);
    write_private(&path, to_toml(file)?.as_bytes())?;
    Ok(path)
}

fn with_config(command: &str, config: &Path) -> Vec<OsString> {
    vec![command.into(), "--config".into(), config.into()]
}

fn find_record(path: &Path, peer: &str) -> Result<Option<HandshakeRecord>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::run_time(format!("{}: {error}", path.display()))),
    };
    // The last line may be half written; it is whole at the next try.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let record: HandshakeRecord = serde_json::from_str(line).map_err(|cause| {
            Failure::run_time(format!(
                "the edge's record of a handshake is unreadable: {cause}"
            ))
        })?;
        if record.peer.as_deref() == Some(peer) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}
