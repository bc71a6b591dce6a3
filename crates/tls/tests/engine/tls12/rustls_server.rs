//! Our client and a rustls server.

use std::io::{Read, Write};
use std::sync::Arc;

use keyward_tls::{ClientConfig, ClientConnection, NeedKind, Policy, Step};
use keyward_wire::values::{NamedGroup, ProtocolVersion};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{ServerConfig, ServerConnection, SupportedCipherSuite};

use crate::support::{KeyAlgorithm, Visitor, client_identity, identity, now, roots};

struct Server {
    kind: KeyAlgorithm,
    suites: Vec<SupportedCipherSuite>,
    groups: Vec<&'static dyn SupportedKxGroup>,
    asks: bool,
    ocsp: Vec<u8>,
}

impl Server {
    fn new(kind: KeyAlgorithm) -> Self {
        Self {
            kind,
            suites: aws_lc_rs::ALL_CIPHER_SUITES.to_vec(),
            groups: aws_lc_rs::ALL_KX_GROUPS.to_vec(),
            asks: false,
            ocsp: Vec::new(),
        }
    }

    fn config(self) -> ServerConfig {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: self.suites,
            kx_groups: self.groups,
            ..aws_lc_rs::default_provider()
        });
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap();
        let builder = if self.asks {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let identity = identity(self.kind);
        let chain = identity.certificate.chain().to_vec();
        builder
            .with_single_cert_with_ocsp(chain, identity.key_der(), self.ocsp)
            .unwrap()
    }
}

fn tls12() -> ClientConfig {
    ClientConfig {
        policy: Arc::new(Policy {
            versions: vec![ProtocolVersion::TLS12],
            ..Policy::intermediate()
        }),
        ..ClientConfig::default()
    }
}

/// A whole handshake, and data there and back.
fn shake(
    server: &Arc<ServerConfig>,
    client: ClientConfig,
    visitor: &Visitor,
) -> (ClientConnection, ServerConnection) {
    let mut server = ServerConnection::new(server.clone()).unwrap();
    let name = "shop.example".parse().unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut received = Vec::new();
    let mut complete = false;
    server.writer().write_all(b"response").unwrap();
    loop {
        loop {
            match client.step(now()).unwrap() {
                Step::Need(need) => client.answer(visitor.answer(need)).unwrap(),
                Step::SessionReceived(session) => visitor.keep(*session),
                Step::HandshakeComplete => {
                    complete = true;
                    assert_eq!(client.send(b"request").unwrap(), 7);
                }
                Step::Data => {
                    received.extend_from_slice(client.peek());
                    client.consume_readable(usize::MAX);
                }
                _ => break,
            }
        }
        let mut moved = !client.output().is_empty();
        while !client.output().is_empty() {
            let n = server.read_tls(&mut client.output()).unwrap();
            client.consume_output(n);
            server.process_new_packets().unwrap();
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        moved |= !bytes.is_empty();
        assert_eq!(client.receive(&bytes), bytes.len());
        if !moved {
            break;
        }
    }
    assert!(complete && !server.is_handshaking());
    assert_eq!(received, b"response");
    let mut request = [0; 7];
    server.reader().read_exact(&mut request).unwrap();
    assert_eq!(&request, b"request");
    (client, server)
}

#[test]
fn every_suite_group_and_certificate() {
    let tls12_suites = aws_lc_rs::ALL_CIPHER_SUITES
        .iter()
        .filter(|suite| suite.tls13().is_none());
    let mut count = 0;
    for suite in tls12_suites {
        let ecdsa = format!("{:?}", suite.suite()).contains("ECDSA");
        let kinds: &[KeyAlgorithm] = if ecdsa {
            &[
                KeyAlgorithm::P256,
                KeyAlgorithm::P384,
                KeyAlgorithm::Ed25519,
            ]
        } else {
            &[KeyAlgorithm::Rsa2048]
        };
        for kind in kinds {
            for group in [
                aws_lc_rs::kx_group::X25519,
                aws_lc_rs::kx_group::SECP256R1,
                aws_lc_rs::kx_group::SECP384R1,
            ] {
                let server = Server {
                    suites: vec![*suite],
                    groups: vec![group],
                    ..Server::new(*kind)
                };
                let (client, _) = shake(&Arc::new(server.config()), tls12(), &Visitor::default());
                let negotiated = client.negotiated().unwrap();
                assert_eq!(negotiated.cipher_suite.0, u16::from(suite.suite()));
                assert_eq!(negotiated.group, Some(NamedGroup(group.name().into())));
                count += 1;
            }
        }
    }
    assert_eq!(count, 3 * 3 * 3 + 3 * 3);
}

#[test]
fn clients_authenticate_themselves() {
    for kind in [
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let server = Server {
            asks: true,
            ..Server::new(KeyAlgorithm::P256)
        };
        let visitor = Visitor {
            identities: Some(vec![client_identity(kind)]),
            ..Visitor::default()
        };
        let (_, server) = shake(&Arc::new(server.config()), tls12(), &visitor);
        let chain = client_identity(kind).certificate.chain().to_vec();
        assert_eq!(server.peer_certificates(), Some(&chain[..]), "{kind:?}");
        assert!(visitor.take_asked().contains(&NeedKind::KeyOperation));
    }
}

/// By ticket, and by session id where the server has no tickets.
#[test]
fn sessions_are_resumed() {
    for tickets in [true, false] {
        let mut config = Server::new(KeyAlgorithm::P256).config();
        if tickets {
            config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
            config.session_storage = Arc::new(NoServerSessionStorage {});
        } else {
            config.session_storage = ServerSessionMemoryCache::new(8);
        }
        let config = Arc::new(config);
        let visitor = Visitor::default();
        shake(&config, tls12(), &visitor);
        let session = visitor.sessions.lock().unwrap().pop().unwrap();
        for _ in 0..2 {
            visitor.keep(session.clone());
            let (client, _) = shake(&config, tls12(), &visitor);
            assert!(client.negotiated().unwrap().resumed, "tickets: {tickets}");
            visitor.sessions.lock().unwrap().clear();
        }
    }
}

/// RFC 6066 §8.
#[test]
fn a_stapled_response_is_handed_to_who_decides() {
    let server = Server {
        ocsp: b"response".to_vec(),
        ..Server::new(KeyAlgorithm::P256)
    };
    let config = Arc::new(server.config());
    for asks in [true, false] {
        let visitor = Visitor::default();
        let client = ClientConfig {
            request_ocsp: asks,
            ..tls12()
        };
        shake(&config, client, &visitor);
        let found = visitor.ocsp.lock().unwrap().clone();
        assert_eq!(found, asks.then(|| b"response".to_vec()));
    }
}
