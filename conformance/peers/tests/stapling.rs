//! What is shown beside a certificate: an OCSP response that OpenSSL made, and certificate transparency
//! timestamps, read back with OpenSSL.

use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_edge::{Config, ConfigError, Edge, RunningEdge};
use keyward_keyserver::{KeyServer, RunningKeyServer};
use keyward_peers::{peer_or_skip, process};
use keyward_pki::{Authority, KeyAlgorithm};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const NAME: &str = "stapled.example";

/// A folder with a CA, a site's chain, and what OpenSSL's responder says of it.
struct Files {
    openssl: PathBuf,
    folder: TempDir,
}

impl Files {
    fn new(openssl: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let authority = Authority::new("Stapling CA").unwrap();
        authority.save(path).unwrap();
        let issued = authority.issue_server(&[NAME], KeyAlgorithm::P256).unwrap();
        std::fs::create_dir(path.join("keys")).unwrap();
        issued.save(&path.join("keys"), "site").unwrap();
        // The responses are signed by the CA, which has to be in the chain.
        let chain = issued.chain_pem.clone() + &authority.ca_pem();
        std::fs::write(path.join("site.pem"), chain).unwrap();
        let key_server = authority.issue_server(&["keyserver"], KeyAlgorithm::P256);
        key_server.unwrap().save(path, "keyserver").unwrap();
        let edge = authority.issue_client("edge").unwrap();
        edge.save(path, "edge").unwrap();
        Self {
            openssl: openssl.to_owned(),
            folder,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    fn openssl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.openssl);
        command.current_dir(self.path()).args(arguments);
        process::run(command, b"").succeeded().text
    }

    /// Has OpenSSL say, for a day, that the certificate is good (`V`) or revoked (`R`).
    fn respond(&self, status: char) {
        let serial = self.openssl(&["x509", "-in", "site.pem", "-noout", "-serial"]);
        let (_, serial) = serial.rsplit_once("serial=").unwrap();
        let serial = serial.trim();
        let revoked = if status == 'R' { "250101000000Z" } else { "" };
        let index = format!("{status}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=x\n");
        self.write("index.txt", index);
        self.openssl(&[
            "ocsp",
            "-issuer",
            "ca.pem",
            "-cert",
            "site.pem",
            "-no_nonce",
            "-reqout",
            "request.der",
        ]);
        self.openssl(&[
            "ocsp",
            "-index",
            "index.txt",
            "-CA",
            "ca.pem",
            "-rsigner",
            "ca.pem",
            "-rkey",
            "ca.key",
            "-ndays",
            "1",
            "-reqin",
            "request.der",
            "-respout",
            "site.ocsp",
        ]);
    }

    fn config(&self, key_server: &str) -> Result<Config, ConfigError> {
        let text = format!(
            r#"
            [[listen]]
            address = "127.0.0.1:0"
            [key_server]
            address = "{key_server}"
            name = "keyserver"
            ca = "ca.pem"
            certificate = "edge.pem"
            key = "edge.key"
            [[site]]
            names = ["{NAME}"]
            certificates = [{{ chain = "site.pem", ocsp = "site.ocsp", scts = "site.scts" }}]
            upstream = "http://127.0.0.1:1"
            "#
        );
        Config::parse(&text, &self.path().join("edge.toml"))
    }

    async fn start(&self) -> (RunningKeyServer, RunningEdge) {
        let text = r#"
            listen = ["127.0.0.1:0"]
            certificate = "keyserver.pem"
            key = "keyserver.key"
            client_ca = "ca.pem"
            [keys]
            directory = "keys"
            [[edge]]
            name = "edge"
            keys = ["*"]
            operations = ["tls13-server-certificate-verify", "tls12-server-key-exchange"]
            names = ["*"]
        "#;
        let config = keyward_keyserver::Config::parse(text, self.path().join("keyserver.toml"));
        let key_server = KeyServer::start(config.unwrap()).await.unwrap();
        let config = self.config(&key_server.addresses()[0].to_string()).unwrap();
        let edge = Edge::start(config).await.unwrap();
        edge.keys_known().await;
        (key_server, edge)
    }

    /// What `s_client` sees of one handshake.
    fn look(&self, edge: &RunningEdge, version: &str) -> String {
        let address = edge.addresses()[0].to_string();
        let to = ["s_client", "-connect", &address, "-servername", NAME];
        // 18 is signed_certificate_timestamp (RFC 6962 §3.3.1).
        let how = ["-CAfile", "ca.pem", version, "-status", "-serverinfo", "18"];
        self.openssl(&[&to[..], &how].concat())
    }
}

/// A list of one timestamp that no log has signed: what matters here is that it arrives as it is.
fn scts() -> Vec<u8> {
    let sct = [0xa5; 60];
    let length = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let mut list = length(sct.len() + 2).to_vec();
    list.extend(length(sct.len()));
    list.extend(sct);
    list
}

#[test]
fn a_response_and_timestamps_are_shown() {
    let files = Files::new(&peer_or_skip!("openssl"));
    files.write("site.scts", scts());
    files.respond('V');
    let runtime = Runtime::new().unwrap();
    let (_key_server, edge) = runtime.block_on(files.start());
    // `-serverinfo` prints the extension as PEM: 0xa5 three times is `paWl` in base64.
    let shown = "paWl".repeat(10);
    for version in ["-tls1_2", "-tls1_3"] {
        let text = files.look(&edge, version);
        assert!(text.contains("OCSP Response Status: successful"), "{text}");
        assert!(text.contains("Cert Status: good"), "{text}");
        // `s_client` asks for the extension by number in TLS 1.2 alone.
        let expected = version == "-tls1_2";
        assert_eq!(text.contains(&shown), expected, "{text}");
    }

    // One that cannot be used is not shown, and costs nothing else.
    files.write("site.ocsp", [0x30, 0]);
    assert_eq!(runtime.block_on(edge.reload()).changed, 1);
    let text = files.look(&edge, "-tls1_3");
    assert!(text.contains("OCSP response: no response sent"), "{text}");

    files.respond('V');
    assert_eq!(runtime.block_on(edge.reload()).changed, 1);
    let text = files.look(&edge, "-tls1_3");
    assert!(text.contains("Cert Status: good"), "{text}");
    runtime.block_on(edge.shutdown(std::time::Duration::ZERO));
}

#[test]
fn what_cannot_be_shown_is_an_error_at_the_start() {
    let files = Files::new(&peer_or_skip!("openssl"));
    let wrong = |cause: &str| {
        let error = files.config("127.0.0.1:1").unwrap_err().to_string();
        assert!(error.contains(cause), "{error}");
    };
    files.write("site.scts", scts());
    wrong("cannot read");
    files.respond('R');
    wrong("revoked");
    files.respond('V');
    files.config("127.0.0.1:1").unwrap();
    files.write("site.scts", "no list");
    wrong("no list of signed certificate timestamps");
    files.write("site.scts", scts());
    // Without the CA nothing vouches for the response.
    let leaf = std::fs::read(files.path().join("keys/site.pem")).unwrap();
    files.write("site.pem", leaf);
    wrong("add the certificate of the CA to the chain's file");
}
