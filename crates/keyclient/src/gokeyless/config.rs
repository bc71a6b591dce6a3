//! Where the server is, and who we are to it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::config::{KeyClientConfigError, certificates, private_key};

/// What a [`GokeylessClient`](super::GokeylessClient) needs to know.
#[derive(Debug)]
pub struct GokeylessConfig {
    /// `host:port`.
    pub address: String,
    /// The name that its certificate must have: a DNS name or an IP address.
    pub server_name: String,
    /// The authorities that its certificate must come from.
    pub ca: Vec<CertificateDer<'static>>,
    /// This edge's certificate chain, leaf first.
    pub certificate_chain: Vec<CertificateDer<'static>>,
    /// This edge's private key: its identity toward the server, no site's key.
    pub key: PrivateKeyDer<'static>,
    /// For TCP and TLS together.
    pub connect: Duration,
}

/// The key is copied: two clients of one process are one identity.
impl Clone for GokeylessConfig {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            server_name: self.server_name.clone(),
            ca: self.ca.clone(),
            certificate_chain: self.certificate_chain.clone(),
            key: self.key.clone_key(),
            connect: self.connect,
        }
    }
}

impl GokeylessConfig {
    /// Reads the three PEM files: the server's authority, this edge's certificate chain, and its key.
    ///
    /// # Errors
    /// If a file cannot be read, or holds something else.
    pub fn from_files(
        address: &str,
        server_name: &str,
        ca: &Path,
        certificate: &Path,
        key: &Path,
    ) -> Result<Self, KeyClientConfigError> {
        Ok(Self {
            address: address.to_owned(),
            server_name: server_name.to_owned(),
            ca: certificates(ca)?,
            certificate_chain: certificates(certificate)?,
            key: private_key(key)?,
            connect: Duration::from_secs(2),
        })
    }
}

/// TLS 1.2 and 1.3: the protocol's servers are old. Forward secrecy and AEAD all the same: rustls has nothing else.
pub(super) fn tls(
    config: GokeylessConfig,
) -> Result<(Arc<ClientConfig>, ServerName<'static>), KeyClientConfigError> {
    let name = ServerName::try_from(config.server_name.clone())
        .map_err(|_| KeyClientConfigError::ServerName(config.server_name))?;
    let mut roots = RootCertStore::empty();
    for certificate in config.ca {
        roots
            .add(certificate)
            .map_err(|error| KeyClientConfigError::Authority(error.to_string()))?;
    }
    let identity = |error: rustls::Error| KeyClientConfigError::Identity(error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(identity)?
        .with_root_certificates(roots)
        .with_client_auth_cert(config.certificate_chain, config.key)
        .map_err(identity)?;
    tls.resumption = Resumption::disabled();
    Ok((Arc::new(tls), name))
}
