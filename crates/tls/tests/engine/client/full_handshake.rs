use std::sync::Arc;

use keyward_tls::{ClientConfig, EarlyDataStatus, Error, NeedKind, Policy, ServerConfig};
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion};

use crate::support::{Duo, HandServer, KeyAlgorithm, Site, Visitor};

/// A client that offers one suite and one group of TLS 1.3.
fn client(suite: CipherSuite, group: NamedGroup) -> ClientConfig {
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
        let mut site = Site::new(&[kind]);
        // In no named policy.
        site.policy.groups.push(NamedGroup::MLKEM1024);
        let groups = site.policy.groups.clone();
        let site = Arc::new(site);
        let visitor = Arc::new(Visitor::of(&site));
        for suite in Policy::modern().cipher_suites {
            for group in groups.iter().copied() {
                let config = client(suite, group);
                let mut duo = Duo::with(&site, &visitor, config, ServerConfig::default());
                duo.handshake();
                duo.echo();

                let what = format!("{suite} {group} {kind:?}");
                assert_eq!(duo.client_steps, ["HandshakeComplete"], "{what}");
                let client = duo.client.negotiated().unwrap();
                let server = duo.server.negotiated().unwrap();
                assert_eq!(client.version, ProtocolVersion::TLS13);
                assert_eq!(client.cipher_suite, suite, "{what}");
                assert_eq!(client.group, Some(group), "{what}");
                assert_eq!(client.signature_scheme, server.signature_scheme, "{what}");
                assert_eq!(client.server_name.as_deref(), Some("shop.example"));
                assert_eq!(client.early_data, EarlyDataStatus::NotOffered);
                assert!(!client.resumed && !client.hello_retry_request);
                assert_eq!(
                    duo.client.peer_certificates(),
                    site.identities[0].certificate.chain()
                );
                assert_eq!(
                    visitor.take_asked(),
                    [NeedKind::OfferSession, NeedKind::PeerCertificate],
                    "{what}"
                );
                visitor.sessions.lock().unwrap().clear();
            }
        }
    }
}

#[test]
fn a_hybrid_group_is_the_default() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut duo = Duo::new(&site, &Arc::new(Visitor::default()));
    duo.handshake();
    let negotiated = duo.client.negotiated().unwrap();
    assert_eq!(negotiated.group, Some(NamedGroup::X25519MLKEM768));
    assert!(!negotiated.hello_retry_request);
}

#[test]
fn the_application_protocol_is_the_servers_choice() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let site = Arc::new(site);
    let config = ClientConfig {
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    let mut duo = Duo::with(&site, &visitor, config, ServerConfig::default());
    duo.handshake();
    assert_eq!(
        duo.client.negotiated().unwrap().alpn.as_deref(),
        Some(&b"http/1.1"[..])
    );
}

/// Pieces of any size, both ways.
#[test]
fn bytes_may_come_in_pieces() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::Rsa2048]));
    for piece in [1, 2, 7, 100, 1000] {
        let mut duo = Duo::new(&site, &Arc::new(Visitor::default()));
        duo.piece = piece;
        duo.handshake();
        duo.echo();
    }
}

#[test]
fn records_are_as_short_as_the_client_wants() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let config = ClientConfig {
        record_size_limit: Some(64),
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    let mut duo = Duo::with(&site, &visitor, config, ServerConfig::default());
    duo.handshake();
    duo.echo();
    duo.server.send(&[7; 1000]).unwrap();
    let output = duo.server.output();
    assert_eq!(
        output[3..5],
        [0, 64 + 16],
        "RFC 8449: padding and type count"
    );
    duo.run().unwrap();
    assert_eq!(duo.client_received[8..], [7; 1000]);
}

#[test]
fn a_group_that_is_listed_twice_is_offered_once() {
    let policy = Policy {
        groups: vec![NamedGroup::X25519, NamedGroup(0x0a0a), NamedGroup::X25519],
        ..Policy::modern()
    };
    let server = HandServer::new(ClientConfig {
        policy: Arc::new(policy),
        grease: false,
        ..ClientConfig::default()
    });
    let extensions = &server.hello.extensions;
    assert_eq!(extensions.supported_groups, Some(vec![NamedGroup::X25519]));
    assert_eq!(extensions.key_share.as_ref().unwrap().len(), 1);
}

#[test]
fn a_configuration_that_offers_nothing_is_refused() {
    let refused = |config: ClientConfig| {
        let name = "shop.example".parse().unwrap();
        let outcome = keyward_tls::ClientConnection::new(Arc::new(config), name);
        assert!(matches!(outcome, Err(Error::Config(_))), "{outcome:?}");
    };
    let policy = |change: fn(&mut Policy)| {
        let mut policy = Policy::modern();
        change(&mut policy);
        ClientConfig {
            policy: Arc::new(policy),
            ..ClientConfig::default()
        }
    };
    refused(policy(|policy| policy.versions.clear()));
    refused(policy(|policy| policy.cipher_suites.clear()));
    refused(policy(|policy| policy.groups.clear()));
    refused(ClientConfig {
        signature_schemes: Vec::new(),
        ..ClientConfig::default()
    });
    for alpn in [
        vec![Vec::new()],
        vec![vec![b'x'; 256]],
        vec![vec![b'x'; 200]; 100],
    ] {
        refused(ClientConfig {
            alpn,
            ..ClientConfig::default()
        });
    }
    refused(ClientConfig {
        record_size_limit: Some(63),
        ..ClientConfig::default()
    });
}
