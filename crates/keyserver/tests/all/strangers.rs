//! Peers that are no edges, and edges that break the protocol: each loses its own connection and nothing else.

use std::sync::Arc;

use keyward_keyclient::{KeyClient, KeyClientError};
use keyward_keyserver::RunningKeyServer;
use keyward_pki::Authority;
use keyward_protocol::{ALPN, ErrorCode, Frame, Hello, RefusalReason};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::raw_edge::{RawEdge, connect, connect_with, tcp};
use crate::support::{Home, PATIENCE, eventually, run, site, start};

/// Reads to the end, which must come.
async fn ends(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // An end or a reset, but an end.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("the connection stays open");
}

#[test]
fn garbage_before_tls_ends_that_connection() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        let garbage: [&[u8]; 3] = [
            b"GET / HTTP/1.1\r\n\r\n",
            &[0xff; 2000],
            &[0x16, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff],
        ];
        for bytes in garbage {
            let mut stream = TcpStream::connect(tcp(&server)).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            ends(stream).await;
        }
        eventually("all are counted", || {
            server.metrics().connections_rejected == 3
        })
        .await;
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

#[test]
fn half_open_connections_end_at_the_deadline_and_make_room() {
    run(async {
        let home = Home::new(&["p256"]);
        let server =
            start(home.open_config("[limits]\nhandshake_ms = 2000\nconnections = 3")).await;
        let mut silent = Vec::new();
        for bytes in [
            b"".as_slice(),
            &[0x16, 3, 1],
            &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
        ] {
            let mut stream = TcpStream::connect(tcp(&server)).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            silent.push(stream);
        }
        // One over the limit is closed without waiting: before any of the others.
        ends(TcpStream::connect(tcp(&server)).await.unwrap()).await;
        assert_eq!(server.metrics().connections_rejected, 1);
        for stream in silent {
            ends(stream).await;
        }
        eventually("all are counted", || {
            server.metrics().connections_rejected == 4
        })
        .await;
        home.client(&server.addresses()[0])
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

/// docs/protocol.md §1: "Key exchange X25519MLKEM768. Both sides MUST offer it, and MUST NOT accept another".
#[test]
fn a_key_exchange_that_a_quantum_computer_opens_is_refused() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let classic = CryptoProvider {
            kx_groups: vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP256R1],
            ..aws_lc_rs::default_provider()
        };
        let error = connect_with(&home, &server, ALPN, classic)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("HandshakeFailure"), "{error}");
        RawEdge::greeted(&home, &server).await;
    });
}

/// Connects with this TLS and waits for the first byte: in TLS 1.3 a client is done before the server has seen its certificate.
async fn first_byte(server: &RunningKeyServer, mut tls: ClientConfig) -> std::io::Result<u8> {
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let stream = TcpStream::connect(tcp(server)).await?;
    let name = ServerName::try_from("keyserver").unwrap();
    let mut stream = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await?;
    timeout(PATIENCE, stream.read_u8())
        .await
        .expect("nothing comes")
}

