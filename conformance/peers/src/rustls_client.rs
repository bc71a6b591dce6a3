//! rustls, in this process.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, NamedGroup, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::{process::TIME_LIMIT, stand::Stand};

/// What to offer.
pub struct Offer<'a> {
    /// Versions, any order.
    pub versions: &'a [&'static SupportedProtocolVersion],
    /// Groups, the preferred one first: that one's key share is sent.
    pub groups: &'a [&'static dyn SupportedKxGroup],
    /// Suites; empty for all.
    pub cipher_suites: &'a [rustls::SupportedCipherSuite],
    /// Protocols for ALPN.
    pub alpn: &'a [&'a str],
}

impl Default for Offer<'_> {
    fn default() -> Self {
        Self {
            versions: rustls::ALL_VERSIONS,
            groups: aws_lc_rs::DEFAULT_KX_GROUPS,
            cipher_suites: &[],
            alpn: &[],
        }
    }
}

/// A client that keeps its sessions, so that its second connection to a host offers to resume.
pub struct RustlsClient {
    config: Arc<ClientConfig>,
}

/// What was negotiated.
#[derive(Debug, PartialEq)]
pub struct Session {
    /// The version.
    pub version: rustls::ProtocolVersion,
    /// The cipher suite.
    pub cipher_suite: rustls::CipherSuite,
    /// The group, if there was a key exchange.
    pub group: Option<NamedGroup>,
    /// Full, full with a HelloRetryRequest, or resumed.
    pub kind: HandshakeKind,
    /// What ALPN agreed on.
    pub alpn: Option<Vec<u8>>,
}

impl RustlsClient {
    /// A client that trusts the stand's CA alone.
    pub fn new(stand: &Stand, offer: &Offer<'_>) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in
            CertificateDer::pem_file_iter(stand.ca_file()).expect("the stand has written its CA")
        {
            roots
                .add(certificate.expect("the stand's CA is PEM"))
                .expect("the stand's CA is a certificate");
        }
        let mut provider = CryptoProvider {
            kx_groups: offer.groups.to_vec(),
            ..aws_lc_rs::default_provider()
        };
        if !offer.cipher_suites.is_empty() {
            provider.cipher_suites = offer.cipher_suites.to_vec();
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(offer.versions)
            .expect("the offer is consistent")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = offer
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Self {
            config: Arc::new(config),
        }
    }

    /// Connects to `host` and shakes hands.
    pub fn connect(&self, stand: &Stand, host: &str) -> std::io::Result<Connected> {
        let name = ServerName::try_from(host.to_owned()).expect("hosts of the stand are DNS names");
        let tls =
            ClientConnection::new(Arc::clone(&self.config), name).map_err(std::io::Error::other)?;
        let tcp = TcpStream::connect(stand.address())?;
        tcp.set_read_timeout(Some(TIME_LIMIT))?;
        tcp.set_nodelay(true)?;
        let mut stream = StreamOwned::new(tls, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Connected { stream })
    }
}

/// A connection after its handshake.
pub struct Connected {
    /// The TLS stream.
    pub stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Connected {
    /// What was negotiated.
    pub fn session(&self) -> Session {
        let tls = &self.stream.conn;
        Session {
            version: tls.protocol_version().expect("the handshake is complete"),
            cipher_suite: tls
                .negotiated_cipher_suite()
                .expect("the handshake is complete")
                .suite(),
            group: tls
                .negotiated_key_exchange_group()
                .map(|group| group.name()),
            kind: tls.handshake_kind().expect("the handshake is complete"),
            alpn: tls.alpn_protocol().map(<[u8]>::to_vec),
        }
    }

    /// Asks for `path` over HTTP/1.1 and reads to the edge's close_notify; the whole answer, headers and body.
    pub fn get(&mut self, host: &str, path: &str) -> std::io::Result<Vec<u8>> {
        write!(
            self.stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    /// Sends `line` to the echo site and reads it back.
    pub fn echo(&mut self, line: &[u8]) -> std::io::Result<Vec<u8>> {
        self.stream.write_all(line)?;
        self.stream.flush()?;
        let mut back = vec![0; line.len()];
        self.stream.read_exact(&mut back)?;
        Ok(back)
    }
}
