use std::sync::Arc;

use keyward_tls::{
    ClientAuthentication, NeedError, NeedKind, PeerMisbehaved, Policy, ServerConfig,
};
use keyward_wire::values::CipherSuite;
use rustls::client::{Resumption, Tls12Resumption};
use rustls::{ClientConfig, HandshakeKind};

use super::hand_client::Session;
use super::{HandClient, options};
use crate::support::{ClientOptions, KeyAlgorithm, Pair, Site, client_config};

fn rustls_client(resumption: Tls12Resumption) -> Arc<ClientConfig> {
    let mut config = Arc::unwrap_or_clone(client_config(ClientOptions {
        resumption: true,
        ..options()
    }));
    config.resumption = Resumption::in_memory_sessions(8).tls12_resumption(resumption);
    Arc::new(config)
}

/// A full handshake, and then two that resume it: no key operation.
fn resumes(site: &Arc<Site>, client: &Arc<ClientConfig>) {
    for (round, kind) in [
        HandshakeKind::Full,
        HandshakeKind::Resumed,
        HandshakeKind::Resumed,
    ]
    .into_iter()
    .enumerate()
    {
        let mut pair = Pair::new(client, site);
        pair.handshake();
        pair.echo();
        assert_eq!(pair.client.handshake_kind(), Some(kind), "round {round}");
        let negotiated = pair.server.negotiated().unwrap();
        assert_eq!(negotiated.resumed, round > 0);
        assert_eq!(negotiated.certificate.is_none(), round > 0);
        let expected: &[_] = if round == 0 {
            &[
                NeedKind::Certificate,
                NeedKind::KeyOperation,
                NeedKind::NewSession,
            ]
        } else {
            &[NeedKind::Certificate, NeedKind::Session]
        };
        let asked = site.take_asked();
        let asked: Vec<_> = asked
            .into_iter()
            // rustls offers a random session ID with an empty ticket.
            .filter(|kind| round > 0 || *kind != NeedKind::Session)
            .collect();
        assert_eq!(asked, expected, "round {round}");
    }
}

#[test]
fn by_ticket() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    resumes(&site, &rustls_client(Tls12Resumption::SessionIdOrTickets));
    assert!(site.sessions.lock().unwrap().is_empty());
}

#[test]
fn by_session_id() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    resumes(&site, &rustls_client(Tls12Resumption::SessionIdOnly));
    assert_eq!(site.sessions.lock().unwrap().len(), 1);
}

fn full(site: &Arc<Site>) -> Session {
    let mut client = HandClient::new(site);
    client.handshake();
    client.session()
}

#[test]
fn a_ticket_may_come_with_a_session_id_that_is_echoed() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut session = full(&site);
    session.id = b"any".to_vec();
    let mut client = HandClient::resuming(&site, &session);
    client.abbreviated_handshake();
    assert_eq!(client.server_hello.unwrap().session_id, b"any");
}

#[test]
fn a_ticket_may_come_without_a_session_id() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let session = full(&site);
    assert!(session.id.is_empty());
    HandClient::resuming(&site, &session).abbreviated_handshake();
}

#[test]
fn what_does_not_fit_leads_to_a_full_handshake() {
    type Change = fn(&mut HandClient);
    let other_suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let cases: [(&str, Change); 4] = [
        ("another name", |client| {
            client.hello.extensions.server_name = Some("blog.example".parse().unwrap());
        }),
        ("no name", |client| {
            client.hello.extensions.server_name = None;
        }),
        ("a broken ticket", |client| {
            let ticket = client.hello.extensions.session_ticket.as_mut().unwrap();
            *ticket.last_mut().unwrap() ^= 1;
        }),
        ("no ticket", |client| {
            client.hello.extensions.session_ticket = Some(Vec::new());
        }),
    ];
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let session = full(&site);
    for (name, change) in cases {
        let mut client = HandClient::resuming(&site, &session);
        client.session = None;
        change(&mut client);
        client.handshake();
        assert!(!client.server.negotiated().unwrap().resumed, "{name}");
    }

    let mut both = Site::new(&[KeyAlgorithm::P256, KeyAlgorithm::Rsa2048]);
    both.session_context = b"other".to_vec();
    let mut client = HandClient::resuming(&Arc::new(both), &session);
    client.session = None;
    client.handshake();
    assert!(
        !client.server.negotiated().unwrap().resumed,
        "another context"
    );

    let both = Arc::new(Site::new(&[KeyAlgorithm::P256, KeyAlgorithm::Rsa2048]));
    let mut client = HandClient::resuming(&both, &session);
    client.session = None;
    client
        .hello
        .cipher_suites
        .retain(|suite| *suite != other_suite);
    client.handshake();
    assert!(
        !client.server.negotiated().unwrap().resumed,
        "the suite is not offered"
    );
}

/// What has changed at the site between the two visits.
#[test]
fn a_session_is_not_resumed_at_a_site_that_has_changed() {
    type Change = fn(&mut Site);
    let changes: [(&str, Change); 6] = [
        ("nothing", |_| {}),
        ("another context", |site| {
            site.session_context = b"other".to_vec();
        }),
        ("another protocol", |site| {
            site.alpn = vec![b"http/1.1".to_vec()];
        }),
        ("no protocol", |site| site.alpn = Vec::new()),
        ("a policy without its suite", |site| {
            let ecdsa = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
            site.policy.cipher_suites.retain(|suite| *suite != ecdsa);
        }),
        ("clients must be known", |site| {
            site.client_authentication = ClientAuthentication::Required(Default::default());
        }),
    ];
    let new = || {
        let mut site = Site::new(&[KeyAlgorithm::P256, KeyAlgorithm::Rsa2048]);
        site.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        site
    };
    let protocols = Some(vec![b"h2".to_vec(), b"http/1.1".to_vec()]);
    let mut first = HandClient::new(&Arc::new(new()));
    first.hello.extensions.alpn.clone_from(&protocols);
    first.handshake();
    let session = first.session();
    for (what, change) in changes {
        let mut site = new();
        change(&mut site);
        let mut client = HandClient::resuming(&Arc::new(site), &session);
        client.hello.extensions.alpn.clone_from(&protocols);
        client.send_hello().unwrap();
        let resumed = client.server.negotiated().unwrap().resumed;
        assert_eq!(resumed, what == "nothing", "{what}");
    }
}

