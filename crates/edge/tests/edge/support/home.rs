//! A key server and an edge in this process, with a PKI of their own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use keyward_edge::{Config, Edge, RunningEdge};
use keyward_keyserver::{KeyServer, RunningKeyServer};
use keyward_pki::{Authority, Issued, KeyAlgorithm};
use tempfile::TempDir;

use super::Log;

/// Certificates for all tests; making RSA keys takes its time.
pub(crate) struct Pki {
    channel: Authority,
    key_server: Issued,
    edge: Issued,
    pub(crate) sites: Authority,
    pub(crate) ecdsa: Issued,
    pub(crate) rsa: Issued,
}

/// The names that the sites' certificates are for.
pub(crate) const NAMES: [&str; 4] = [
    "shop.example",
    "*.shop.example",
    "other.example",
    "tcp.example",
];

pub(crate) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let channel = Authority::new("channel").unwrap();
        let sites = Authority::new("sites").unwrap();
        Pki {
            key_server: channel
                .issue_server(&["keyserver"], KeyAlgorithm::P256)
                .unwrap(),
            edge: channel.issue_client("edge-1.example").unwrap(),
            ecdsa: sites.issue_server(&NAMES, KeyAlgorithm::P256).unwrap(),
            rsa: sites.issue_server(&NAMES, KeyAlgorithm::Rsa2048).unwrap(),
            channel,
            sites,
        }
    })
}

/// A `[[site]]` section.
pub(crate) struct Site(String);

impl Site {
    pub(crate) fn new(names: &[&str], upstream: &str) -> Self {
        Self(format!(
            "[[site]]\nnames = {names:?}\nupstream = \"{upstream}\"\n\
             certificates = [\"ecdsa.pem\", \"rsa.pem\"]\n"
        ))
    }

    /// With the chain of this file.
    pub(crate) fn with_chain(names: &[&str], upstream: &str, file: &str) -> Self {
        Self::from_catalog(names, upstream).with(&format!("certificates = [\"{file}\"]"))
    }

    /// With the chains of the key server's catalog.
    pub(crate) fn from_catalog(names: &[&str], upstream: &str) -> Self {
        Self(format!(
            "[[site]]\nnames = {names:?}\nupstream = \"{upstream}\"\n"
        ))
    }

    pub(crate) fn with(mut self, setting: &str) -> Self {
        writeln!(self.0, "{setting}").unwrap();
        self
    }
}

/// A folder with all files, and the parts that run.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) key_server: Option<RunningKeyServer>,
    pub(crate) edge: Option<RunningEdge>,
    pub(crate) log: Log,
}

impl Home {
    /// The files, and nothing that runs.
    pub(crate) fn new() -> Self {
        let log = Log::start();
        let folder = tempfile::tempdir().unwrap();
        let pki = pki();
        let write = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            keyward_pki::write_private(&path, content.as_bytes()).unwrap();
        };
        write("channel-ca.pem", &pki.channel.ca_pem());
        write("sites-ca.pem", &pki.sites.ca_pem());
        for (name, issued) in [("keyserver", &pki.key_server), ("edge", &pki.edge)] {
            write(&format!("{name}.pem"), &issued.chain_pem);
            write(&format!("{name}.key"), &issued.key_pem);
        }
        for (name, issued) in [("ecdsa", &pki.ecdsa), ("rsa", &pki.rsa)] {
            write(&format!("{name}.pem"), &issued.chain_pem);
            write(&format!("keys/{name}.key"), &issued.key_pem);
            write(&format!("keys/{name}.pem"), &issued.chain_pem);
        }
        Self {
            folder,
            key_server: None,
            edge: None,
            log,
        }
    }

    /// The files of another site's certificate, and its key with the key server.
    pub(crate) fn add(&self, name: &str, issued: &Issued) {
        std::fs::write(self.path(&format!("{name}.pem")), &issued.chain_pem).unwrap();
        let key = self.path(&format!("keys/{name}.key"));
        keyward_pki::write_private(&key, issued.key_pem.as_bytes()).unwrap();
    }

    /// A key server, and an edge with these sites.
    pub(crate) async fn start(sites: &[Site]) -> Self {
        Self::start_with("", sites, "").await
    }

    /// As [`Home::start`], with settings before and after the sites.
    pub(crate) async fn start_with(before: &str, sites: &[Site], after: &str) -> Self {
        let mut home = Self::new();
        home.start_key_server().await;
        home.start_edge(&home.socket(), before, sites, after).await;
        home.connected().await;
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The key server's address.
    pub(crate) fn socket(&self) -> String {
        format!("unix:{}", self.path("key.sock").display())
    }

    /// A key server that lets the edge do everything.
    pub(crate) async fn start_key_server(&mut self) {
        self.start_key_server_with(
            r#"
            [[edge]]
            name = "edge-1.example"
            keys = ["*"]
            operations = ["tls13-server-certificate-verify", "tls12-server-key-exchange"]
            names = ["*"]
            allow_no_sni = true
            "#,
        )
        .await;
    }

    /// A key server with these rules.
    pub(crate) async fn start_key_server_with(&mut self, rules: &str) {
        let text = format!(
            r#"
            listen = ["{}"]
            certificate = "keyserver.pem"
            key = "keyserver.key"
            client_ca = "channel-ca.pem"
            [keys]
            directory = "keys"
            {rules}"#,
            self.socket()
        );
        let config =
            keyward_keyserver::Config::parse(&text, self.path("keyserver.toml")).expect("valid");
        self.key_server = Some(
            KeyServer::start(config)
                .await
                .expect("the key server starts"),
        );
    }

    /// Ends the key server at once, as a crash does.
    pub(crate) fn kill_key_server(&mut self) {
        drop(self.key_server.take());
        let _ = std::fs::remove_file(self.path("key.sock"));
    }

    pub(crate) fn edge_config(
        &self,
        key_server: &str,
        before: &str,
        sites: &[Site],
        after: &str,
    ) -> String {
        let sites: String = sites.iter().map(|site| site.0.as_str()).collect();
        format!(
            r#"{before}
            [[listen]]
            address = "127.0.0.1:0"
            [key_server]
            address = "{key_server}"
            name = "keyserver"
            ca = "channel-ca.pem"
            certificate = "edge.pem"
            key = "edge.key"
            {sites}
            {after}"#
        )
    }

    pub(crate) async fn start_edge(
        &mut self,
        key_server: &str,
        before: &str,
        sites: &[Site],
        after: &str,
    ) {
        let text = self.edge_config(key_server, before, sites, after);
        let config = Config::parse(&text, &self.path("edge.toml"))
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        self.edge = Some(Edge::start(config).await.expect("the edge starts"));
    }

    /// Waits until the edge has a connection to the key server.
    pub(crate) async fn connected(&self) {
        super::until("the edge reaches the key server", || {
            self.edge().key_server_connected()
        })
        .await;
    }

    pub(crate) fn edge(&self) -> &RunningEdge {
        self.edge.as_ref().expect("the edge runs")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.edge().addresses()[0]
    }

    /// Stops the edge.
    pub(crate) async fn stop_edge(&mut self, grace: Duration) -> usize {
        let edge = self.edge.take().expect("the edge runs");
        super::soon("the edge stops", edge.shutdown(grace)).await
    }
}

/// For tests of files: the folder's path as a text.
impl AsRef<Path> for Home {
    fn as_ref(&self) -> &Path {
        self.folder.path()
    }
}
