//! Our client against rustls as a server: somebody else's reading of the same RFCs.

use std::io::{Read, Write};
use std::sync::Arc;

use keyward_tls::{ClientConfig, ClientConnection, EarlyDataStatus, Error, NeedKind, Policy, Step};
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ServerConfig, ServerConnection, WebPkiClientVerifier};

use crate::support::{KeyAlgorithm, Visitor, client_identity, identity, now, roots};

/// A rustls server and our client.
struct Pair {
    client: ClientConnection,
    server: ServerConnection,
    visitor: Arc<Visitor>,
    server_received: Vec<u8>,
    server_received_early: Vec<u8>,
    client_received: Vec<u8>,
    piece: usize,
}

fn server(kind: KeyAlgorithm, change: impl FnOnce(&mut ServerConfig)) -> Arc<ServerConfig> {
    server_with(kind, aws_lc_rs::default_provider(), false, change)
}

fn server_with(
    kind: KeyAlgorithm,
    provider: CryptoProvider,
    ask_clients: bool,
    change: impl FnOnce(&mut ServerConfig),
) -> Arc<ServerConfig> {
    let provider = Arc::new(provider);
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if ask_clients {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(), provider)
            .build()
            .unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let identity = identity(kind);
    let mut config = builder
        .with_single_cert(identity.certificate.chain().to_vec(), identity.key_der())
        .unwrap();
    change(&mut config);
    Arc::new(config)
}

impl Pair {
    fn new(config: ClientConfig, visitor: &Arc<Visitor>, server: &Arc<ServerConfig>) -> Self {
        let name = "shop.example".parse().unwrap();
        Self {
            client: ClientConnection::new(Arc::new(config), name).unwrap(),
            server: ServerConnection::new(server.clone()).unwrap(),
            visitor: visitor.clone(),
            server_received: Vec::new(),
            server_received_early: Vec::new(),
            client_received: Vec::new(),
            piece: usize::MAX,
        }
    }

    fn run(&mut self) -> Result<(), Error> {
        loop {
            self.step()?;
            let mut any = false;
            while !self.client.output().is_empty() {
                any = true;
                let n = self.client.output().len().min(self.piece);
                let n = self
                    .server
                    .read_tls(&mut &self.client.output()[..n])
                    .unwrap();
                self.client.consume_output(n);
                self.server.process_new_packets().expect("rustls agrees");
                if let Some(mut early) = self.server.early_data() {
                    early.read_to_end(&mut self.server_received_early).unwrap();
                }
                match self.server.reader().read_to_end(&mut self.server_received) {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
                }
            }
            let mut bytes = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut bytes).unwrap();
            }
            for piece in bytes.chunks(self.piece.min(bytes.len().max(1))) {
                any = true;
                let mut rest = piece;
                while !rest.is_empty() {
                    rest = &rest[self.client.receive(rest)..];
                    self.step()?;
                }
            }
            if !any {
                return Ok(());
            }
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        loop {
            match self.client.step(now())? {
                Step::Need(need) => self.client.answer(self.visitor.answer(need)).unwrap(),
                Step::SessionReceived(session) => self.visitor.keep(*session),
                Step::Data => {
                    self.client_received.extend_from_slice(self.client.peek());
                    self.client.consume_readable(usize::MAX);
                }
                Step::HandshakeComplete => {}
                _ => return Ok(()),
            }
        }
    }

    #[track_caller]
    fn handshake(&mut self) {
        self.run().unwrap();
        assert!(self.client.is_handshake_complete());
        assert!(!self.server.is_handshaking());
    }

    #[track_caller]
    fn echo(&mut self) {
        self.client.send(b"request").unwrap();
        self.server.writer().write_all(b"response").unwrap();
        self.run().unwrap();
        assert_eq!(self.server_received, b"request");
        assert_eq!(self.client_received, b"response");
    }
}

fn tls13(suite: CipherSuite, group: NamedGroup) -> ClientConfig {
    ClientConfig {
        policy: Arc::new(Policy {
            cipher_suites: vec![suite],
            groups: vec![group],
            ..Policy::modern()
        }),
        ..ClientConfig::default()
    }
}

#[test]
fn every_suite_group_and_certificate() {
    for kind in [
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let server = server(kind, |_| ());
        for suite in Policy::modern().cipher_suites {
            for group in Policy::modern().groups {
                let visitor = Arc::new(Visitor::default());
                let mut pair = Pair::new(tls13(suite, group), &visitor, &server);
                pair.handshake();
                pair.echo();
                let what = format!("{kind:?} {suite} {group}");
                let negotiated = pair.client.negotiated().unwrap();
                assert_eq!(negotiated.version, ProtocolVersion::TLS13, "{what}");
                assert_eq!(negotiated.cipher_suite, suite, "{what}");
                assert_eq!(negotiated.group, Some(group), "{what}");
                assert!(!negotiated.hello_retry_request);
            }
        }
    }
}

#[test]
fn every_suite_of_tls12() {
    for kind in [
        KeyAlgorithm::P256,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let server = server(kind, |_| ());
        let mut tried = 0;
        for suite in Policy::intermediate().cipher_suites {
            let rsa = suite.name().is_some_and(|name| name.contains("_RSA_"));
            let tls13 = suite.0 >> 8 == 0x13;
            if tls13 || rsa != (kind == KeyAlgorithm::Rsa2048) {
                continue;
            }
            let config = ClientConfig {
                policy: Arc::new(Policy {
                    versions: vec![ProtocolVersion::TLS12],
                    cipher_suites: vec![suite],
                    ..Policy::intermediate()
                }),
                ..ClientConfig::default()
            };
            let mut pair = Pair::new(config, &Arc::default(), &server);
            pair.handshake();
            pair.echo();
            assert_eq!(pair.client.negotiated().unwrap().cipher_suite, suite);
            tried += 1;
        }
        assert_eq!(tried, 3);
    }
}

