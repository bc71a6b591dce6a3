//! A directory with a private CA, site keys and a configuration, and what runs on it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use keyward_crypto::signature::PublicKey;
use keyward_keyclient::{KeyClient, KeyClientConfig, Timings};
use keyward_keyop::testing::Handshake;
use keyward_keyop::{KeyId, Operation};
use keyward_keyserver::{Address, Config, KeyServer, RunningKeyServer, StartError};
use keyward_pki::{Authority, Issued, KeyAlgorithm};
use keyward_wire::values::{CipherSuite, SignatureScheme};
use rcgen::{Issuer, KeyPair};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const ALL_OPERATIONS: &str = r#"["tls13-server-certificate-verify", "tls12-server-key-exchange", "tls12-rsa-master-secret"]"#;

/// A site's key and certificate, made once for the test binary.
pub(crate) struct Site {
    pub(crate) label: &'static str,
    pub(crate) algorithm: KeyAlgorithm,
    pub(crate) issued: Issued,
}

/// All sites: one for each kind of key.
pub(crate) fn sites() -> &'static [Site] {
    static SITES: OnceLock<Vec<Site>> = OnceLock::new();
    SITES.get_or_init(|| {
        let authority = Authority::new("public CA").unwrap();
        let site = |label, algorithm| Site {
            label,
            algorithm,
            issued: authority
                .issue_server(&["shop.example", "www.shop.example"], algorithm)
                .unwrap(),
        };
        vec![
            site("p256", KeyAlgorithm::P256),
            site("p384", KeyAlgorithm::P384),
            site("ed25519", KeyAlgorithm::Ed25519),
            site("rsa2048", KeyAlgorithm::Rsa2048),
            site("rsa3072", KeyAlgorithm::Rsa3072),
            site("rsa4096", KeyAlgorithm::Rsa4096),
        ]
    })
}

pub(crate) fn site(label: &str) -> &'static Site {
    sites().iter().find(|site| site.label == label).unwrap()
}

impl Site {
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.issued.chain_der[0]
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::from_certificate_der(self.certificate()).unwrap()
    }

    pub(crate) fn id(&self) -> KeyId {
        KeyId::of_public_key(&self.public_key())
    }

    pub(crate) fn is_rsa(&self) -> bool {
        self.label.starts_with("rsa")
    }

    pub(crate) fn handshake<'a>(&'a self, server_name: Option<&'a str>) -> Handshake<'a> {
        Handshake {
            key: self.id(),
            certificate: self.certificate(),
            server_name,
        }
    }

    pub(crate) fn scheme(&self) -> SignatureScheme {
        match self.algorithm {
            KeyAlgorithm::P256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
            KeyAlgorithm::P384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
            KeyAlgorithm::Ed25519 => SignatureScheme::ED25519,
            _ => SignatureScheme::RSA_PSS_RSAE_SHA256,
        }
    }

    pub(crate) fn tls13(&self) -> Operation {
        self.handshake(Some("shop.example")).tls13(self.scheme())
    }

    pub(crate) fn tls12(&self) -> Operation {
        let suite = if self.is_rsa() {
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        } else {
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        };
        self.handshake(Some("shop.example"))
            .tls12_ecdhe(suite, self.scheme())
            .unwrap()
    }

    /// RSA key transport of this premaster secret.
    pub(crate) fn tls12_rsa(&self, premaster: &[u8]) -> Operation {
        use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
        let public = PublicEncryptingKey::from_der(self.public_key().spki_der()).unwrap();
        let public = Pkcs1PublicEncryptingKey::new(public).unwrap();
        let mut ciphertext = vec![0; public.ciphertext_size()];
        let len = public.encrypt(premaster, &mut ciphertext).unwrap().len();
        ciphertext.truncate(len);
        self.handshake(Some("shop.example")).tls12_rsa(ciphertext)
    }
}

/// A key server's home on disk.
pub(crate) struct Home {
    pub(crate) dir: TempDir,
    pub(crate) authority: Authority,
}

