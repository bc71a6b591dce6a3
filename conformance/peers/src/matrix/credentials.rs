//! Certificates and keys for both sides, as files for the peers and loaded for the engine.

use std::os::unix::fs::PermissionsExt;
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
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

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
        authority
            .save(directory.path())
            .expect("a temporary directory takes files");
        let request = std::str::from_utf8(REQUEST).expect("the request is text");
        write(directory.path(), "request", request);
        let openssl = process::find("openssl");
        if let Some(openssl) = &openssl {
            write_dh_parameters(openssl, directory.path());
        }
        let all = |usage, name: fn(Certificate) -> String| {
            let one = |kind: Certificate| {
                let name = name(kind);
                let issued = if let Some(algorithm) = kind.algorithm() {
                    let request = Request::new(&[&name], algorithm, usage);
                    authority.issue(&request).expect("a new certificate")
                } else {
                    issue_rsa_pss(openssl.as_ref()?, directory.path(), &name, usage)
                };
                Some((kind, load(directory.path(), &name, issued)))
            };
            Certificate::ALL.into_iter().filter_map(one).collect()
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

    /// Whether there are certificates of a kind: those for RSASSA-PSS are made by OpenSSL.
    pub fn has(&self, kind: Certificate) -> bool {
        self.servers.contains_key(&kind)
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

/// A key for RSASSA-PSS alone and its certificate, made by `openssl` with the authority's key.
fn issue_rsa_pss(openssl: &Path, directory: &Path, name: &str, usage: Usage) -> Issued {
    let openssl = |arguments: &str| {
        let mut command = Command::new(openssl);
        command
            .env("OPENSSL_CONF", "/dev/null")
            .current_dir(directory)
            .args(arguments.split(' '));
        let finished = process::run(command, b"").succeeded();
        String::from_utf8(finished.stdout).expect("PEM is text")
    };
    let usage = match usage {
        Usage::Server => "serverAuth",
        Usage::Client => "clientAuth",
    };
    let key = openssl("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048");
    write(directory, "request.key", &key);
    write(
        directory,
        "request.conf",
        &format!(
            "[req]\ndistinguished_name = name\n[name]\n[leaf]\nsubjectAltName = DNS:{name}\n\
             basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\n\
             extendedKeyUsage = {usage}\n"
        ),
    );
    let request = openssl(&format!(
        "req -new -config request.conf -key request.key -subj /CN={name}"
    ));
    write(directory, "request.csr", &request);
    let chain_pem = openssl(
        "x509 -req -in request.csr -CA ca.pem -CAkey ca.key -days 30 -sha256 \
         -extfile request.conf -extensions leaf",
    );
    Issued {
        chain_der: vec![
            CertificateDer::from_pem_slice(chain_pem.as_bytes()).expect("a certificate"),
        ],
        key_der: PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
        chain_pem,
        key_pem: key.into(),
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
    // A key server takes no key that others can read.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of our own");
    path
}
