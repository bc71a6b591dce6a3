//! The client of all servers that are measured: rustls in memory.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, NamedGroup, RootCertStore,
    SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName};

use crate::{Result, SERVER_NAME};

/// What a client offers: one of each, so that all servers choose alike.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// The version.
    pub version: &'static SupportedProtocolVersion,
    /// The group, which comes first and has the key share.
    pub group: NamedGroup,
    /// AES-256-GCM instead of AES-128-GCM.
    pub aes256: bool,
}

/// A client's configuration.
#[derive(Debug)]
pub struct Client(Arc<ClientConfig>);

impl Client {
    /// A client that makes full handshakes only.
    ///
    /// # Errors
    ///
    /// The authority's certificate or the version does not suit rustls.
    pub fn new(ca: &CertificateDer<'static>, offer: Offer) -> Result<Self> {
        Self::configure(ca, offer, Resumption::disabled())
    }

    /// A client that resumes what it can, with tickets.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_resumption(ca: &CertificateDer<'static>, offer: Offer) -> Result<Self> {
        Self::configure(ca, offer, Resumption::in_memory_sessions(32))
    }

    fn configure(
        ca: &CertificateDer<'static>,
        offer: Offer,
        resumption: Resumption,
    ) -> Result<Self> {
        let mut provider: CryptoProvider = aws_lc_rs::default_provider();
        // P-256 second: an ECDSA certificate's curve must be among the groups as well (RFC 8422 §5.1).
        let kx_group = |name| aws_lc_rs::ALL_KX_GROUPS.iter().find(|kx| kx.name() == name);
        provider.kx_groups = [offer.group, NamedGroup::secp256r1]
            .into_iter()
            .filter_map(kx_group)
            .copied()
            .collect();
        provider
            .cipher_suites
            .retain(|suite| suites(offer.aes256).contains(&suite.suite()));
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone())?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[offer.version])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = resumption;
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

fn suites(aes256: bool) -> [CipherSuite; 3] {
    if aes256 {
        [
            CipherSuite::TLS13_AES_256_GCM_SHA384,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ]
    } else {
        [
            CipherSuite::TLS13_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ]
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

    /// Encrypts `data`, and appends the records.
    ///
    /// # Errors
    ///
    /// The connection has failed.
    pub fn send_data(&mut self, data: &[u8], to_server: &mut Vec<u8>) -> Result<()> {
        self.0.writer().write_all(data)?;
        self.send(to_server)
    }

    /// Takes what the server said, and returns how many bytes of data were in it.
    ///
    /// # Errors
    ///
    /// It is not TLS as rustls wants it.
    pub fn receive_data(&mut self, mut from_server: &[u8]) -> Result<usize> {
        let mut buffer = [0; 4096];
        let mut read = 0;
        while !from_server.is_empty() {
            self.0.read_tls(&mut from_server)?;
            self.0.process_new_packets()?;
            loop {
                match self.0.reader().read(&mut buffer) {
                    Ok(n) => read += n,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(read)
    }
}
