use std::sync::Arc;

use keyward_tls::tickets::TicketKeys;
use keyward_tls::{Error, NeedError, NeedKind, PeerMisbehaved, ServerConfig};
use keyward_wire::handshake::EncryptedExtensions;
use keyward_wire::values::{CipherSuite, PskKeyExchangeMode};
use rustls::crypto::aws_lc_rs::cipher_suite;
use rustls::{ClientConfig, HandshakeKind};

use crate::support::{ClientOptions, HandClient, KeyAlgorithm, Pair, Site, client_config};

fn site() -> Site {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    site
}

fn client() -> Arc<ClientConfig> {
    client_config(ClientOptions {
        alpn: vec![b"h2".to_vec()],
        resumption: true,
        ..ClientOptions::default()
    })
}

fn connect(client: &Arc<ClientConfig>, site: &Arc<Site>) -> Pair {
    let mut pair = Pair::new(client, site);
    pair.handshake();
    pair.echo();
    pair
}

/// A client that was at `site` once and has its tickets.
fn returning(site: Site) -> (Arc<ClientConfig>, Site) {
    let client = client();
    let site = Arc::new(site);
    let pair = connect(&client, &site);
    assert_eq!(pair.client.tls13_tickets_received(), 2);
    drop(pair);
    site.take_asked();
    (client, Arc::into_inner(site).unwrap())
}

#[test]
fn a_client_that_returns_needs_no_private_key() {
    let (client, site) = returning(site());
    let site = Arc::new(site);
    for _ in 0..3 {
        let pair = connect(&client, &site);
        assert_eq!(pair.client.handshake_kind(), Some(HandshakeKind::Resumed));
        let negotiated = pair.server.negotiated().unwrap();
        assert!(negotiated.resumed);
        assert!(negotiated.certificate.is_none() && negotiated.signature_scheme.is_none());
        assert!(negotiated.group.is_some(), "psk_dhe_ke");
        assert_eq!(negotiated.alpn.as_deref(), Some(&b"h2"[..]));
        assert_eq!(pair.client.tls13_tickets_received(), 1);
        assert_eq!(
            site.take_asked(),
            [
                NeedKind::Certificate,
                NeedKind::Session,
                NeedKind::NewSession
            ]
        );
    }
}

#[test]
fn every_suite_can_be_resumed() {
    for suite in [
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ] {
        let client = client_config(ClientOptions {
            suites: vec![suite],
            resumption: true,
            ..ClientOptions::default()
        });
        let site = Arc::new(site());
        connect(&client, &site);
        assert!(connect(&client, &site).server.negotiated().unwrap().resumed);
    }
}

/// What changes at the site between two visits, and makes the second a full handshake.
#[test]
fn a_session_is_not_resumed_where_it_does_not_belong() {
    type Change = fn(&mut Site);
    let changes: [(&str, Change); 6] = [
        ("another context", |site| {
            site.session_context = b"other".to_vec();
        }),
        ("another protocol", |site| site.alpn = Vec::new()),
        ("a policy without its suite", |site| {
            let suites = &mut site.policy.cipher_suites;
            suites.retain(|suite| *suite != CipherSuite::TLS_AES_128_GCM_SHA256);
        }),
        ("other ticket keys", |site| {
            let random = Arc::new(keyward_crypto::random::SystemRandom);
            site.tickets = TicketKeys::new(&[[1; 32]], random).unwrap();
        }),
        ("a cache that is down", |site| {
            site.errors = vec![(NeedKind::Session, NeedError::Unavailable)];
        }),
        ("nobody to seal tickets", |site| {
            site.errors = vec![(NeedKind::NewSession, NeedError::Unavailable)];
            site.session_context = b"other".to_vec();
        }),
    ];
    for (what, change) in changes {
        let (client, mut site) = returning(site());
        change(&mut site);
        let pair = connect(&client, &Arc::new(site));
        assert_eq!(
            pair.client.handshake_kind(),
            Some(HandshakeKind::Full),
            "{what}"
        );
    }
}

