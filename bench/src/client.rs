//! The client of all servers that are measured: rustls in memory, without resumption.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, NamedGroup, RootCertStore,
    SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName};

use crate::{Result, SERVER_NAME};

/// A client's configuration.
#[derive(Debug)]
pub struct Client(Arc<ClientConfig>);

impl Client {
    /// A client that offers one version, `group` first and with a key share for it, and the AES-128-GCM suites only, so that
    /// both servers choose alike.
    ///
    /// # Errors
    ///
    /// The authority's certificate or the version does not suit rustls.
    pub fn new(
        ca: &CertificateDer<'static>,
        version: &'static SupportedProtocolVersion,
        group: NamedGroup,
    ) -> Result<Self> {
        let mut provider: CryptoProvider = aws_lc_rs::default_provider();
        // P-256 second: an ECDSA certificate's curve must be among the groups as well (RFC 8422 §5.1).
        let kx_group = |name| aws_lc_rs::ALL_KX_GROUPS.iter().find(|kx| kx.name() == name);
        provider.kx_groups = [group, NamedGroup::secp256r1]
            .into_iter()
            .filter_map(kx_group)
            .copied()
            .collect();
        provider.cipher_suites.retain(|suite| {
            matches!(
                suite.suite(),
                CipherSuite::TLS13_AES_128_GCM_SHA256
                    | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                    | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
            )
        });
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone())?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// A new connection, to [`SERVER_NAME`].
    ///
    /// # Errors
    ///
    /// There is no randomness.
    pub fn connect(&self) -> Result<Connecting> {
        let name = ServerName::try_from(SERVER_NAME)?;
        Ok(Connecting(ClientConnection::new(self.0.clone(), name)?))
    }
}

/// One connection of a client.
#[derive(Debug)]
pub struct Connecting(ClientConnection);

impl Connecting {
    /// Whether the client still waits for the server.
    pub fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Appends what the client has to say.
    ///
    /// # Errors
    ///
    /// None in memory.
    pub fn send(&mut self, to_server: &mut Vec<u8>) -> Result<()> {
        while self.0.wants_write() {
            self.0.write_tls(to_server)?;
        }
        Ok(())
    }

    /// Takes what the server said.
    ///
    /// # Errors
    ///
    /// It is not TLS as rustls wants it.
    pub fn receive(&mut self, mut from_server: &[u8]) -> Result<()> {
        while !from_server.is_empty() {
            self.0.read_tls(&mut from_server)?;
            self.0.process_new_packets()?;
        }
        Ok(())
    }
}
