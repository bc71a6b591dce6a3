//! The key server that is measured: a process of its own, with throwaway keys, on one processor.

use std::fmt::Write;
use std::path::Path;

use keyward_crypto::private_key::PrivateKey;
use keyward_keyserver::Address;
use keyward_pki::{
    Authority, InitOptions, KeyAlgorithm, init_with, private_key_pem, write_private, write_public,
};
use rustls_pki_types::CertificateDer;
use tempfile::TempDir;

use super::args::{AuditChoice, KeyserverArgs};
use super::edge::{Dialer, Identity};
use super::processor::Split;
use crate::args::LogArgs;
use crate::demo::private_dir;
use crate::failure::Failure;
use crate::process::Process;

/// What clients ask for.
pub(crate) const NAME: &str = "bench.example";

/// A kind of key, with one of it.
pub(crate) struct Key {
    pub(crate) algorithm: KeyAlgorithm,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// For the bare loop.
    pub(crate) private: PrivateKey,
}

/// The process, and its files.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) keys: Vec<Key>,
    /// One for each edge.
    pub(crate) dialers: Vec<Dialer>,
    _dir: TempDir,
}

impl Server {
    pub(crate) async fn start(
        args: &KeyserverArgs,
        split: Split,
        log: &LogArgs,
    ) -> Result<Self, Failure> {
        let dir = private_dir("keyward-bench-")?;
        let root = dir.path();
        init_with(root, &InitOptions::default())?;
        let authority = Authority::load(root)?;
        let edges = usize::from(args.edges) + usize::from(args.beside.is_some());
        for edge in 0..edges {
            let issued = authority.issue_client(&edge_name(edge))?;
            issued.save(root, &edge_name(edge))?;
        }
        let keys = make_keys(root, &authority, args)?;
        let config = root.join("keyserver.toml");
        write_public(&config, configuration(root, args, edges)?.as_bytes())?;
        let config = config.display().to_string();
        // What is started runs where this thread does.
        split.to_server()?;
        let started = Process::start("key server", &["keyserver", "--config", &config], log).await;
        split.to_clients()?;
        let process = started?;
        let address: Address = process.address()?.parse().map_err(Failure::run_time)?;
        let dialers = (0..edges).map(|edge| {
            let file = |extension: &str| root.join(format!("{}.{extension}", edge_name(edge)));
            let identity = Identity {
                ca: root.join("ca.pem"),
                certificate: file("pem"),
                key: file("key"),
            };
            Dialer::new(&address, "keyserver", &identity)
        });
        let dialers = dialers.collect::<Result<_, _>>()?;
        Ok(Self {
            process,
            keys,
            dialers,
            _dir: dir,
        })
    }
}

fn edge_name(edge: usize) -> String {
    format!("edge-{edge}")
}

fn make_keys(
    root: &Path,
    authority: &Authority,
    args: &KeyserverArgs,
) -> Result<Vec<Key>, Failure> {
    let directory = root.join("keys");
    std::fs::create_dir(&directory).map_err(Failure::run_time)?;
    let mut keys: Vec<Key> = Vec::new();
    for algorithm in args.keys.iter().chain(&args.beside).copied() {
        if keys.iter().any(|key| key.algorithm == algorithm) {
            continue;
        }
        let issued = authority.issue_server(&[NAME], algorithm)?;
        issued.save(&directory, algorithm.name())?;
        keys.push(Key {
            algorithm,
            private: PrivateKey::from_der(issued.key_der.secret_der())
                .map_err(Failure::run_time)?,
            chain: issued.chain_der,
        });
    }
    Ok(keys)
}

fn configuration(root: &Path, args: &KeyserverArgs, edges: usize) -> Result<String, Failure> {
    let mut text = String::from(
        "listen = [\"127.0.0.1:0\"]\ncertificate = \"keyserver.pem\"\nkey = \"keyserver.key\"\n\
         client_ca = \"ca.pem\"\n[keys]\ndirectory = \"keys\"\n\
         [limits]\nconnections = 200000\nconnections_per_edge = 200000\nconnections_per_address = 200000\n\
         idle_ms = 3600000\nin_flight = 4096\n",
    );
    for edge in 0..edges {
        let _ = write!(
            text,
            "[[edge]]\nname = \"{}\"\nkeys = [\"*\"]\nnames = [\"{NAME}\"]\n\
             operations = [\"tls13-server-certificate-verify\"]\n",
            edge_name(edge)
        );
    }
    let mode = match args.audit {
        AuditChoice::Off => return Ok(text),
        AuditChoice::Relaxed => "relaxed",
        AuditChoice::Strict => "strict",
    };
    let key = private_key_pem(KeyAlgorithm::Ed25519)?;
    write_private(&root.join("audit.key"), key.as_bytes())?;
    let _ = write!(
        text,
        "[audit]\ndirectory = \"audit\"\nkey = \"audit.key\"\nname = \"bench\"\nmode = \"{mode}\"\n"
    );
    Ok(text)
}