/// A session of RSA key transport goes the way of the policy that allowed it.
#[test]
fn a_legacy_session_ends_with_the_policy() {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    let legacy = Arc::new(site);
    let mut client = HandClient::rsa(&legacy);
    client.handshake();
    let session = client.session();

    let again = |site: &Arc<Site>| {
        let mut client = HandClient::resuming(site, &session);
        client
            .hello
            .cipher_suites
            .push(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256);
        client
    };
    again(&legacy).abbreviated_handshake();
    let mut client = again(&Arc::new(Site::new(&[KeyAlgorithm::Rsa2048])));
    client.session = None;
    client.handshake();
    assert!(!client.server.negotiated().unwrap().resumed);
}

#[test]
fn a_session_need_that_fails_leads_to_a_full_handshake() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let session = full(&site);
    let mut broken = Site::new(&[KeyAlgorithm::P256]);
    broken
        .errors
        .push((NeedKind::Session, NeedError::Unavailable));
    let mut client = HandClient::resuming(&Arc::new(broken), &session);
    client.session = None;
    client.handshake();
    assert!(!client.server.negotiated().unwrap().resumed);
}

#[test]
fn a_promised_ticket_that_there_is_none_of_is_empty() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.errors
        .push((NeedKind::NewSession, NeedError::Unavailable));
    let mut client = HandClient::new(&Arc::new(site));
    client.handshake();
    assert!(client.ticket.unwrap().ticket.is_empty());
}

#[test]
fn without_lifetime_there_is_no_session() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let config = ServerConfig {
        session_lifetime_s: 0,
        ..ServerConfig::default()
    };
    let mut client = HandClient::with_config(&site, config);
    client.hello.session_id = vec![7; 32];
    client.handshake();
    let server_hello = client.server_hello.unwrap();
    assert!(server_hello.session_id.is_empty() && !server_hello.extensions.session_ticket);
    assert!(client.ticket.is_none());
    assert_eq!(
        site.take_asked(),
        [NeedKind::Certificate, NeedKind::KeyOperation]
    );
}

/// Without tickets a client that knows them gets a session by ID all the same.
#[test]
fn tickets_can_be_turned_off_and_session_ids_stay() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let config = ServerConfig {
        session_tickets_tls12: false,
        ..ServerConfig::default()
    };
    let mut first = HandClient::with_config(&site, config.clone());
    first.hello.extensions.session_ticket = Some(Vec::new());
    first.handshake();
    assert!(first.ticket.is_none());
    let server_hello = first.server_hello.as_ref().unwrap();
    assert_eq!(server_hello.session_id.len(), 32);
    assert!(!server_hello.extensions.session_ticket);
    let mut session = first.session();
    assert!(session.ticket.is_empty() && session.id == server_hello.session_id);

    let mut again = HandClient::resuming(&site, &session);
    again.server = keyward_tls::ServerConnection::new(Arc::new(config.clone())).unwrap();
    again.hello.extensions.session_ticket = Some(Vec::new());
    again.abbreviated_handshake();

    // A ticket from before is not looked at; the session ID beside it is the session's name.
    let with_tickets = full(&site);
    assert!(!with_tickets.ticket.is_empty());
    site.take_asked();
    session.ticket.clone_from(&with_tickets.ticket);
    let mut other = HandClient::resuming(&site, &with_tickets);
    other.server = keyward_tls::ServerConnection::new(Arc::new(config)).unwrap();
    other.hello.session_id = Vec::new();
    other.session = None;
    other.handshake();
    assert!(!other.server.negotiated().unwrap().resumed);
    assert!(!site.take_asked().contains(&NeedKind::Session));
}

/// Nor is a session resumed that was made before.
#[test]
fn a_lifetime_that_was_shortened_holds_for_earlier_sessions() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let session = full(&site);
    for (session_lifetime_s, resumed) in [(5, true), (3, false), (0, false)] {
        let mut client = HandClient::resuming(&site, &session);
        let config = ServerConfig {
            session_lifetime_s,
            ..ServerConfig::default()
        };
        client.server = keyward_tls::ServerConnection::new(Arc::new(config)).unwrap();
        client.later_s = 4;
        client.send_hello().unwrap();
        assert_eq!(client.server.negotiated().unwrap().resumed, resumed);
    }
}

#[test]
fn a_resumed_client_must_prove_itself_as_well() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let session = full(&site);
    let mut client = HandClient::resuming(&site, &session);
    client.send_hello().unwrap();
    client.take_flight();
    let mut bytes = client.change_cipher_spec();
    let mut finished = client.finished();
    finished[4] ^= 1;
    bytes.extend(client.sealed(keyward_wire::values::ContentType::HANDSHAKE, &finished));
    let error = client.feed(&bytes).unwrap_err();
    assert_eq!(error, PeerMisbehaved::BadFinished.into());
    assert!(!client.server.is_handshake_complete());
}
