//! TLS between edges and this key server: version 1.3, both sides authenticated, post-quantum key exchange.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_config::{ConfigError, Problem, Problems};
use keyward_protocol::ALPN;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::access::{Door, Gokeyless};
use crate::config::Config;
use crate::crl;
use crate::store::{self, files};

/// The key exchange of the channel is X25519MLKEM768 and no other: what is recorded today, with the nonces and master secrets in
/// it, stays closed to a quantum computer, and nobody in between can talk the two ends out of it.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    }
}

/// The channel's side of the key server.
pub(crate) struct Channel {
    pub(crate) tls: Arc<ServerConfig>,
    /// As the one in `tls`, but lists that are out of date count as well.
    pub(crate) verifier: Arc<dyn ClientCertVerifier>,
    /// For clients of the older protocol, if they are let in.
    pub(crate) gokeyless: Option<Gokeyless>,
    /// When the certificate in `tls` ends, in seconds since 1970.
    pub(crate) not_after: Option<i64>,
    /// What refuses edges, or soon will.
    pub(crate) warnings: Vec<Problem>,
}

/// The files of one listener, and what the configuration calls them.
struct Settings<'a> {
    door: Door,
    certificate: (&'static str, &'a Path),
    key: (&'static str, &'a Path),
    client_ca: (&'static str, &'a Path),
    client_crl: (&'static str, &'a [PathBuf]),
}

/// What is in them.
struct Material {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Arc<RootCertStore>,
    lists: Vec<CertificateRevocationListDer<'static>>,
}

type Tls = (Arc<ServerConfig>, Arc<dyn ClientCertVerifier>);

/// Reads the channel's files. All problems at once.
pub(crate) fn open(config: &Config) -> Result<Channel, ConfigError> {
    let mut problems = Problems::default();
    let ours = Settings {
        door: Door::Keyward,
        certificate: ("certificate", &config.certificate),
        key: ("key", &config.key),
        client_ca: ("client_ca", &config.client_ca),
        client_crl: ("client_crl", &config.client_crl),
    };
    let older = config.gokeyless.as_ref().map(|older| Settings {
        door: Door::Gokeyless,
        certificate: match &older.certificate {
            Some(path) => ("gokeyless.certificate", path),
            None => ours.certificate,
        },
        key: match &older.key {
            Some(path) => ("gokeyless.key", path),
            None => ours.key,
        },
        client_ca: ("gokeyless.client_ca", &older.client_ca),
        client_crl: ("gokeyless.client_crl", &older.client_crl),
    });
    let material = ours.read(config, &mut problems);
    let older = older.map(|older| (older.read(config, &mut problems), older));
    problems.check()?;
    let material = material.expect("what could not be read was noted as an error");
    let leaf = material.chain.first();
    let not_after = leaf.and_then(|leaf| store::not_after(leaf));
    let mut warnings = ours.warnings(config, &material);
    let (tls, verifier) = ours.tls(config, material)?;
    let gokeyless = match older {
        Some((material, older)) => {
            let material = material.expect("what could not be read was noted as an error");
            warnings.extend(older.warnings(config, &material));
            let (tls, verifier) = older.tls(config, material)?;
            Some(Gokeyless { tls, verifier })
        }
        None => None,
    };
    Ok(Channel {
        tls,
        verifier,
        gokeyless,
        not_after,
        warnings,
    })
}

