use std::sync::Arc;

use keyward_tls::NeedKind;
use rustls::HandshakeKind;
use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};

use crate::support::{ClientOptions, KeyAlgorithm, Pair, Site, client_config};

/// Every suite with every group and every kind of certificate; the key server's own check of each
/// operation included.
#[test]
fn every_suite_group_and_certificate() {
    let suites = [
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    let groups = [
        kx_group::X25519MLKEM768,
        kx_group::X25519,
        kx_group::SECP256R1,
        kx_group::SECP384R1,
    ];
    let kinds = [
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ];
    for kind in kinds {
        let site = Arc::new(Site::new(&[kind]));
        for suite in suites {
            for group in groups {
                let client = client_config(ClientOptions {
                    suites: vec![suite],
                    groups: vec![group],
                    ..ClientOptions::default()
                });
                let mut pair = Pair::new(&client, &site);
                pair.handshake();
                pair.echo();

                let what = format!("{suite:?} {group:?} {kind:?}");
                assert_eq!(
                    pair.client.handshake_kind(),
                    Some(HandshakeKind::Full),
                    "{what}"
                );
                let negotiated = pair.server.negotiated().unwrap();
                assert_eq!(
                    negotiated.cipher_suite.0,
                    u16::from(suite.suite()),
                    "{what}"
                );
                assert_eq!(
                    negotiated.group.unwrap().0,
                    u16::from(group.name()),
                    "{what}"
                );
                assert_eq!(negotiated.server_name.as_deref(), Some("shop.example"));
                assert!(!negotiated.resumed && !negotiated.hello_retry_request);
                assert_eq!(
                    site.take_asked(),
                    [
                        NeedKind::Certificate,
                        NeedKind::KeyOperation,
                        NeedKind::NewSession,
                        NeedKind::NewSession
                    ],
                    "{what}"
                );
            }
        }
    }
}

/// A client that puts ChaCha20-Poly1305 first has no AES in hardware.
#[test]
fn chacha_is_taken_from_who_prefers_it() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    for (first, second, taken) in [
        (
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            0x1303,
        ),
        (
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            0x1302,
        ),
    ] {
        let client = client_config(ClientOptions {
            suites: vec![first, second],
            ..ClientOptions::default()
        });
        let mut pair = Pair::new(&client, &site);
        pair.handshake();
        assert_eq!(pair.server.negotiated().unwrap().cipher_suite.0, taken);
    }
}
