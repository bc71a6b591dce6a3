//! What `serve` writes into its private folder: certificates for the channel and the two
//! configurations.

use std::path::{Path, PathBuf};

use keyward_pki::{InitOptions, init_with, write_private};

use super::chains::Chains;
use crate::args::{PolicyName, ServeArgs};
use crate::config_files::{
    Channel, EdgeFile, EdgeRule, KeyServerFile, Keys, Listen, RSA_MASTER_SECRET, SIGNING,
    SiteTable, to_toml,
};
use crate::failure::Failure;

/// Paths in the folder.
pub(crate) struct Files {
    /// The edge's configuration.
    pub(crate) edge: PathBuf,
    /// The key server's configuration.
    pub(crate) key_server: PathBuf,
    /// The Unix socket between them.
    pub(crate) socket: PathBuf,
}

pub(crate) fn write(dir: &Path, args: &ServeArgs, chains: &Chains) -> Result<Files, Failure> {
    let files = Files {
        edge: dir.join("edge.toml"),
        key_server: dir.join("keyserver.toml"),
        socket: dir.join("key.sock"),
    };
    init_with(dir, &InitOptions::default())?;
    let socket = format!("unix:{}", files.socket.display());
    let key_server = key_server_file(dir, &socket, args.policy, chains);
    write_private(&files.key_server, to_toml(&key_server)?.as_bytes())?;
    let edge = edge_file(dir, &socket, args, chains);
    write_private(&files.edge, to_toml(&edge)?.as_bytes())?;
    Ok(files)
}

fn key_server_file(dir: &Path, socket: &str, policy: PolicyName, chains: &Chains) -> KeyServerFile {
    let mut operations = vec![SIGNING[0]];
    if policy != PolicyName::Modern {
        operations.push(SIGNING[1]);
    }
    // One key for both is what `legacy` means on one machine: there is one certificate.
    let rsa = match policy {
        PolicyName::Legacy => chains.rsa_keys(),
        PolicyName::Modern | PolicyName::Intermediate => Vec::new(),
    };
    if !rsa.is_empty() {
        operations.push(RSA_MASTER_SECRET);
    }
    KeyServerFile {
        listen: vec![socket.to_owned()],
        certificate: dir.join("keyserver.pem"),
        key: dir.join("keyserver.key"),
        client_ca: dir.join("ca.pem"),
        keys: Keys {
            files: chains.keys.clone(),
            allow_rsa_key_transport: rsa.clone(),
            rsa_key_transport_also_signs: rsa,
            allow_legacy: match policy {
                PolicyName::Legacy => chains.all_keys(),
                PolicyName::Modern | PolicyName::Intermediate => Vec::new(),
            },
        },
        edge: vec![EdgeRule {
            name: "edge",
            keys: vec!["*"],
            operations,
            names: vec!["*".to_owned()],
            allow_no_sni: true,
        }],
    }
}

/// What the arguments mean by a path, wherever the file is that names it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn edge_file(dir: &Path, socket: &str, args: &ServeArgs, chains: &Chains) -> EdgeFile {
    EdgeFile {
        handshake_records: None,
        listen: args
            .listen
            .iter()
            .map(|address| Listen {
                address: address.clone(),
            })
            .collect(),
        key_server: Channel {
            address: socket.to_owned(),
            name: "keyserver",
            ca: dir.join("ca.pem"),
            certificate: dir.join("edge.pem"),
            key: dir.join("edge.key"),
        },
        site: vec![SiteTable {
            names: Vec::new(),
            certificates: chains.files(),
            upstream: args.to.to_string(),
            policy: args.policy.name(),
            client_auth: args.client_ca.as_ref().map(|_| "required"),
            client_ca: args.client_ca.as_deref().map(absolute),
            client_crl: args.client_crl.iter().map(|path| absolute(path)).collect(),
            default: true,
        }],
    }
}
