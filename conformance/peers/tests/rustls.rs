//! rustls, the one peer here that is compiled in, so the one that is never missing.

use std::sync::LazyLock;

use keyward_peers::{
    Site, Stand,
    rustls_client::{Offer, RustlsClient},
    stand::pattern,
};
use rustls::{
    HandshakeKind, NamedGroup, ProtocolVersion,
    crypto::aws_lc_rs::{cipher_suite, kx_group},
    version::{TLS12, TLS13},
};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

/// What a current browser does: post-quantum key exchange at the first attempt.
#[test]
fn x25519mlkem768_by_default() {
    let host = STAND.host(Site::Ecdsa);
    let mut connected = RustlsClient::new(&STAND, &Offer::default())
        .connect(&STAND, &host)
        .unwrap();
    let session = connected.session();
    assert_eq!(session.version, ProtocolVersion::TLSv1_3);
    assert_eq!(session.group, Some(NamedGroup::X25519MLKEM768));
    assert_eq!(session.kind, HandshakeKind::Full);
    let answer = connected.get(&host, "/").unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert_eq!(
        STAND.handshake(&host).group.as_deref(),
        Some("X25519MLKEM768")
    );
}

#[test]
fn groups() {
    for (version, groups) in [
        (
            &TLS13,
            &[
                kx_group::X25519MLKEM768,
                kx_group::X25519,
                kx_group::SECP256R1,
                kx_group::SECP384R1,
            ][..],
        ),
        (
            &TLS12,
            &[kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ),
    ] {
        for group in groups {
            // RSA: rustls ties an ECDSA certificate's curve to the groups in TLS 1.2.
            let host = STAND.host(Site::Rsa);
            let offer = Offer {
                versions: &[version],
                groups: &[*group],
                ..Offer::default()
            };
            let mut connected = RustlsClient::new(&STAND, &offer)
                .connect(&STAND, &host)
                .unwrap();
            assert_eq!(connected.session().group, Some(group.name()));
            connected.get(&host, "/").unwrap();
        }
    }
}

#[test]
fn hello_retry_request() {
    let host = STAND.host(Site::Ecdsa);
    // Its key share is of a group that the edge does not have.
    let offer = Offer {
        versions: &[&TLS13],
        groups: &[kx_group::SECP256R1MLKEM768, kx_group::X25519MLKEM768],
        ..Offer::default()
    };
    let mut connected = RustlsClient::new(&STAND, &offer)
        .connect(&STAND, &host)
        .unwrap();
    let session = connected.session();
    assert_eq!(session.kind, HandshakeKind::FullWithHelloRetryRequest);
    assert_eq!(session.group, Some(NamedGroup::X25519MLKEM768));
    connected.get(&host, "/").unwrap();
    assert_eq!(STAND.handshake(&host).key_operations, 1);
}

#[test]
fn suites() {
    for (site, suites) in [
        (
            Site::Ecdsa,
            [
                cipher_suite::TLS13_AES_128_GCM_SHA256,
                cipher_suite::TLS13_AES_256_GCM_SHA384,
                cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            ],
        ),
        (
            Site::Rsa,
            [
                cipher_suite::TLS13_AES_128_GCM_SHA256,
                cipher_suite::TLS13_AES_256_GCM_SHA384,
                cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
                cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            ],
        ),
    ] {
        for suite in suites {
            let host = STAND.host(site);
            let offer = Offer {
                versions: &[suite.version()],
                cipher_suites: &[suite],
                ..Offer::default()
            };
            let mut connected = RustlsClient::new(&STAND, &offer)
                .connect(&STAND, &host)
                .unwrap();
            assert_eq!(connected.session().cipher_suite, suite.suite());
            connected.get(&host, "/").unwrap();
        }
    }
}

#[test]
fn resumption() {
    for version in [&TLS13, &TLS12] {
        let host = STAND.host(Site::Ecdsa);
        let client = RustlsClient::new(
            &STAND,
            &Offer {
                versions: &[version],
                ..Offer::default()
            },
        );
        let mut kinds = Vec::new();
        for _ in 0..3 {
            let mut connected = client.connect(&STAND, &host).unwrap();
            kinds.push(connected.session().kind);
            connected.get(&host, "/").unwrap();
        }
        assert_eq!(
            kinds,
            [
                HandshakeKind::Full,
                HandshakeKind::Resumed,
                HandshakeKind::Resumed
            ],
            "{:?}",
            version.version
        );
        let operations: u32 = STAND
            .handshakes(&host, 3)
            .iter()
            .map(|record| record.key_operations)
            .sum();
        assert_eq!(operations, 1);
    }
}

#[test]
fn alpn() {
    for (offered, agreed) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1")] {
        let offer = Offer {
            alpn: offered,
            ..Offer::default()
        };
        let connected = RustlsClient::new(&STAND, &offer)
            .connect(&STAND, &STAND.host(Site::Ecdsa))
            .unwrap();
        assert_eq!(connected.session().alpn.as_deref(), Some(agreed.as_bytes()));
    }
    let offer = Offer {
        alpn: &["no-such-protocol"],
        ..Offer::default()
    };
    let Err(error) = RustlsClient::new(&STAND, &offer).connect(&STAND, &STAND.host(Site::Ecdsa))
    else {
        panic!("a protocol was agreed on that the edge does not have");
    };
    assert!(
        error.to_string().contains("NoApplicationProtocol"),
        "{error}"
    );
}

#[test]
fn key_update_while_data_flows() {
    let offer = Offer {
        versions: &[&TLS13],
        ..Offer::default()
    };
    let mut connected = RustlsClient::new(&STAND, &offer)
        .connect(&STAND, &STAND.host(Site::Echo))
        .unwrap();
    let piece = pattern(50_000);
    for _ in 0..5 {
        assert!(connected.echo(&piece).unwrap() == piece);
        connected.stream.conn.refresh_traffic_keys().unwrap();
    }
    assert!(connected.echo(&piece).unwrap() == piece);
}

#[test]
fn unknown_name() {
    let Err(error) =
        RustlsClient::new(&STAND, &Offer::default()).connect(&STAND, "stranger.example")
    else {
        panic!("a site was found that the edge does not have");
    };
    // RFC 6066 §3
    assert!(error.to_string().contains("UnrecognisedName"), "{error}");
}

/// Many handshakes at once: many operations in flight on one connection to the key server.
#[test]
fn side_by_side() {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let client = RustlsClient::new(&STAND, &Offer::default());
                for round in 0..8 {
                    let site =
                        [Site::Ecdsa, Site::Rsa, Site::Both, Site::Ed25519][(thread + round) % 4];
                    let host = STAND.host(site);
                    let answer = client
                        .connect(&STAND, &host)
                        .unwrap()
                        .get(&host, "/bytes/10000")
                        .unwrap();
                    assert!(answer.ends_with(&pattern(10_000)));
                }
            });
        }
    });
}
