//! An edge that says what a test wants, frame by frame or byte by byte.

use std::sync::Arc;

use keyward_keyop::Operation;
use keyward_keyserver::{Address, RunningKeyServer};
use keyward_protocol::io::{FrameReader, FrameWriter};
use keyward_protocol::{ErrorCode, Frame, Hello, encode_request};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::support::{Home, PATIENCE, Site};

pub(crate) type Stream = TlsStream<TcpStream>;

pub(crate) struct RawEdge {
    pub(crate) reader: FrameReader<ReadHalf<Stream>>,
    pub(crate) writer: FrameWriter<WriteHalf<Stream>>,
}

pub(crate) fn tcp(server: &RunningKeyServer) -> String {
    match &server.addresses()[0] {
        Address::Tcp { host, port } => format!("{host}:{port}"),
        Address::Unix(_) => panic!("the first address is TCP"),
    }
}

/// TLS as `edge-1.example` with this ALPN.
pub(crate) async fn connect(
    home: &Home,
    server: &RunningKeyServer,
    alpn: &[u8],
) -> std::io::Result<Stream> {
    connect_with(home, server, alpn, aws_lc_rs::default_provider()).await
}

/// The same, with a cryptography provider of the test's.
pub(crate) async fn connect_with(
    home: &Home,
    server: &RunningKeyServer,
    alpn: &[u8],
    provider: CryptoProvider,
) -> std::io::Result<Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(home.authority.ca_der().clone()).unwrap();
    let chain = CertificateDer::pem_file_iter(home.path("edge-1.example.pem"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(home.path("edge-1.example.key")).unwrap();
    let mut tls = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    if !alpn.is_empty() {
        tls.alpn_protocols = vec![alpn.to_vec()];
    }
    let stream = TcpStream::connect(tcp(server)).await?;
    let name = ServerName::try_from("keyserver").unwrap();
    TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await
}

impl RawEdge {
    pub(crate) fn new(stream: Stream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader: FrameReader::new(reader),
            writer: FrameWriter::new(writer),
        }
    }

    /// After the hellos and the catalog.
    pub(crate) async fn greeted(home: &Home, server: &RunningKeyServer) -> Self {
        let mut edge = Self::new(connect(home, server, keyward_protocol::ALPN).await.unwrap());
        edge.writer
            .send(&Frame::Hello(Hello::edge()))
            .await
            .unwrap();
        assert!(matches!(edge.next().await, Some(Frame::Hello(_))));
        assert!(matches!(
            edge.next().await,
            Some(Frame::Catalog { id: 0, .. })
        ));
        edge
    }

    /// The next frame, or none when the key server has closed.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.reader.next())
            .await
            .expect("no frame comes")
            .ok()
            .flatten()
    }

    pub(crate) async fn request(&mut self, id: u32, deadline_ms: u32, operation: &Operation) {
        self.bytes(encode_request(id, deadline_ms, operation).unwrap().to_vec())
            .await;
    }

    /// Requests in one write, so that they arrive together however busy the machine is.
    pub(crate) async fn requests(
        &mut self,
        requests: impl IntoIterator<Item = (u32, u32, &'static Site)>,
    ) {
        let encode = |(id, deadline_ms, site): (u32, u32, &Site)| {
            encode_request(id, deadline_ms, &site.tls13())
                .unwrap()
                .to_vec()
        };
        self.bytes(requests.into_iter().flat_map(encode).collect())
            .await;
    }

    pub(crate) async fn bytes(&mut self, bytes: Vec<u8>) {
        self.writer
            .write(&mut vec![Zeroizing::new(bytes)])
            .await
            .unwrap();
    }

    /// The next frame is an error: its id and code.
    pub(crate) async fn error_code(&mut self) -> (u32, ErrorCode) {
        match self.next().await {
            Some(Frame::Error { id, error }) => (id, error.code),
            other => panic!("not an error: {other:?}"),
        }
    }

    /// Reads `count` answers and returns those that are errors.
    pub(crate) async fn answers(&mut self, count: usize) -> Vec<(u32, ErrorCode)> {
        let mut errors = Vec::new();
        for _ in 0..count {
            match self.next().await {
                Some(Frame::Reply { .. }) => (),
                Some(Frame::Error { id, error }) => errors.push((id, error.code)),
                other => panic!("not an answer: {other:?}"),
            }
        }
        errors
    }

    /// Whether the key server still answers; replies that come first are skipped.
    pub(crate) async fn is_alive(&mut self) -> bool {
        if self.writer.send(&Frame::Ping { id: 4242 }).await.is_err() {
            return false;
        }
        loop {
            match self.next().await {
                Some(Frame::Pong { id: 4242 }) => return true,
                Some(Frame::Reply { .. }) => (),
                _ => return false,
            }
        }
    }

    /// Sends pings until the key server breaks the connection off, and returns how many went out.
    pub(crate) async fn flood_with_pings(self) -> u64 {
        let Self {
            reader: _reader,
            mut writer,
        } = self;
        let ping = Frame::Ping { id: 1 }.encode().unwrap();
        let mut sent = 0;
        while writer
            .write(&mut vec![Zeroizing::new(ping.repeat(1000))])
            .await
            .is_ok()
        {
            sent += 1000;
        }
        sent
    }
}
