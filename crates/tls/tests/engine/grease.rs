//! Values that are reserved to have no meaning (RFC 8701), wherever a client may put one, change
//! nothing: neither for the engine nor for the key server, which reads the same ClientHello.

use std::sync::Arc;

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_tls::Policy;
use keyward_wire::extensions::{ClientHelloExtensions, KeyShareEntry};
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{
    CipherSuite, EcPointFormat, ExtensionType, NamedGroup, ProtocolVersion, PskKeyExchangeMode,
    SignatureScheme,
};

use crate::support::{HandClient, KeyAlgorithm, Site};
use crate::tls12;

/// RFC 8701 §2: the sixteen values of two bytes.
fn values() -> impl Iterator<Item = u16> {
    (0..16).map(|n: u16| 0x0a0a + n * 0x1010)
}

fn put_first<T>(list: Option<&mut Vec<T>>, value: T) {
    if let Some(list) = list {
        list.insert(0, value);
    }
}

/// Puts the value in front of every list that there is, as Chromium does, and around the extensions.
fn grease(hello: &mut ClientHello, value: u16) {
    hello.cipher_suites.insert(0, CipherSuite(value));
    let ClientHelloExtensions {
        supported_versions,
        supported_groups,
        signature_algorithms,
        key_share,
        psk_key_exchange_modes,
        ec_point_formats,
        alpn,
        unknown,
        ..
    } = &mut hello.extensions;
    put_first(supported_versions.as_mut(), ProtocolVersion(value));
    put_first(supported_groups.as_mut(), NamedGroup(value));
    put_first(signature_algorithms.as_mut(), SignatureScheme(value));
    let share = KeyShareEntry {
        group: NamedGroup(value),
        key_exchange: vec![0],
    };
    put_first(key_share.as_mut(), share);
    // RFC 8701 §2: PskKeyExchangeModes are 0x0b, 0x2a, … 0xe4.
    put_first(psk_key_exchange_modes.as_mut(), PskKeyExchangeMode(0x2a));
    put_first(ec_point_formats.as_mut(), EcPointFormat(0x0a));
    put_first(alpn.as_mut(), value.to_be_bytes().to_vec());
    let another = if value == 0x0a0a { 0xfafa } else { 0x0a0a };
    unknown.insert(0, (ExtensionType(value), Vec::new()));
    unknown.push((ExtensionType(another), vec![0]));
}

fn site() -> Arc<Site> {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = vec![b"h2".to_vec()];
    Arc::new(site)
}

#[test]
fn in_tls13() {
    for value in values() {
        let mut client = HandClient::new(&site());
        client.hello.extensions.alpn = Some(vec![b"h2".to_vec()]);
        grease(&mut client.hello, value);
        client.handshake();
        let negotiated = client.server.negotiated().unwrap();
        assert_eq!(negotiated.version, ProtocolVersion::TLS13);
        assert_eq!(negotiated.group, Some(NamedGroup::X25519));
        assert_eq!(negotiated.alpn.as_deref(), Some(&b"h2"[..]));
        assert!(!negotiated.hello_retry_request);
    }
}

#[test]
fn in_a_resumed_handshake() {
    let site = site();
    for value in values() {
        let mut client = HandClient::new(&site);
        grease(&mut client.hello, value);
        let (ticket, psk) = client.handshake_for_tickets().remove(0);
        let mut client = HandClient::new(&site);
        grease(&mut client.hello, value);
        client.offer(&ticket, psk);
        client.handshake();
        assert!(client.server.negotiated().unwrap().resumed);
    }
}

/// A HelloRetryRequest asks for a group that the engine speaks, and the second ClientHello may have the
/// same values in all places but the key share.
#[test]
fn before_and_after_a_hello_retry_request() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = Policy {
        groups: vec![NamedGroup::SECP256R1],
        ..Policy::modern()
    };
    let site = Arc::new(site);
    for value in values() {
        let mut client = HandClient::new(&site);
        client.hello.extensions.supported_groups =
            Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]);
        grease(&mut client.hello, value);
        client.send_hello().unwrap();
        assert!(client.take_server_hello().is_hello_retry_request());
        client.records();
        let key_pair = KeyPair::generate(Group::Secp256r1).unwrap();
        client.hello.extensions.key_share = Some(vec![KeyShareEntry {
            group: NamedGroup::SECP256R1,
            key_exchange: key_pair.public().to_vec(),
        }]);
        client.use_key_pair(key_pair);
        client.handshake();
    }
}

#[test]
fn in_tls12() {
    for value in values() {
        let mut client = tls12::HandClient::new(&site());
        client.hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS12]);
        client.hello.extensions.ec_point_formats = Some(vec![EcPointFormat::UNCOMPRESSED]);
        client.hello.extensions.alpn = Some(vec![b"h2".to_vec()]);
        grease(&mut client.hello, value);
        client.handshake();
        let negotiated = client.server.negotiated().unwrap();
        assert_eq!(negotiated.version, ProtocolVersion::TLS12);
        assert_eq!(negotiated.alpn.as_deref(), Some(&b"h2"[..]));
    }
}

#[test]
fn with_rsa_key_transport() {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    let site = Arc::new(site);
    for value in values() {
        let mut client = tls12::HandClient::rsa(&site);
        grease(&mut client.hello, value);
        client.handshake();
    }
}

/// Whoever puts ChaCha20-Poly1305 first behind such a value still means it.
#[test]
fn the_favourite_suite_is_the_first_that_means_something() {
    let site = site();
    let mut client = HandClient::new(&site);
    client.hello.cipher_suites = vec![
        CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_AES_128_GCM_SHA256,
    ];
    grease(&mut client.hello, 0x3a3a);
    client.send_hello().unwrap();
    let chosen = client.server.negotiated().unwrap().cipher_suite;
    assert_eq!(chosen, CipherSuite::TLS_CHACHA20_POLY1305_SHA256);
}
