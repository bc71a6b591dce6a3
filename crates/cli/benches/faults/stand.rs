//! Three key servers and an edge, with their files.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use keyward_observe::HandshakeRecord;
use keyward_pki::{Authority, KeyAlgorithm};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;

use crate::process::{Log, Process};
use crate::relay::Relay;

/// The site's name.
pub(crate) const SITE: &str = "shop.example";

/// Which key server is slowed down; the edge reaches it through a relay.
pub(crate) const SLOWED: usize = 0;
/// Which is killed, restarted, and gets other certificates.
pub(crate) const KILLED: usize = 1;
/// Which is frozen, and has a full disk: it records every use before it answers.
pub(crate) const FROZEN: usize = 2;
pub(crate) const FULL: usize = 2;

pub(crate) struct Stand {
    dir: TempDir,
    sites: Authority,
    key_servers: Vec<Option<Process>>,
    edge: Option<Process>,
    relay: Relay,
    logs: Vec<Log>,
    /// By address, as the edge calls it.
    places: HashMap<String, usize>,
    /// Lines of the edge's handshake records that were read.
    read: usize,
}

/// Who answered in a phase, as the edge's handshake records tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) by_server: [u32; 3],
    /// Operations that a second key server was asked as well.
    pub(crate) hedged: u32,
    /// Operations that went to another key server, after a failure or silence.
    pub(crate) elsewhere: u32,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let sites = Authority::new("Site CA").expect("a CA");
        keyward(&dir, &["pki", "init", "pki"]);
        keyward(&dir, &["pki", "init", "strangers"]);
        keyward(
            &dir,
            &["audit", "init", "audit.key", "--name", "keys.example/audit"],
        );
        fs::create_dir(dir.path().join("keys")).expect("a folder");
        let issued = sites
            .issue_server(&[SITE], KeyAlgorithm::P256)
            .expect("a certificate");
        write(dir.path(), "keys/shop.key", issued.key_pem.as_bytes());
        write(dir.path(), "shop.pem", issued.chain_pem.as_bytes());
        let addresses: Vec<String> = (1..=3).map(own_address).collect();
        let relay = Relay::start(addresses[SLOWED].clone()).await;
        let mut ways = addresses.clone();
        ways[SLOWED] = relay.address();
        let places = ways.iter().cloned().zip(0..).collect();
        let mut stand = Self {
            dir,
            sites,
            key_servers: vec![None, None, None],
            edge: None,
            relay,
            logs: vec![Log::default(); 4],
            places,
            read: 0,
        };
        stand.logs.iter_mut().for_each(|log| *log = Log::default());
        for (n, address) in addresses.iter().enumerate() {
            stand.certificate_from(n, "pki");
            stand.write_key_server(n, address);
            stand.start_again(n);
        }
        let edge = stand.write_edge(&ways);
        stand.edge = Some(Process::start("edge", &edge, &stand.logs[3]));
        stand
    }

    pub(crate) fn edge_address(&self) -> String {
        let edge = self.edge.as_ref().expect("the edge runs");
        edge.address().to_owned()
    }

    /// That of clients who trust the site's CA, and resume nothing.
    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.sites.ca_der().clone()).expect("a CA");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    }

    pub(crate) fn kill(&mut self, n: usize) {
        let mut process = self.key_servers[n].take().expect("it runs");
        process.signal("KILL");
        process.wait();
    }

    /// In order: it tells the edge, and answers what it has.
    pub(crate) fn stop(&mut self, n: usize) {
        let mut process = self.key_servers[n].take().expect("it runs");
        process.signal("TERM");
        process.wait();
    }

    pub(crate) fn start_again(&mut self, n: usize) {
        let config = self.path(&format!("keyserver-{n}.toml"));
        self.key_servers[n] = Some(Process::start("keyserver", &config, &self.logs[n]));
    }

    pub(crate) fn signal(&self, n: usize, name: &str) {
        self.running(n).signal(name);
    }

    pub(crate) fn limit_files(&self, n: usize, bytes: &str) {
        self.running(n).limit_files(bytes);
    }

    /// The way to the key server, and back, takes so long.
    pub(crate) fn slow(&self, ms: u64) {
        self.relay.delay(ms);
    }

    /// A mistake of its operator's.
    pub(crate) fn certificate_of_a_stranger(&self, n: usize) {
        self.certificate_from(n, "strangers");
    }

    pub(crate) fn renew_certificate(&self, n: usize) {
        keyward(
            &self.dir,
            &[
                "pki",
                "issue",
                "--ca",
                "pki",
                "--name",
                "keyserver",
                "--out",
                "renewed",
            ],
        );
        for extension in ["pem", "key"] {
            let from = self.path(&format!("renewed.{extension}"));
            let to = self.path(&format!("keyserver-{n}.{extension}"));
            fs::rename(from, to).expect("a new file");
        }
    }

    /// Who answered since this was last asked.
    pub(crate) fn answers(&mut self) -> Answers {
        let text = fs::read_to_string(self.path("records.jsonl")).unwrap_or_default();
        // The last line may not be whole yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut answers = Answers::default();
        let lines = whole.lines().skip(self.read);
        let mut read = 0;
        for line in lines {
            read += 1;
            let record: HandshakeRecord = serde_json::from_str(line).expect("a record");
            for answer in record.key_servers {
                if let Some(place) = self.places.get(&answer.server) {
                    answers.by_server[*place] += 1;
                }
                answers.hedged += u32::from(answer.hedged);
                answers.elsewhere += u32::from(answer.retries > 0);
            }
        }
        self.read += read;
        answers
    }

    /// What all of them said last.
    pub(crate) fn logs(&self) -> String {
        let names = ["key server 0", "key server 1", "key server 2", "edge"];
        let logs = names.iter().zip(&self.logs);
        logs.map(|(name, log)| format!("── {name}\n{}", log.text()))
            .collect()
    }

    fn certificate_from(&self, n: usize, pki: &str) {
        for extension in ["pem", "key"] {
            let from = self.path(&format!("{pki}/keyserver.{extension}"));
            let to = self.path(&format!("keyserver-{n}.{extension}"));
            fs::copy(from, to).expect("a file");
        }
    }

    fn running(&self, n: usize) -> &Process {
        self.key_servers[n].as_ref().expect("it runs")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write_key_server(&self, n: usize, address: &str) {
        let audit = if n == FULL {
            "[audit]\ndirectory = \"audit\"\nkey = \"audit.key\"\nname = \"keys.example/audit\"\nmode = \"strict\"\n"
        } else {
            ""
        };
        let text = format!(
            "listen = [\"{address}\"]\n\
             certificate = \"keyserver-{n}.pem\"\n\
             key = \"keyserver-{n}.key\"\n\
             client_ca = \"pki/ca.pem\"\n\
             [keys]\n\
             directory = \"keys\"\n\
             {audit}\
             [[edge]]\n\
             name = \"edge\"\n\
             keys = [\"*\"]\n\
             operations = [\"tls13-server-certificate-verify\", \"tls12-server-key-exchange\"]\n\
             names = [\"{SITE}\"]\n"
        );
        write(
            self.dir.path(),
            &format!("keyserver-{n}.toml"),
            text.as_bytes(),
        );
    }

    fn write_edge(&self, key_servers: &[String]) -> PathBuf {
        let text = format!(
            "handshake_records = \"records.jsonl\"\n\
             [[listen]]\n\
             address = \"127.0.0.1:0\"\n\
             [key_server]\n\
             addresses = {key_servers:?}\n\
             name = \"keyserver\"\n\
             ca = \"pki/ca.pem\"\n\
             certificate = \"pki/edge.pem\"\n\
             key = \"pki/edge.key\"\n\
             [[site]]\n\
             names = [\"{SITE}\"]\n\
             certificates = [\"shop.pem\"]\n\
             upstream = \"http://127.0.0.1:1\"\n"
        );
        write(self.dir.path(), "edge.toml", text.as_bytes());
        self.path("edge.toml")
    }
}

/// An address that a key server can have again after a restart: on this machine nobody else is there.
fn own_address(n: u32) -> String {
    let [_, high, low, _] = std::process::id().to_le_bytes();
    let [lowest, ..] = std::process::id().to_le_bytes();
    let ip = format!("127.{}.{}.{}", 64 + (high ^ low) % 64, lowest, n);
    let listener = TcpListener::bind((ip.as_str(), 0)).expect("a port");
    listener.local_addr().expect("an address").to_string()
}

fn keyward(dir: &TempDir, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_keyward"))
        .args(arguments)
        .current_dir(dir.path())
        .output()
        .expect("keyward starts");
    assert!(output.status.success(), "{output:?}");
}

fn write(dir: &Path, name: &str, content: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = file.open(dir.join(name)).expect("a file");
    std::io::Write::write_all(&mut file, content).expect("room");
}
