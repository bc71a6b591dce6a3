//! Connections to the service behind a site.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::{HostPort, UpstreamAddress};

/// Makes connections to one service.
#[derive(Clone)]
pub(crate) struct Connector {
    address: HostPort,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

impl Connector {
    /// # Errors
    ///
    /// For an `https://` service: its host is no name, or there are no CAs to check it with.
    pub(crate) fn new(
        address: &UpstreamAddress,
        ca: Option<&[CertificateDer<'static>]>,
        timeout: Duration,
    ) -> Result<Self, ConnectorError> {
        let (address, tls) = match address {
            UpstreamAddress::Http(address) | UpstreamAddress::Tcp(address) => (address, None),
            UpstreamAddress::Https(address) => {
                let name = ServerName::try_from(address.host.clone())
                    .map_err(ConnectorError::InvalidName)?;
                (address, Some((tls_connector(ca)?, name)))
            }
        };
        Ok(Self {
            address: address.clone(),
            tls,
            timeout,
        })
    }

    pub(crate) fn address(&self) -> &HostPort {
        &self.address
    }

    /// One new connection, with TLS where the service has it.
    pub(crate) async fn connect(&self) -> Result<UpstreamStream, ConnectError> {
        tokio::time::timeout(self.timeout, self.connect_untimed())
            .await
            .unwrap_or(Err(ConnectError::TimedOut(self.timeout)))
    }

    async fn connect_untimed(&self) -> Result<UpstreamStream, ConnectError> {
        let HostPort { host, port } = &self.address;
        let socket = TcpStream::connect((host.as_str(), *port))
            .await
            .map_err(ConnectError::Connect)?;
        socket.set_nodelay(true).map_err(ConnectError::Connect)?;
        match &self.tls {
            None => Ok(UpstreamStream::Plain(socket)),
            Some((connector, name)) => connector
                .connect(name.clone(), socket)
                .await
                .map(|stream| UpstreamStream::Tls(Box::new(stream)))
                .map_err(ConnectError::Tls),
        }
    }
}

fn tls_connector(ca: Option<&[CertificateDer<'static>]>) -> Result<TlsConnector, ConnectorError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(given) => {
            for certificate in given {
                roots
                    .add(certificate.clone())
                    .map_err(ConnectorError::InvalidCa)?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            let (added, _) = roots.add_parsable_certificates(system.certs);
            if added == 0 {
                let cause = system.errors.first().map(ToString::to_string);
                return Err(ConnectorError::NoSystemCa(cause));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ConnectorError::InvalidCa)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Why no connection to a service can be prepared.
#[derive(Debug)]
pub(crate) enum ConnectorError {
    InvalidName(InvalidDnsNameError),
    InvalidCa(rustls::Error),
    NoSystemCa(Option<String>),
}

impl fmt::Display for ConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(error) => write!(f, "the service's host: {error}"),
            Self::InvalidCa(error) => write!(f, "the service's CA cannot be used: {error}"),
            Self::NoSystemCa(cause) => {
                write!(f, "the system has no CA certificates")?;
                if let Some(cause) = cause {
                    write!(f, " ({cause})")?;
                }
                write!(f, "; install them, or set upstream_ca")
            }
        }
    }
}

impl std::error::Error for ConnectorError {}

/// Why there is no connection to the service.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The name is not found, nobody listens, no route.
    Connect(io::Error),
    /// The TLS handshake failed, for example since the certificate is of an unknown CA.
    Tls(io::Error),
    TimedOut(Duration),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Tls(error) => write!(f, "the TLS handshake with the service failed: {error}"),
            Self::TimedOut(limit) => write!(f, "no connection within {} ms", limit.as_millis()),
        }
    }
}

impl std::error::Error for ConnectError {}

/// A connection to a service.
#[derive(Debug)]
pub(crate) enum UpstreamStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for UpstreamStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
