//! The stand: key server, edge and a service behind, in this process, on free loopback ports.

mod files;
mod service;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use keyward_edge::{Edge, RunningEdge};
use keyward_keyserver::{KeyServer, RunningKeyServer};
use keyward_observe::HandshakeRecord;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use service::{BACKGROUND, pattern};

/// The sites that the edge serves; each for one name and every name below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// An ECDSA P-256 certificate.
    Ecdsa,
    /// An RSA-2048 certificate.
    Rsa,
    /// An ECDSA P-256 and an RSA-2048 certificate for the same name.
    Both,
    /// An Ed25519 certificate.
    Ed25519,
    /// `policy = "legacy"`: an ECDSA P-256 certificate, and an RSA-2048 one whose key does RSA key
    /// transport and nothing else.
    Legacy,
    /// `policy = "modern"`: TLS 1.3 alone.
    Modern,
    /// What the oldest clients of TLS 1.2 need: `policy = "legacy"` with renegotiation, and an RSA-2048
    /// certificate whose key does all that the key server's switches allow.
    Old,
    /// ECDSA P-256, for clients with a certificate alone.
    Mutual,
    /// ECDSA P-256, and early data.
    Early,
    /// ECDSA P-256, with a certificate that may delegate, and delegated credentials.
    Delegating,
    /// ECDSA P-256, and TCP mode: the service sends back what it gets.
    Echo,
}

impl Site {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Ecdsa,
        Self::Rsa,
        Self::Both,
        Self::Ed25519,
        Self::Legacy,
        Self::Modern,
        Self::Old,
        Self::Mutual,
        Self::Early,
        Self::Delegating,
        Self::Echo,
    ];

    /// Its domain.
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Ecdsa => "ecdsa.example",
            Self::Rsa => "rsa.example",
            Self::Both => "both.example",
            Self::Ed25519 => "ed25519.example",
            Self::Legacy => "legacy.example",
            Self::Modern => "modern.example",
            Self::Old => "old.example",
            Self::Mutual => "mutual.example",
            Self::Early => "early.example",
            Self::Delegating => "delegating.example",
            Self::Echo => "echo.example",
        }
    }
}

/// A running key server, edge and service. Dropping it stops them.
pub struct Stand {
    runtime: Runtime,
    edge: Option<RunningEdge>,
    key_server: Option<RunningKeyServer>,
    address: SocketAddr,
    directory: TempDir,
    hosts: AtomicUsize,
}

impl Stand {
    /// Makes a private CA, keys and certificates, and starts all three.
    ///
    /// # Panics
    /// If any of them does not start: then there is nothing to test.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let runtime = Runtime::new().expect("a runtime");
        let (edge, key_server, address) = runtime.block_on(async {
            let upstream = service::start().await;
            files::pki(directory.path());
            let config = files::key_server(directory.path());
            let config =
                keyward_keyserver::Config::load(&config).expect("the key server's configuration");
            let key_server = KeyServer::start(config)
                .await
                .expect("the key server starts");
            let config = files::edge(directory.path(), &key_server.addresses()[0], &upstream);
            let config = keyward_edge::Config::load(&config).expect("the edge's configuration");
            let edge = Edge::start(config).await.expect("the edge starts");
            let address = edge.addresses()[0];
            (edge, key_server, address)
        });
        Self {
            runtime,
            edge: Some(edge),
            key_server: Some(key_server),
            address,
            directory,
            hosts: AtomicUsize::new(0),
        }
    }

    /// Where the edge listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that every site's chain ends at, PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join(files::CA)
    }

    /// A client's certificate from the same CA, PEM, and its key.
    pub fn client_files(&self) -> (PathBuf, PathBuf) {
        let file = |name| self.directory.path().join(name);
        (file(files::CLIENT), file(files::CLIENT_KEY))
    }

    /// A directory for what a peer writes, gone with the stand.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A name of `site` that nobody has asked for before, so that its handshakes can be told apart.
    pub fn host(&self, site: Site) -> String {
        format!(
            "n{}.{}",
            self.hosts.fetch_add(1, Ordering::Relaxed),
            site.domain()
        )
    }

    /// What the edge recorded of the handshakes for `host`: waits until there are `count`.
    ///
    /// # Panics
    /// If there are fewer after some seconds, or more.
    #[track_caller]
    pub fn handshakes(&self, host: &str, count: usize) -> Vec<HandshakeRecord> {
        let records = self.handshakes_at_least(host, count);
        assert_eq!(records.len(), count, "for {host}: {records:#?}");
        records
    }

    /// The same for a peer that opens as many connections as it likes.
    ///
    /// # Panics
    /// If there are fewer after some seconds.
    #[track_caller]
    pub fn handshakes_at_least(&self, host: &str, count: usize) -> Vec<HandshakeRecord> {
        let file = self.directory.path().join(files::HANDSHAKES);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let records: Vec<_> = fs::read_to_string(&file)
                .unwrap_or_default()
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .filter(|record: &HandshakeRecord| record.server_name.as_deref() == Some(host))
                .collect();
            if records.len() >= count {
                return records;
            }
            assert!(
                Instant::now() < deadline,
                "fewer than {count} for {host}: {records:#?}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The record of the one handshake for `host`.
    #[track_caller]
    pub fn handshake(&self, host: &str) -> HandshakeRecord {
        self.handshakes(host, 1).swap_remove(0)
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let (edge, key_server) = (self.edge.take(), self.key_server.take());
        self.runtime.block_on(async {
            if let Some(edge) = edge {
                edge.shutdown(Duration::ZERO).await;
            }
            if let Some(key_server) = key_server {
                key_server.shutdown().await;
            }
        });
    }
}
