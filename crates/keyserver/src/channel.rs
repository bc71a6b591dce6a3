//! TLS between edges and this key server: version 1.3, both sides authenticated, post-quantum key exchange.

use std::path::Path;
use std::sync::Arc;

use keyward_config::{ConfigError, Problem, Problems};
use keyward_protocol::ALPN;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

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
    /// When the certificate in `tls` ends, in seconds since 1970.
    pub(crate) not_after: Option<i64>,
    /// What refuses edges, or soon will.
    pub(crate) warnings: Vec<Problem>,
}

/// Reads the channel's files. All problems at once.
pub(crate) fn open(config: &Config) -> Result<Channel, ConfigError> {
    let mut problems = Problems::default();
    let chain = problems.note(certificates(config, "certificate", &config.certificate));
    let key = problems.note(private_key(config));
    let roots = problems.note(roots(config));
    let mut lists = Vec::new();
    for (i, path) in config.client_crl.iter().enumerate() {
        let read = crl::read(config, &format!("client_crl[{i}]"), path);
        lists.extend(problems.note(read).into_iter().flatten());
    }
    problems.check()?;
    let read = chain.zip(key).zip(roots);
    let ((chain, key), roots) = read.expect("what could not be read was noted as an error");
    let not_after = chain.first().and_then(|leaf| store::not_after(leaf));
    let warnings = crl::warnings(config, &roots, &lists);
    crl::newest_first(&mut lists);
    let roots = Arc::new(roots);
    let verifier = |out_of_date| verifier(config, Arc::clone(&roots), lists.clone(), out_of_date);
    let tls = build(config, chain, key, verifier(config.accept_expired_crl)?)?;
    Ok(Channel {
        tls,
        verifier: verifier(true)?,
        not_after,
        warnings,
    })
}

/// A warning if others can get at the channel's private key.
pub(crate) fn permission_warning(config: &Config) -> Option<Problem> {
    let metadata = std::fs::metadata(&config.key).ok()?;
    let mode = files::open_to_others(&metadata)?;
    Some(files::permission_warning(&config.key, mode))
}

/// With lists, each certificate of an edge's chain must be on none, and each authority must have one that is not out of date: it
/// is better to refuse an edge than to let one in whose certificate was stolen. With `out_of_date`, lists that have ended count.
fn verifier(
    config: &Config,
    roots: Arc<RootCertStore>,
    lists: Vec<CertificateRevocationListDer<'static>>,
    out_of_date: bool,
) -> Result<Arc<dyn ClientCertVerifier>, Problem> {
    let mut builder =
        WebPkiClientVerifier::builder_with_provider(roots, Arc::new(provider())).with_crls(lists);
    if !out_of_date {
        builder = builder.enforce_revocation_expiration();
    }
    builder.build().map_err(|error| match error {
        VerifierBuilderError::InvalidCrl(cause) => config.problem(
            "client_crl",
            format!("a revocation list cannot be used: {cause:?}"),
            "lists of changes alone (delta CRLs) and indirect ones are not supported",
        ),
        error => config.problem(
            "client_ca",
            format!(
                "cannot verify edges with {}: {error}",
                config.client_ca.display()
            ),
            "it must hold at least one authority's certificate",
        ),
    })
}

fn build(
    config: &Config,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, Problem> {
    let mut server = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| config.problem("", format!("TLS 1.3 is not available: {error}"), ""))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| {
            config.problem(
                "key",
                format!(
                    "{} and {} cannot be used together: {error}",
                    config.certificate.display(),
                    config.key.display()
                ),
                "`key` is the private key that `certificate` was issued for",
            )
        })?;
    server.alpn_protocols = vec![ALPN.to_vec()];
    // Each connection shows its certificate anew: connections are few and long, and no ticket outlives a removed edge.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Arc::new(server))
}

fn certificates(
    config: &Config,
    field: &str,
    path: &Path,
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

fn private_key(config: &Config) -> Result<PrivateKeyDer<'static>, Problem> {
    PrivateKeyDer::from_pem_file(&config.key).map_err(|error| {
        config.problem(
            "key",
            format!(
                "cannot read {}: {}",
                config.key.display(),
                pem_cause(&error)
            ),
            "it is a PEM file with an unencrypted private key; `keyward pki init DIR` makes one",
        )
    })
}

fn roots(config: &Config) -> Result<RootCertStore, Problem> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(config, "client_ca", &config.client_ca)? {
        roots.add(certificate).map_err(|error| {
            config.problem(
                "client_ca",
                format!(
                    "a certificate in {} is no authority's: {error}",
                    config.client_ca.display()
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
