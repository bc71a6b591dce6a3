//! Certificates and keys for both sides, as files for the peers and loaded for the engine.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use keyward_crypto::private_key::PrivateKey;
use keyward_pki::{Authority, Issued, Request, Usage};
use keyward_tls::Credential;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{
    case::{client_name, host},
    keyward::REQUEST,
    values::{Certificate, GROUPS, Group, GroupKind},
};
use crate::process;

/// A throwaway authority, and what it has issued: one certificate of each kind for a server and one for a client.
pub struct Credentials {
    directory: tempfile::TempDir,
    authority: CertificateDer<'static>,
    servers: HashMap<Certificate, Loaded>,
    clients: HashMap<Certificate, Loaded>,
}

/// A certificate and its key, in files and in memory.
pub struct Loaded {
    /// The chain as PEM.
    pub chain_file: PathBuf,
    /// The key, PKCS#8 as PEM.
    pub key_file: PathBuf,
    /// Both, one after the other.
    pub both_file: PathBuf,
    /// The chain.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key, for rustls.
    pub key_der: PrivateKeyDer<'static>,
    /// The chain, for the engine.
    pub credential: Arc<Credential>,
    /// The key, for whoever performs the engine's operations.
    pub key: PrivateKey,
}

impl Credentials {
    /// Makes all of them.
    pub fn create() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let authority = Authority::new("Keyward matrix").expect("a new CA");
        write(directory.path(), "ca.pem", &authority.ca_pem());
        let request = std::str::from_utf8(REQUEST).expect("the request is text");
        write(directory.path(), "request", request);
        if let Some(openssl) = process::find("openssl") {
            write_dh_parameters(&openssl, directory.path());
        }
        let all = |usage, name: fn(Certificate) -> String| {
            let one = |kind: Certificate| {
                let request = Request::new(&[name(kind)], kind.algorithm(), usage);
                let issued = authority.issue(&request).expect("a new certificate");
                (kind, load(directory.path(), &name(kind), issued))
            };
            Certificate::ALL.into_iter().map(one).collect()
        };
        Self {
            servers: all(Usage::Server, host),
            clients: all(Usage::Client, client_name),
            authority: authority.ca_der().clone(),
            directory,
        }
    }

    /// Where the files are; peers may put theirs beside them.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The authority's certificate as PEM.
    pub fn authority_file(&self) -> PathBuf {
        self.directory().join("ca.pem")
    }

    /// A file with the request, for peers that send it as early data.
    pub fn request_file(&self) -> PathBuf {
        self.directory().join("request")
    }

    /// The authority's certificate.
    pub fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// The server's certificate of a kind.
    pub fn server(&self, kind: Certificate) -> &Loaded {
        &self.servers[&kind]
    }

    /// The client's certificate of a kind.
    pub fn client(&self, kind: Certificate) -> &Loaded {
        &self.clients[&kind]
    }

    /// A file with the parameters of a finite-field group, for peers that are told them so; `openssl` makes it.
    pub fn dh_parameters(&self, group: &Group) -> Option<PathBuf> {
        (group.kind == GroupKind::FiniteField)
            .then(|| self.directory().join(format!("{}.pem", group.name)))
    }
}

/// Writes the parameters of all finite-field groups.
fn write_dh_parameters(openssl: &Path, directory: &Path) {
    for group in GROUPS
        .iter()
        .filter(|group| group.kind == GroupKind::FiniteField)
    {
        let mut command = Command::new(openssl);
        command
            .args(["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt"])
            .arg(format!("group:{}", group.name))
            .arg("-out")
            .arg(directory.join(format!("{}.pem", group.name)));
        process::run(command, b"").succeeded();
    }
}

fn load(directory: &Path, name: &str, issued: Issued) -> Loaded {
    let both = format!("{}{}", issued.chain_pem, *issued.key_pem);
    Loaded {
        chain_file: write(directory, &format!("{name}.pem"), &issued.chain_pem),
        key_file: write(directory, &format!("{name}.key"), &issued.key_pem),
        both_file: write(directory, &format!("{name}.both"), &both),
        credential: Arc::new(
            Credential::new(issued.chain_der.clone()).expect("a certificate with a known key"),
        ),
        key: PrivateKey::from_pem(issued.key_pem.as_bytes()).expect("a key that was just made"),
        chain: issued.chain_der,
        key_der: issued.key_der,
    }
}

fn write(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).expect("a file in a temporary directory");
    path
}