impl Settings<'_> {
    fn read(&self, config: &Config, problems: &mut Problems) -> Option<Material> {
        let chain = problems.note(certificates(config, self.certificate));
        let key = problems.note(private_key(config, self.key));
        let roots = problems.note(roots(config, self.client_ca));
        let (field, paths) = self.client_crl;
        let mut lists = Vec::new();
        for (i, path) in paths.iter().enumerate() {
            let read = crl::read(config, &format!("{field}[{i}]"), path);
            lists.extend(problems.note(read).into_iter().flatten());
        }
        crl::newest_first(&mut lists);
        Some(Material {
            chain: chain?,
            key: key?,
            roots: Arc::new(roots?),
            lists,
        })
    }

    fn warnings(&self, config: &Config, material: &Material) -> Vec<Problem> {
        crl::warnings(config, self.client_crl.0, &material.roots, &material.lists)
    }

    /// And the verifier for those who are connected already, for which lists that are out of date count as well.
    fn tls(&self, config: &Config, material: Material) -> Result<Tls, Problem> {
        let Material {
            chain,
            key,
            roots,
            lists,
        } = material;
        let verifier =
            |out_of_date| self.verifier(config, Arc::clone(&roots), lists.clone(), out_of_date);
        let tls = self.build(config, chain, key, verifier(config.accept_expired_crl)?)?;
        Ok((tls, verifier(true)?))
    }

    fn provider(&self) -> CryptoProvider {
        match self.door {
            Door::Keyward => provider(),
            // What its clients have: nothing of the channel's that a quantum computer opens is in a digest.
            Door::Gokeyless => aws_lc_rs::default_provider(),
        }
    }

    /// With lists, each certificate of an edge's chain must be on none, and each authority must have one that is not out of date: it
    /// is better to refuse an edge than to let one in whose certificate was stolen. With `out_of_date`, lists that have ended count.
    fn verifier(
        &self,
        config: &Config,
        roots: Arc<RootCertStore>,
        lists: Vec<CertificateRevocationListDer<'static>>,
        out_of_date: bool,
    ) -> Result<Arc<dyn ClientCertVerifier>, Problem> {
        let mut builder =
            WebPkiClientVerifier::builder_with_provider(roots, Arc::new(self.provider()))
                .with_crls(lists);
        if !out_of_date {
            builder = builder.enforce_revocation_expiration();
        }
        builder.build().map_err(|error| match error {
            VerifierBuilderError::InvalidCrl(cause) => config.problem(
                self.client_crl.0,
                format!("a revocation list cannot be used: {cause:?}"),
                "lists of changes alone (delta CRLs) and indirect ones are not supported",
            ),
            error => config.problem(
                self.client_ca.0,
                format!(
                    "cannot verify edges with {}: {error}",
                    self.client_ca.1.display()
                ),
                "it must hold at least one authority's certificate",
            ),
        })
    }

    fn build(
        &self,
        config: &Config,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> Result<Arc<ServerConfig>, Problem> {
        let versions: &[_] = match self.door {
            Door::Keyward => &[&rustls::version::TLS13],
            // Its clients are as old as they are.
            Door::Gokeyless => &[&rustls::version::TLS13, &rustls::version::TLS12],
        };
        let mut server = ServerConfig::builder_with_provider(Arc::new(self.provider()))
            .with_protocol_versions(versions)
            .map_err(|error| config.problem("", format!("TLS is not available: {error}"), ""))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| {
                config.problem(
                    self.key.0,
                    format!(
                        "{} and {} cannot be used together: {error}",
                        self.certificate.1.display(),
                        self.key.1.display()
                    ),
                    "`key` is the private key that `certificate` was issued for",
                )
            })?;
        if self.door == Door::Keyward {
            server.alpn_protocols = vec![ALPN.to_vec()];
        }
        // Each connection shows its certificate anew: connections are few and long, and no ticket outlives a removed edge.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Arc::new(server))
    }
}

/// Warnings if others can get at the channel's private keys.
pub(crate) fn permission_warnings(config: &Config) -> Vec<Problem> {
    let older = config.gokeyless.iter().filter_map(|it| it.key.as_ref());
    let keys = std::iter::once(&config.key).chain(older);
    keys.filter_map(|key| {
        let metadata = std::fs::metadata(key).ok()?;
        let exposed = files::exposed(key, &metadata, "private key")?;
        Some(Problem::in_file(key, exposed.cause, exposed.remedy).warning())
    })
    .collect()
}

fn certificates(
    config: &Config,
    (field, path): (&str, &Path),
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err(config.problem(
            field,
            format!("{} holds no certificate", path.display()),
            "it is a PEM file with `-----BEGIN CERTIFICATE-----`",
        )),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(config.problem(
            field,
            format!("cannot read {}: {}", path.display(), pem_cause(&error)),
            "`keyward pki init DIR` makes the files of the channel",
        )),
    }
}

fn private_key(
    config: &Config,
    (field, path): (&str, &Path),
) -> Result<PrivateKeyDer<'static>, Problem> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        config.problem(
            field,
            format!("cannot read {}: {}", path.display(), pem_cause(&error)),
            "it is a PEM file with an unencrypted private key; `keyward pki init DIR` makes one",
        )
    })
}

fn roots(config: &Config, (field, path): (&str, &Path)) -> Result<RootCertStore, Problem> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(config, (field, path))? {
        roots.add(certificate).map_err(|error| {
            config.problem(
                field,
                format!(
                    "a certificate in {} is no authority's: {error}",
                    path.display()
                ),
                "name the file with the private CA's certificate",
            )
        })?;
    }
    Ok(roots)
}

/// The operating system's words where there are some.
fn pem_cause(error: &rustls_pki_types::pem::Error) -> String {
    match error {
        rustls_pki_types::pem::Error::Io(error) => error.to_string(),
        rustls_pki_types::pem::Error::NoItemsFound => "it holds no private key in PEM".to_owned(),
        other => other.to_string(),
    }
}
