//! A key server that does what a test wants, frame by frame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_keyclient::{Dns, KeyClient, KeyClientConfig, KeyServerAt, Timings};
use keyward_keyop::testing::Handshake;
use keyward_keyop::{KeyId, Operation, OperationResult};
use keyward_pki::{Authority, KeyAlgorithm};
use keyward_protocol::io::{FrameReader, FrameWriter};
use keyward_protocol::{ALPN, CatalogPart, Frame, Hello, Reply};
use keyward_wire::values::SignatureScheme;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The listening side.
pub(crate) struct Scripted {
    listener: TcpListener,
    tls: TlsAcceptor,
    authority: Arc<Authority>,
}

/// One connection of the client's.
pub(crate) struct Peer {
    reader: FrameReader<ReadHalf<TlsStream<TcpStream>>>,
    pub(crate) writer: FrameWriter<WriteHalf<TlsStream<TcpStream>>>,
}

impl Scripted {
    pub(crate) async fn new() -> Self {
        Self::with_alpn(&[ALPN]).await
    }

    /// One that speaks these protocols over TLS.
    pub(crate) async fn with_alpn(protocols: &[&[u8]]) -> Self {
        let authority = Arc::new(Authority::new("private CA").unwrap());
        Self::listen(authority, "127.0.0.1:0".parse().unwrap(), protocols).await
    }

    /// Several of one authority.
    pub(crate) async fn several(count: usize) -> Vec<Self> {
        let authority = Arc::new(Authority::new("private CA").unwrap());
        let mut all = Vec::new();
        for _ in 0..count {
            let address = "127.0.0.1:0".parse().unwrap();
            all.push(Self::listen(authority.clone(), address, &[ALPN]).await);
        }
        all
    }

    /// One of an authority, at an address.
    pub(crate) async fn listen(
        authority: Arc<Authority>,
        address: SocketAddr,
        protocols: &[&[u8]],
    ) -> Self {
        let issued = authority
            .issue_server(&["keyserver"], KeyAlgorithm::P256)
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.ca_der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(issued.chain_der, issued.key_der)
            .unwrap();
        tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self {
            listener: TcpListener::bind(address).await.unwrap(),
            tls: TlsAcceptor::from(Arc::new(tls)),
            authority,
        }
    }

    /// A client of it that is quick to notice and to come back.
    pub(crate) fn client(&self, timings: Timings) -> KeyClient {
        KeyClient::start(self.config(timings)).unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The configuration of such a client.
    pub(crate) fn config(&self, timings: Timings) -> KeyClientConfig {
        let issued = self.authority.issue_client("edge-1.example").unwrap();
        KeyClientConfig {
            servers: vec![KeyServerAt {
                target: self.address().to_string().parse().unwrap(),
                name: "keyserver".to_owned(),
            }],
            ca: vec![self.authority.ca_der().clone()],
            certificate_chain: issued.chain_der,
            key: issued.key_der,
            connections: 1,
            hedge_percent: 5,
            dns: Dns::default(),
            timings,
        }
    }

    /// The next connection, after TLS.
    pub(crate) async fn accept(&self) -> Peer {
        self.try_accept().await.expect("TLS fails")
    }

    /// The next connection, after TLS or its failure.
    pub(crate) async fn try_accept(&self) -> std::io::Result<Peer> {
        let (stream, _) = timeout(PATIENCE, self.listener.accept())
            .await
            .expect("no connection comes")
            .unwrap();
        let (reader, writer) = tokio::io::split(self.tls.accept(stream).await?);
        Ok(Peer {
            reader: FrameReader::new(reader),
            writer: FrameWriter::new(writer),
        })
    }

    /// The next connection, after the hellos and an empty catalog.
    pub(crate) async fn greet(&self, hello: Hello) -> Peer {
        self.greet_with(hello, CatalogPart::default()).await
    }

    /// The next connection, after the hellos and this catalog.
    pub(crate) async fn greet_with(&self, hello: Hello, part: CatalogPart) -> Peer {
        let mut peer = self.accept().await;
        assert!(matches!(peer.next().await, Frame::Hello(_)));
        peer.send(Frame::Hello(hello)).await;
        peer.send(Frame::Catalog { id: 0, part }).await;
        peer
    }

    /// Whether nobody else connects for a moment.
    pub(crate) async fn is_left_alone(&self) -> bool {
        timeout(Duration::from_millis(200), self.listener.accept())
            .await
            .is_err()
    }
}

impl Peer {
    pub(crate) async fn next(&mut self) -> Frame {
        self.next_or_end().await.expect("the client has closed")
    }

    pub(crate) async fn next_or_end(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.reader.next())
            .await
            .expect("no frame comes")
            .ok()
            .flatten()
    }

    /// The id of the next frame, which must be a request, and its deadline.
    pub(crate) async fn request(&mut self) -> (u32, u32) {
        match self.next().await {
            Frame::Request { id, request } => (id, request.deadline_ms),
            other => panic!("not a request: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        self.writer.send(&frame).await.unwrap();
    }

    /// Answers with the request's id as the signature.
    pub(crate) async fn reply(&mut self, id: u32) {
        self.send(Frame::Reply {
            id,
            reply: Reply {
                queue_us: 11,
                work_us: 22,
                result: OperationResult::Signature(id.to_be_bytes().to_vec()),
            },
        })
        .await;
    }
}

pub(crate) fn hello() -> Hello {
    Hello::key_server(100)
}

/// Any operation: this key server does not look at it.
pub(crate) fn operation() -> Operation {
    operation_with(key())
}

/// The key of [`operation`].
pub(crate) fn key() -> KeyId {
    KeyId::of_spki(b"any")
}

pub(crate) fn operation_with(key: KeyId) -> Operation {
    Handshake {
        key,
        certificate: b"any",
        server_name: Some("shop.example"),
    }
    .tls13(SignatureScheme::ED25519)
}

pub(crate) fn quick() -> Timings {
    Timings {
        ping_interval: Duration::from_millis(100),
        ping_timeout: Duration::from_millis(200),
        backoff_min: Duration::from_millis(5),
        backoff_wanted: Duration::from_millis(20),
        ..Timings::default()
    }
}

/// No pings in the way of what a test expects.
pub(crate) fn unhurried() -> Timings {
    Timings {
        ping_interval: PATIENCE,
        stall: PATIENCE,
        ..quick()
    }
}

/// Runs a test on a runtime of its own, with a bound on its time.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        timeout(Duration::from_secs(60), test)
            .await
            .expect("the test hangs");
    });
}