#[test]
fn both_sides_authenticate_and_in_tls13() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let builder = |versions: &[&'static SupportedProtocolVersion]| {
            let mut roots = RootCertStore::empty();
            roots.add(home.authority.ca_der().clone()).unwrap();
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(versions)
                .unwrap()
                .with_root_certificates(roots)
        };
        let identity = |name: &str| {
            let chain = CertificateDer::pem_file_iter(home.path(&format!("{name}.pem")))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let key = PrivateKeyDer::from_pem_file(home.path(&format!("{name}.key"))).unwrap();
            (chain, key)
        };
        let client_auth = |versions: &[&'static SupportedProtocolVersion], name: &str| {
            let (chain, key) = identity(name);
            builder(versions).with_client_auth_cert(chain, key).unwrap()
        };
        let tls13: &[_] = &[&rustls::version::TLS13];
        let tls12: &[_] = &[&rustls::version::TLS12];
        for (what, tls, alert) in [
            (
                "no certificate",
                builder(tls13).with_no_client_auth(),
                "CertificateRequired",
            ),
            (
                "a key server's certificate",
                client_auth(tls13, "keyserver"),
                "Certificate",
            ),
            (
                "TLS 1.2",
                client_auth(tls12, "edge-1.example"),
                "ProtocolVersion",
            ),
        ] {
            let error = first_byte(&server, tls).await.expect_err(what);
            assert!(error.to_string().contains(alert), "{what}: {error}");
        }
        eventually("all are counted", || {
            server.metrics().connections_rejected == 3
        })
        .await;
        // The same way in, with the right certificate and version. docs/protocol.md §1: "No early data, no resumption: each
        // connection proves both identities."
        let mut tls = client_auth(tls13, "edge-1.example");
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let tls = Arc::new(tls);
        for _ in 0..2 {
            let stream = TcpStream::connect(tcp(&server)).await.unwrap();
            let name = ServerName::try_from("keyserver").unwrap();
            let connector = TlsConnector::from(Arc::clone(&tls));
            let mut stream = connector.connect(name, stream).await.unwrap();
            // A ticket would be in front of it.
            stream.read_u8().await.unwrap();
            let (_, connection) = stream.get_ref();
            assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(connection.tls13_tickets_received(), 0);
        }
    });
}

#[test]
fn a_certificate_of_another_authority_is_told_so() {
    run(async {
        let home = Home::new(&["p256"]);
        let other = Authority::new("private CA").unwrap();
        let issued = other.issue_client("edge-1.example").unwrap();
        let server = start(home.open_config("")).await;
        let ours = home.client(&server.addresses()[0]);
        ours.connected(PATIENCE).await.unwrap();
        let mut config = home.client_config(&server.addresses()[0], "edge-1.example");
        config.certificate_chain = issued.chain_der;
        config.key = issued.key_der;
        let client = KeyClient::start(config).unwrap();
        let error = client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap_err();
        let KeyClientError::Unreachable { cause } = &error else {
            panic!("{error:?}")
        };
        assert!(
            cause.contains("does not accept this edge's certificate"),
            "{cause}"
        );
        eventually("it is counted", || {
            server.metrics().connections_rejected > 0
        })
        .await;
        // Neither who is there nor who comes is held up by it.
        ours.perform(site("p256").tls13(), PATIENCE).await.unwrap();
        home.client(&server.addresses()[0])
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();

        // The other way round: a key server that the edge has no reason to trust.
        let mut config = home.client_config(&server.addresses()[0], "edge-1.example");
        config.ca = vec![other.ca_der().clone()];
        let client = KeyClient::start(config).unwrap();
        let error = client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("its certificate is not acceptable"),
            "{error}"
        );
    });
}

#[test]
fn without_alpn_there_is_no_greeting() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        if let Ok(mut stream) = connect(&home, &server, b"").await {
            let mut bytes = Vec::new();
            let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes))
                .await
                .expect("the connection stays open");
            assert!(bytes.is_empty());
        }
        assert!(connect(&home, &server, b"h2").await.is_err());
        eventually("both are turned away", || {
            server.metrics().connections_rejected == 2
        })
        .await;
    });
}

#[test]
fn a_version_that_is_not_spoken_is_told_so() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let mut edge = RawEdge::new(connect(&home, &server, ALPN).await.unwrap());
        let hello = Hello {
            min_version: 7,
            max_version: 9,
            ..Hello::edge()
        };
        edge.writer.send(&Frame::Hello(hello)).await.unwrap();
        assert!(matches!(edge.next().await, Some(Frame::Hello(_))));
        assert_eq!(edge.error_code().await, (0, ErrorCode::Unsupported));
        assert!(edge.next().await.is_none());
    });
}