/// rustls keeps sessions by name; a store that does not would offer one site's to the other.
#[test]
fn a_session_is_not_resumed_under_another_name() {
    let site = Arc::new(site());
    let (ticket, psk) = ticket_by_hand(&site);
    for (name, resumed) in [("shop.example", true), ("blog.example", false)] {
        let mut client = HandClient::new(&site);
        client.hello.extensions.server_name = Some(name.parse().unwrap());
        client.offer(&ticket, psk.clone());
        client.send_hello().unwrap();
        assert_eq!(
            client.server.negotiated().unwrap().resumed,
            resumed,
            "{name}"
        );
    }
    let mut client = HandClient::new(&site);
    client.hello.extensions.server_name = None;
    client.offer(&ticket, psk);
    client.send_hello().unwrap();
    assert!(!client.server.negotiated().unwrap().resumed);
}

fn ticket_by_hand(site: &Arc<Site>) -> (Vec<u8>, keyward_crypto::hkdf::Secret) {
    let mut client = HandClient::new(site);
    client.handshake_for_tickets().remove(0)
}

/// RFC 6066 §3: "When resuming a session, the server MUST NOT include a server_name extension".
#[test]
fn the_name_is_acknowledged_in_full_handshakes_only() {
    let site = Arc::new(site());
    let (ticket, psk) = ticket_by_hand(&site);
    let mut full = HandClient::new(&site);
    let mut resuming = HandClient::new(&site);
    resuming.offer(&ticket, psk);
    for (client, acknowledged) in [(&mut full, true), (&mut resuming, false)] {
        client.handshake();
        let extensions: EncryptedExtensions = client.message();
        assert_eq!(extensions.server_name, acknowledged);
        let negotiated = client.server.negotiated().unwrap();
        assert_eq!(negotiated.resumed, !acknowledged);
        assert!(negotiated.server_name.is_some());
    }
}

#[test]
fn the_second_of_two_identities_can_be_resumed() {
    let site = Arc::new(site());
    let (ticket, psk) = ticket_by_hand(&site);
    let mut client = HandClient::new(&site);
    client.offer(b"a ticket from elsewhere", psk.clone());
    client.offer(&ticket, psk);
    client.handshake();
    assert!(client.server.negotiated().unwrap().resumed);
}

#[test]
fn a_wrong_binder_ends_the_connection() {
    let site = Arc::new(site());
    let (ticket, psk) = ticket_by_hand(&site);
    let mut client = HandClient::new(&site);
    client.offer(&ticket, psk);
    let mut hello = client.client_hello();
    *hello.last_mut().unwrap() ^= 1;
    let record = HandClient::plain(keyward_wire::values::ContentType::HANDSHAKE, &hello);
    assert_eq!(
        client.feed(&record),
        Err(Error::PeerMisbehaved(PeerMisbehaved::BadBinder))
    );
    assert_eq!(client.records().last().unwrap().1, [2, 51], "decrypt_error");
}

#[test]
fn a_client_without_psk_dhe_ke_gets_neither_resumption_nor_tickets() {
    let site = Arc::new(site());
    let (ticket, psk) = ticket_by_hand(&site);
    let mut client = HandClient::new(&site);
    client.hello.extensions.psk_key_exchange_modes = Some(vec![PskKeyExchangeMode::PSK_KE]);
    client.offer(&ticket, psk.clone());
    site.take_asked();
    client.handshake();
    assert!(!client.server.negotiated().unwrap().resumed);
    assert_eq!(
        site.take_asked(),
        [NeedKind::Certificate, NeedKind::KeyOperation]
    );

    let mut client = HandClient::new(&site);
    client.hello.extensions.psk_key_exchange_modes = None;
    client.offer(&ticket, psk);
    assert_eq!(
        client.send_hello(),
        Err(Error::PeerMisbehaved(PeerMisbehaved::PskWithoutModes))
    );
}