#[test]
fn any_piece_size() {
    let server = server(KeyAlgorithm::Rsa2048, |_| ());
    for piece in [1, 3, 50, 700] {
        let mut pair = Pair::new(ClientConfig::default(), &Arc::default(), &server);
        pair.piece = piece;
        pair.handshake();
        pair.echo();
    }
}

#[test]
fn a_hello_retry_request_and_resumption() {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::SECP384R1];
    let server = server_with(KeyAlgorithm::P256, provider, false, |_| ());
    let visitor = Arc::new(Visitor::default());
    for resumed in [false, true] {
        let mut pair = Pair::new(ClientConfig::default(), &visitor, &server);
        pair.handshake();
        pair.echo();
        let negotiated = pair.client.negotiated().unwrap();
        assert!(negotiated.hello_retry_request);
        assert_eq!(negotiated.resumed, resumed);
    }
}

#[test]
fn resumption_in_both_versions() {
    let server = server(KeyAlgorithm::P256, |config| {
        config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
    });
    for version in [ProtocolVersion::TLS13, ProtocolVersion::TLS12] {
        let visitor = Arc::new(Visitor::default());
        for resumed in [false, true, true] {
            let config = ClientConfig {
                policy: Arc::new(Policy {
                    versions: vec![version],
                    ..Policy::default()
                }),
                ..ClientConfig::default()
            };
            let mut pair = Pair::new(config, &visitor, &server);
            pair.handshake();
            pair.echo();
            assert_eq!(
                pair.client.negotiated().unwrap().resumed,
                resumed,
                "{version}"
            );
            assert!(!pair.client.peer_certificates().is_empty());
        }
    }
}

#[test]
fn early_data() {
    let server = server(KeyAlgorithm::P256, |config| {
        config.max_early_data_size = 1000;
    });
    let visitor = Arc::new(Visitor::default());
    let config = || ClientConfig {
        early_data: true,
        ..ClientConfig::default()
    };
    Pair::new(config(), &visitor, &server).handshake();
    let mut pair = Pair::new(config(), &visitor, &server);
    pair.step().unwrap();
    assert_eq!(pair.client.send_early(b"early request").unwrap(), 13);
    pair.handshake();
    assert_eq!(pair.server_received_early, b"early request");
    let status = pair.client.negotiated().unwrap().early_data;
    assert_eq!(status, EarlyDataStatus::Accepted);
    pair.echo();
}

#[test]
fn client_authentication_in_both_versions() {
    let provider = aws_lc_rs::default_provider();
    let server = server_with(KeyAlgorithm::P256, provider, true, |_| ());
    for version in [ProtocolVersion::TLS13, ProtocolVersion::TLS12] {
        for kind in [
            KeyAlgorithm::P256,
            KeyAlgorithm::Ed25519,
            KeyAlgorithm::Rsa2048,
        ] {
            let visitor = Arc::new(Visitor {
                identities: Some(vec![client_identity(kind)]),
                ..Visitor::default()
            });
            let config = ClientConfig {
                policy: Arc::new(Policy {
                    versions: vec![version],
                    ..Policy::default()
                }),
                ..ClientConfig::default()
            };
            let mut pair = Pair::new(config, &visitor, &server);
            pair.handshake();
            pair.echo();
            let presented = pair.server.peer_certificates().unwrap();
            assert_eq!(presented, client_identity(kind).certificate.chain());
            assert!(visitor.take_asked().contains(&NeedKind::KeyOperation));
        }
    }
}

#[test]
fn exporters_agree() {
    let server = server(KeyAlgorithm::P256, |_| ());
    for version in [ProtocolVersion::TLS13, ProtocolVersion::TLS12] {
        let config = ClientConfig {
            policy: Arc::new(Policy {
                versions: vec![version],
                ..Policy::default()
            }),
            ..ClientConfig::default()
        };
        let mut pair = Pair::new(config, &Arc::default(), &server);
        pair.handshake();
        let theirs = pair
            .server
            .export_keying_material([0; 40], b"EXPERIMENTAL test", Some(b"context"))
            .unwrap();
        let mut ours = [0; 40];
        pair.client
            .export_keying_material(b"EXPERIMENTAL test", Some(b"context"), &mut ours)
            .unwrap();
        assert_eq!(ours, theirs, "{version}");
    }
}

#[test]
fn key_updates() {
    let server = server(KeyAlgorithm::P256, |_| ());
    let mut pair = Pair::new(ClientConfig::default(), &Arc::default(), &server);
    pair.handshake();
    pair.client.update_keys(true).unwrap();
    pair.server.refresh_traffic_keys().unwrap();
    pair.echo();
}

#[test]
fn application_protocols() {
    let server = server(KeyAlgorithm::P256, |config| {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
    });
    for (offered, chosen) in [
        (
            vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Some(b"http/1.1".to_vec()),
        ),
        (Vec::new(), None),
    ] {
        let config = ClientConfig {
            alpn: offered,
            ..ClientConfig::default()
        };
        let mut pair = Pair::new(config, &Arc::default(), &server);
        pair.handshake();
        assert_eq!(pair.client.negotiated().unwrap().alpn, chosen);
    }
}
