//! A key server and an edge with configurations in a temporary folder.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keyward_pki::{Authority, KeyAlgorithm};
use tempfile::TempDir;

use super::Daemon;

/// Certificates, keys and configurations; nothing runs yet.
pub(crate) struct Stand {
    pub(crate) dir: TempDir,
    pub(crate) authority: Authority,
}

/// The name of the stand's site.
pub(crate) const NAME: &str = "shop.example";

impl Stand {
    /// The site has an RSA and an ECDSA certificate for [`NAME`], in `keys/` and `certs/`.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        keyward_pki::init(dir.path().join("pki")).unwrap();
        let authority = Authority::new("Site CA").unwrap();
        for folder in ["keys", "certs"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        for (file, algorithm) in [
            ("rsa", KeyAlgorithm::Rsa2048),
            ("ecdsa", KeyAlgorithm::P256),
        ] {
            let issued = authority.issue_server(&[NAME], algorithm).unwrap();
            let key = dir.path().join(format!("keys/{file}.key"));
            keyward_pki::write_private(&key, issued.key_pem.as_bytes()).unwrap();
            fs::write(
                dir.path().join(format!("certs/{file}.pem")),
                &issued.chain_pem,
            )
            .unwrap();
        }
        Self { dir, authority }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes `keyserver.toml`.
    pub(crate) fn key_server_config(&self, listen: &str) -> PathBuf {
        self.write(
            "keyserver.toml",
            &format!(
                "listen = [\"{listen}\"]\n\
                 certificate = \"pki/keyserver.pem\"\n\
                 key = \"pki/keyserver.key\"\n\
                 client_ca = \"pki/ca.pem\"\n\
                 \n\
                 [keys]\n\
                 directory = \"keys\"\n\
                 \n\
                 [[edge]]\n\
                 name = \"edge\"\n\
                 keys = [\"*\"]\n\
                 operations = [\"tls13-server-certificate-verify\", \"tls12-server-key-exchange\"]\n\
                 names = [\"*.example\"]\n"
            ),
        )
    }

    /// Writes `edge.toml`.
    pub(crate) fn edge_config(
        &self,
        key_server: &str,
        upstream: &str,
        certificates: &[&str],
    ) -> PathBuf {
        let mut list = String::new();
        for name in certificates {
            write!(list, "\"certs/{name}.pem\", ").unwrap();
        }
        self.write(
            "edge.toml",
            &format!(
                "[[listen]]\n\
                 address = \"127.0.0.1:0\"\n\
                 \n\
                 [key_server]\n\
                 address = \"{key_server}\"\n\
                 name = \"keyserver\"\n\
                 ca = \"pki/ca.pem\"\n\
                 certificate = \"pki/edge.pem\"\n\
                 key = \"pki/edge.key\"\n\
                 \n\
                 [[site]]\n\
                 names = [\"{NAME}\"]\n\
                 certificates = [{list}]\n\
                 upstream = \"{upstream}\"\n"
            ),
        )
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        // There may be a key in it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Starts the key server on a free port; returns its address too.
    pub(crate) fn start_key_server(&self) -> (Daemon, String) {
        Daemon::attached("keyserver", &self.key_server_config("127.0.0.1:0"))
    }

    /// Starts an edge with these certificates before `upstream`; returns its address too.
    pub(crate) fn start_edge(
        &self,
        key_server: &str,
        upstream: &str,
        certificates: &[&str],
    ) -> (Daemon, String) {
        let config = self.edge_config(key_server, upstream, certificates);
        Daemon::attached("edge", &config)
    }

    pub(crate) fn secret_file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

/// An address that nobody listens on: it was free a moment ago.
pub(crate) fn closed_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The 1-based line of the first line of a file that contains `text`.
pub(crate) fn line_of(path: &Path, text: &str) -> usize {
    let content = fs::read_to_string(path).unwrap();
    1 + content
        .lines()
        .position(|line| line.contains(text))
        .unwrap()
}