#[test]
fn frames_that_break_the_protocol_close_only_their_connection() {
    run(async {
        let home = Home::new(&["rsa4096"]);
        let server = start(home.open_config("[limits]\nworkers = 1")).await;
        let mut good = RawEdge::greeted(&home, &server).await;
        let request = |id| {
            keyward_protocol::encode_request(id, 1000, &site("rsa4096").tls13())
                .unwrap()
                .to_vec()
        };
        let bad: [(&str, Vec<u8>); 7] = [
            ("too short", vec![0, 0, 4, 5, 0, 0, 0]),
            ("too long", vec![0xff, 0xff, 0xff, 2, 0, 0, 0, 1]),
            (
                "second hello",
                Frame::Hello(Hello::edge()).encode().unwrap().to_vec(),
            ),
            ("hello that does not parse", vec![0, 0, 6, 1, 0, 0, 0, 0, 9]),
            (
                "frame that key servers send",
                Frame::Catalog {
                    id: 1,
                    part: Default::default(),
                }
                .encode()
                .unwrap()
                .to_vec(),
            ),
            ("request with id 0", request(0)),
            // The first of the two waits behind others.
            (
                "id in flight",
                (1..=30).chain([30]).flat_map(request).collect(),
            ),
        ];
        let count = bad.len() as u64;
        for (what, bytes) in bad {
            let mut edge = RawEdge::greeted(&home, &server).await;
            edge.bytes(bytes).await;
            loop {
                match edge.next().await {
                    Some(Frame::Reply { .. }) => (),
                    Some(Frame::Error { id: 0, error }) => {
                        assert_eq!(error.code, ErrorCode::Malformed, "{what}");
                        break;
                    }
                    other => panic!("{what}: {other:?}"),
                }
            }
            // Answers that were done already may follow; then the connection ends.
            while let Some(frame) = edge.next().await {
                assert!(matches!(frame, Frame::Reply { .. }), "{what}: {frame:?}");
            }
            assert!(good.is_alive().await, "{what}");
        }
        assert_eq!(server.metrics().malformed, count);
    });
}

#[test]
fn a_request_that_does_not_parse_costs_only_itself() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        let good = keyward_protocol::encode_request(5, 1000, &site("p256").tls13())
            .unwrap()
            .to_vec();
        // Cut short, with the length to match.
        let mut cut = good[..40].to_vec();
        cut[2] = 37;
        cut[1] = 0;
        edge.bytes(cut).await;
        assert_eq!(edge.error_code().await, (5, ErrorCode::Malformed));
        // An operation of the future, and a frame of the future.
        edge.bytes(vec![0, 0, 12, 2, 0, 0, 0, 6, 0, 0, 0, 9, 200, 1, 2])
            .await;
        assert_eq!(edge.error_code().await, (6, ErrorCode::Unsupported));
        edge.bytes(vec![0, 0, 8, 99, 0, 0, 0, 7, 1, 2, 3]).await;
        // Bytes that a later version adds at the end.
        let mut longer = good.clone();
        longer.extend([1, 2, 3]);
        let length = u16::from_be_bytes([longer[1], longer[2]]) + 3;
        longer[1..3].copy_from_slice(&length.to_be_bytes());
        edge.bytes(longer).await;
        assert_eq!(edge.answers(1).await, []);
        assert!(edge.is_alive().await);
    });
}

#[test]
fn a_refused_edge_reads_why() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.config("")).await;
        let mut edge = RawEdge::new(connect(&home, &server, ALPN).await.unwrap());
        edge.writer
            .send(&Frame::Hello(Hello::edge()))
            .await
            .unwrap();
        assert!(matches!(edge.next().await, Some(Frame::Hello(_))));
        let Some(Frame::Error { id: 0, error }) = edge.next().await else {
            panic!("no error")
        };
        assert_eq!(
            (error.code, error.reason),
            (ErrorCode::Refused, RefusalReason::Edge)
        );
    });
}