impl Home {
    /// With the keys and chains of these sites, and an edge `edge-1.example`.
    pub(crate) fn new(labels: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("private CA").unwrap();
        authority.save(dir.path()).unwrap();
        authority
            .issue_server(&["keyserver"], KeyAlgorithm::P256)
            .unwrap()
            .save(dir.path(), "keyserver")
            .unwrap();
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        let home = Self { dir, authority };
        home.edge("edge-1.example");
        for label in labels {
            let site = site(label);
            home.write_key(&format!("{label}.key"), site.issued.key_pem.as_bytes());
            home.write_key(&format!("{label}.crt"), site.issued.chain_pem.as_bytes());
        }
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file among the keys, for its owner only.
    pub(crate) fn write_key(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path("keys").join(name);
        std::fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path
    }

    /// A certificate for an edge, as files of its name.
    pub(crate) fn edge(&self, name: &str) {
        self.authority
            .issue_client(name)
            .unwrap()
            .save(self.dir.path(), name)
            .unwrap();
    }

    /// The configuration, with `rest` at its end. It listens on a free TCP port and a Unix socket.
    pub(crate) fn config(&self, rest: &str) -> Config {
        Config::parse(&self.config_text(rest), self.path("keyserver.toml")).unwrap()
    }

    pub(crate) fn config_text(&self, rest: &str) -> String {
        format!(
            r#"
            listen = ["127.0.0.1:0", "unix:{}"]
            certificate = "keyserver.pem"
            key = "keyserver.key"
            client_ca = "ca.pem"
            [keys]
            directory = "keys"
            {rest}"#,
            self.path("key.sock").display()
        )
    }

    /// As [`Home::config`], with a rule that lets `edge-1.example` do everything for `*.example`.
    pub(crate) fn open_config(&self, rest: &str) -> Config {
        self.config(&format!(
            r#"{rest}
            [[edge]]
            name = "edge-1.example"
            keys = ["*"]
            operations = {ALL_OPERATIONS}
            names = ["*.example"]
            "#
        ))
    }

    /// As [`Home::open_config`], from a file, which is read again.
    pub(crate) fn open_file(&self, rest: &str) -> Config {
        let text = self.config_text(&format!(
            r#"{rest}
            [[edge]]
            name = "edge-1.example"
            keys = ["*"]
            operations = {ALL_OPERATIONS}
            names = ["*.example"]
            "#
        ));
        std::fs::write(self.path("keyserver.toml"), text).unwrap();
        Config::load(self.path("keyserver.toml")).unwrap()
    }

    pub(crate) fn client_config(&self, address: &Address, edge: &str) -> KeyClientConfig {
        let path = |name: &str| self.path(name);
        let mut config = KeyClientConfig::from_files(
            address.clone(),
            "keyserver",
            &path("ca.pem"),
            &path(&format!("{edge}.pem")),
            &path(&format!("{edge}.key")),
        )
        .unwrap();
        config.timings = Timings {
            backoff_min: Duration::from_millis(5),
            backoff_wanted: Duration::from_millis(20),
            ..config.timings
        };
        config
    }

    pub(crate) fn client(&self, address: &Address) -> KeyClient {
        KeyClient::start(self.client_config(address, "edge-1.example")).unwrap()
    }

    pub(crate) fn client_of(&self, server: &RunningKeyServer, edge: &str) -> KeyClient {
        KeyClient::start(self.client_config(&server.addresses()[0], edge)).unwrap()
    }
}

/// The private CA, for what `keyward-pki` does not make.
pub(crate) fn issuer(home: &Home) -> Issuer<'static, KeyPair> {
    let key = KeyPair::from_pem(&std::fs::read_to_string(home.path("ca.key")).unwrap()).unwrap();
    Issuer::from_ca_cert_der(home.authority.ca_der(), key).unwrap()
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) async fn start(config: Config) -> RunningKeyServer {
    KeyServer::start(config).await.unwrap()
}

/// Where one was dropped: its sockets are closed a moment later.
pub(crate) async fn start_again(config: Config) -> RunningKeyServer {
    let begin = Instant::now();
    loop {
        match KeyServer::start(config.clone()).await {
            Err(StartError::Listen { .. }) if begin.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            started => return started.unwrap(),
        }
    }
}

/// Runs a test on a runtime of its own, with a bound on its time.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test)
            .await
            .expect("the test hangs");
    });
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
