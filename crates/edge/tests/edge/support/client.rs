//! Clients: rustls, and hyper over it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{full, pki, soon};

/// A client's settings; its sessions are resumed among its connections.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) config: ClientConfig,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::of_versions(rustls::ALL_VERSIONS)
    }

    pub(crate) fn of_versions(versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(pki().sites.ca_der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { config }
    }

    pub(crate) fn tls12() -> Self {
        Self::of_versions(&[&rustls::version::TLS12])
    }

    pub(crate) fn tls13() -> Self {
        Self::of_versions(&[&rustls::version::TLS13])
    }

    /// With a certificate to show when asked for one.
    pub(crate) fn with_certificate(
        mut self,
        (chain, key): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    ) -> Self {
        let key = self
            .config
            .crypto_provider()
            .key_provider
            .load_private_key(key)
            .unwrap();
        let certified = CertifiedKey::new(chain, key);
        self.config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        self
    }

    pub(crate) fn alpn(mut self, protocols: &[&str]) -> Self {
        self.config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        self
    }

    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        // Fixed, since the kernel's own choice grows to tens of megabytes: tests of backpressure
        // see the edge's buffers and not the kernel's.
        socket.set_recv_buffer_size(256 * 1024)?;
        self.connect_over(socket.connect(address).await?, name)
            .await
    }

    pub(crate) async fn connect_over(
        &self,
        socket: TcpStream,
        name: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::new(self.config.clone()));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        soon("a handshake", connector.connect(name, socket)).await
    }

    /// An HTTP/1.1 connection.
    pub(crate) async fn http1<B>(&self, address: SocketAddr, name: &str) -> Http<B>
    where
        B: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + Unpin + 'static,
    {
        let client = self.clone().alpn(&["http/1.1"]);
        let stream = client.connect(address, name).await.expect("a handshake");
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let ended = tokio::spawn(connection.with_upgrades());
        Http::One(sender, ended)
    }

    /// An HTTP/2 connection.
    pub(crate) async fn http2<B>(&self, address: SocketAddr, name: &str) -> Http<B>
    where
        B: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + Unpin + 'static,
    {
        let client = self.clone().alpn(&["h2"]);
        let stream = client.connect(address, name).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        let ended = tokio::spawn(connection);
        Http::Two(sender, ended)
    }

    /// One GET request; the status and the body.
    pub(crate) async fn get(&self, address: SocketAddr, name: &str) -> (u16, String) {
        let mut http = self.http1(address, name).await;
        let request = Request::get("/")
            .header("host", name)
            .body(full(""))
            .unwrap();
        http.text(request).await
    }
}

type Ended = tokio::task::JoinHandle<hyper::Result<()>>;

/// A connection for requests.
pub(crate) enum Http<B> {
    One(http1::SendRequest<B>, Ended),
    Two(http2::SendRequest<B>, Ended),
}

impl<B> Http<B>
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + Unpin + 'static,
{
    pub(crate) async fn try_send(
        &mut self,
        request: Request<B>,
    ) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(sender, _) => {
                soon("a ready connection", sender.ready()).await?;
                soon("a response", sender.send_request(request)).await
            }
            Self::Two(sender, _) => {
                soon("a ready connection", sender.ready()).await?;
                soon("a response", sender.send_request(request)).await
            }
        }
    }

    pub(crate) async fn send(&mut self, request: Request<B>) -> Response<Incoming> {
        self.try_send(request).await.expect("a response")
    }

    /// The status and the whole body.
    pub(crate) async fn text(&mut self, request: Request<B>) -> (u16, String) {
        let response = self.send(request).await;
        let status = response.status().as_u16();
        (status, bytes_of(response.into_body()).await)
    }

    /// Waits until the connection has ended.
    pub(crate) async fn ended(self) -> hyper::Result<()> {
        let (Self::One(_, ended) | Self::Two(_, ended)) = self;
        soon("the connection's end", ended).await.unwrap()
    }
}

/// A body as text.
pub(crate) async fn bytes_of(body: Incoming) -> String {
    let bytes = soon("a body", body.collect())
        .await
        .expect("a body")
        .to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The alert with which a server ended a handshake.
pub(crate) fn alert_of(error: &std::io::Error) -> Option<rustls::AlertDescription> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    match error {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}