#[test]
fn a_session_ends_with_its_lifetime_however_often_it_is_resumed() {
    let site = Arc::new(site());
    let config = ServerConfig {
        session_lifetime_s: 100,
        ..ServerConfig::default()
    };
    let mut first = HandClient::with_config(&site, config.clone());
    let start = first.now.as_millis();
    let mut tickets = first.handshake_for_tickets();
    for (after_s, resumed) in [(60, true), (98, true), (101, false)] {
        let (ticket, psk) = tickets.remove(0);
        let mut client = HandClient::with_config(&site, config.clone());
        client.now = keyward_tls::UnixTime::from_millis(start + after_s * 1000);
        client.offer(&ticket, psk);
        tickets = client.handshake_for_tickets();
        assert_eq!(
            client.server.negotiated().unwrap().resumed,
            resumed,
            "{after_s} s"
        );
        // The client is told how long the rest of it is.
        let rest = if resumed { 100 - after_s } else { 100 };
        let told = client.ticket_lifetimes.iter().copied().map(u64::from);
        assert!(told.clone().count() > 0 && told.into_iter().all(|told| told == rest));
    }
}

/// RFC 9846 §4.7.1: "Servers MUST NOT use any value greater than 604800 seconds (7 days)."
#[test]
fn a_session_lives_for_seven_days_at_most() {
    let site = Arc::new(site());
    let config = ServerConfig {
        session_lifetime_s: 10_000_000,
        ..ServerConfig::default()
    };
    let mut first = HandClient::with_config(&site, config.clone());
    let tickets = first.handshake_for_tickets();
    assert_eq!(first.ticket_lifetimes, [604_800, 604_800]);
    for (after_s, resumed) in [(604_799, true), (604_801, false)] {
        let (ticket, psk) = tickets[0].clone();
        let mut client = HandClient::with_config(&site, config.clone());
        let later = first.now.as_millis() + after_s * 1000;
        client.now = keyward_tls::UnixTime::from_millis(later);
        client.offer(&ticket, psk);
        client.send_hello().unwrap();
        assert_eq!(client.server.negotiated().unwrap().resumed, resumed);
    }
}

#[test]
fn tickets_can_be_turned_off() {
    let (client, site) = returning(site());
    let config = ServerConfig {
        session_ticket_count_tls13: 0,
        ..ServerConfig::default()
    };
    let site = Arc::new(site);
    let mut pair = Pair::with_config(&client, &site, config);
    pair.handshake();
    assert_eq!(
        site.take_asked(),
        [NeedKind::Certificate, NeedKind::KeyOperation]
    );
}

/// In either version; and what was made before that is not resumed.
#[test]
fn without_lifetime_there_is_no_session() {
    let (client, site) = returning(site());
    let config = ServerConfig {
        session_lifetime_s: 0,
        ..ServerConfig::default()
    };
    let site = Arc::new(site);
    let mut pair = Pair::with_config(&client, &site, config);
    pair.handshake();
    assert_eq!(
        site.take_asked(),
        [NeedKind::Certificate, NeedKind::KeyOperation]
    );
}

#[test]
fn a_lifetime_that_was_shortened_holds_for_earlier_sessions() {
    let site = Arc::new(site());
    let mut first = HandClient::new(&site);
    let (ticket, psk) = first.handshake_for_tickets().remove(0);
    for (session_lifetime_s, resumed) in [(100, true), (99, false)] {
        let config = ServerConfig {
            session_lifetime_s,
            ..ServerConfig::default()
        };
        let mut client = HandClient::with_config(&site, config);
        client.now = keyward_tls::UnixTime::from_millis(first.now.as_millis() + 99_500);
        client.offer(&ticket, psk.clone());
        client.send_hello().unwrap();
        assert_eq!(client.server.negotiated().unwrap().resumed, resumed);
    }
}

/// The second ClientHello has new binders, over the HelloRetryRequest as well.
#[test]
fn resumption_after_a_hello_retry_request() {
    use rustls::crypto::aws_lc_rs::kx_group;
    let client = client_config(ClientOptions {
        groups: vec![kx_group::X25519, kx_group::SECP256R1],
        resumption: true,
        ..ClientOptions::default()
    });
    let first = Arc::new(site());
    connect(&client, &first);
    let mut site = site();
    site.policy.groups = vec![keyward_wire::values::NamedGroup::SECP256R1];
    let pair = connect(&client, &Arc::new(site));
    let negotiated = pair.server.negotiated().unwrap();
    assert!(negotiated.resumed && negotiated.hello_retry_request);
}
