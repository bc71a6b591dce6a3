//! TLS to a key server: version 1.3, both sides authenticated, post-quantum key exchange.

use std::sync::Arc;

use keyward_protocol::ALPN;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;

use crate::config::{KeyClientConfig, KeyClientConfigError};

/// The TLS side of a configuration, but for the key server's name.
pub(crate) fn client_config(
    config: KeyClientConfig,
) -> Result<Arc<ClientConfig>, KeyClientConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in config.ca {
        roots
            .add(certificate)
            .map_err(|error| KeyClientConfigError::Authority(error.to_string()))?;
    }
    // No other than the key server's: what is recorded today, with the nonces and master secrets in it, stays closed to a quantum
    // computer.
    let provider = CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    };
    let mut tls = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| KeyClientConfigError::Identity(error.to_string()))?
        .with_root_certificates(roots)
        .with_client_auth_cert(config.certificate_chain, config.key)
        .map_err(|error| KeyClientConfigError::Identity(error.to_string()))?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // The key server issues no tickets: each connection proves both identities anew.
    tls.resumption = Resumption::disabled();
    Ok(Arc::new(tls))
}

/// The name that a key server's certificate must have.
pub(crate) fn server_name(name: &str) -> Result<ServerName<'static>, KeyClientConfigError> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| KeyClientConfigError::ServerName(name.to_owned()))
}
