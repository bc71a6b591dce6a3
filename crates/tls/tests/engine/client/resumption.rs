use std::sync::Arc;

use keyward_tls::{
    ClientConfig, ClientSession, NeedKind, PeerMisbehaved, Policy, ServerConfig, UnixTime,
};
use keyward_wire::extensions::NewSessionTicketExtensions;
use keyward_wire::handshake::{ClientHello, EncryptedExtensions, NewSessionTicketTls13};
use keyward_wire::values::{
    AlertDescription, CipherSuite, HandshakeType, ProtocolVersion, PskKeyExchangeMode,
    SignatureScheme,
};

use crate::support::{Duo, HandServer, KeyAlgorithm, Site, Visitor, now};

fn site() -> Arc<Site> {
    Arc::new(Site::new(&[KeyAlgorithm::P256]))
}

#[test]
fn a_client_that_returns_knows_whom_it_is_with() {
    let site = site();
    let visitor = Arc::new(Visitor::of(&site));
    Duo::new(&site, &visitor).handshake();
    assert_eq!(visitor.sessions.lock().unwrap().len(), 2);
    visitor.take_asked();
    for _ in 0..3 {
        let mut duo = Duo::new(&site, &visitor);
        duo.handshake();
        duo.echo();
        let negotiated = duo.client.negotiated().unwrap();
        assert!(negotiated.resumed && duo.server.negotiated().unwrap().resumed);
        assert!(negotiated.group.is_some(), "psk_dhe_ke");
        assert_eq!(negotiated.signature_scheme, None);
        // Whom it was with is known from the session.
        assert_eq!(
            duo.client.peer_certificates(),
            site.identities[0].certificate.chain()
        );
        assert_eq!(
            visitor.take_asked(),
            [NeedKind::OfferSession, NeedKind::PeerCertificate]
        );
    }
}

/// A server by hand that gives the client a ticket, and the ticket's PSK nonce is `nonce`.
fn ticket(nonce: u8) -> NewSessionTicketTls13 {
    NewSessionTicketTls13 {
        ticket_lifetime: 1000,
        ticket_age_add: 0xfffe_0000,
        ticket_nonce: vec![nonce],
        ticket: vec![0x71, 0xc3, nonce],
        extensions: NewSessionTicketExtensions::default(),
    }
}

/// A visitor that has a session of this ticket, received now, and its PSK.
fn returning(
    ticket: &NewSessionTicketTls13,
) -> (Arc<Visitor>, keyward_crypto::hkdf::Secret, UnixTime) {
    let visitor = Arc::new(Visitor::default());
    let now = now();
    let mut server = HandServer::at(config(), &visitor, now);
    server.handshake();
    let psk = server.resumption_psk(&ticket.ticket_nonce);
    server.send(ticket).unwrap();
    (visitor, psk, now)
}

fn config() -> ClientConfig {
    ClientConfig {
        alpn: vec![b"h2".to_vec()],
        ..ClientConfig::default()
    }
}

fn later(time: UnixTime, seconds: u64) -> UnixTime {
    UnixTime::from_millis(time.as_millis() + 1000 * seconds)
}

#[test]
fn the_session_is_offered_with_its_age_and_binder() {
    let ticket = ticket(1);
    let (visitor, psk, received) = returning(&ticket);
    let config = ClientConfig {
        grease: false,
        ..config()
    };
    let mut server = HandServer::at(config, &visitor, later(received, 5));
    let offered = server.hello.extensions.pre_shared_key.clone().unwrap();
    assert_eq!(offered.identities.len(), 1);
    assert_eq!(offered.identities[0].identity, ticket.ticket);
    // RFC 9846 §4.3.11.1: modulo 2^32. At least so many whole milliseconds have passed.
    let age = offered.identities[0]
        .obfuscated_ticket_age
        .wrapping_sub(ticket.ticket_age_add);
    assert_eq!(age, 4999);
    assert_eq!(
        server.hello.extensions.psk_key_exchange_modes,
        Some(vec![PskKeyExchangeMode::PSK_DHE_KE])
    );

    server.psk = Some(psk);
    let hello = server.server_hello();
    server.send_server_hello(&hello).unwrap();
    server.send(&EncryptedExtensions::default()).unwrap();
    server.finish().unwrap();
    assert_eq!(server.take_client_finished(), [HandshakeType::FINISHED]);
    assert_eq!(server.steps, ["HandshakeComplete"]);
    let negotiated = server.client.negotiated().unwrap();
    assert!(negotiated.resumed);
    assert!(!server.client.peer_certificates().is_empty());
}

/// Whether a client with this session, by this configuration and at this time, offers it.
fn offers(session: ClientSession, config: ClientConfig, when: UnixTime) -> bool {
    let visitor = Arc::new(Visitor::default());
    visitor.keep(session);
    let hello = HandServer::at(config, &visitor, when).hello;
    hello.extensions.pre_shared_key.is_some()
}

fn session(visitor: &Visitor) -> ClientSession {
    visitor.sessions.lock().unwrap().last().unwrap().clone()
}

/// A session of one protocol is none for a client that speaks another.
#[test]
fn a_session_is_not_offered_with_another_protocol() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let site = Arc::new(site);
    let visitor = Arc::new(Visitor::of(&site));
    let of = |protocols: &[&[u8]]| ClientConfig {
        alpn: protocols.iter().map(|name| name.to_vec()).collect(),
        ..ClientConfig::default()
    };
    let resumes = |protocols: &[&[u8]]| {
        let mut duo = Duo::with(&site, &visitor, of(protocols), ServerConfig::default());
        duo.handshake();
        duo.echo();
        duo.client.negotiated().unwrap().resumed
    };
    assert!(!resumes(&[b"h2"]));
    assert!(resumes(&[b"h2", b"http/1.1"]));
    assert!(!resumes(&[b"http/1.1"]));
}

#[test]
fn a_session_is_not_offered_where_it_does_not_belong() {
    let (visitor, _, received) = returning(&ticket(1));
    let session = session(&visitor);
    let policy = |change: fn(&mut Policy)| {
        let mut policy = Policy::default();
        change(&mut policy);
        ClientConfig {
            policy: Arc::new(policy),
            ..config()
        }
    };
    assert!(offers(session.clone(), config(), received));
    assert!(offers(session.clone(), config(), later(received, 999)));
    // RFC 9846 §4.3.11.1: "Clients MUST NOT attempt to use tickets which have ages greater than the
    // "ticket_lifetime" value which was provided with the ticket."
    assert!(!offers(session.clone(), config(), later(received, 1000)));
    let without_suite = policy(|policy| {
        policy
            .cipher_suites
            .retain(|suite| *suite != CipherSuite::TLS_AES_128_GCM_SHA256);
    });
    assert!(!offers(session.clone(), without_suite, received));
    let tls12 = policy(|policy| policy.versions = vec![ProtocolVersion::TLS12]);
    assert!(!offers(session.clone(), tls12, received));
    let in_context = ClientConfig {
        session_context: b"other trust".to_vec(),
        ..config()
    };
    assert!(!offers(session.clone(), in_context, received));

    // RFC 9846 §4.7.1: "Clients MUST only resume if the new SNI value is valid for the server certificate
    // presented in the original session, and SHOULD only resume if the SNI value matches".
    let name = "blog.example".parse().unwrap();
    let mut client = keyward_tls::ClientConnection::new(Arc::new(config()), name).unwrap();
    let keyward_tls::Step::Need(need) = client.step(received).unwrap() else {
        panic!("a need");
    };
    let visitor = Visitor::default();
    visitor.keep(session);
    client.answer(visitor.answer(need)).unwrap();
    client.step(received).unwrap();
    let message = &client.output()[5 + 4..];
    let hello = <ClientHello as keyward_wire::codec::Decode>::from_bytes(message).unwrap();
    assert_eq!(hello.extensions.pre_shared_key, None);
}

#[test]
fn a_session_survives_its_encoding() {
    let (visitor, _, received) = returning(&ticket(1));
    let session = session(&visitor);
    assert!(session.is_single_use());
    let again = ClientSession::decode(&session.encode()).unwrap();
    assert!(offers(again, config(), received));
}

/// Two clients with one store, of which one trusts more or is somebody else: neither gets the other's sessions.
#[test]
fn a_session_is_offered_in_its_own_context_alone() {
    let of = |context: &[u8]| ClientConfig {
        session_context: context.to_vec(),
        ..config()
    };
    let visitor = Arc::new(Visitor::default());
    let mut server = HandServer::at(of(b"one"), &visitor, now());
    server.handshake();
    server.send(&ticket(1)).unwrap();
    let made = session(&visitor);
    let again = ClientSession::decode(&made.encode()).unwrap();
    for session in [made, again] {
        assert!(offers(session.clone(), of(b"one"), now()));
        assert!(!offers(session.clone(), of(b"two"), now()));
        assert!(!offers(session, config(), now()));
    }
    let name = || "shop.example".parse().unwrap();
    let connect = |config| keyward_tls::ClientConnection::new(Arc::new(config), name()).map(|_| ());
    assert!(connect(of(&[7; 255])).is_ok());
    assert!(matches!(
        connect(of(&[7; 256])),
        Err(keyward_tls::Error::Config(_))
    ));
}

/// RFC 9846 §4.7.1: "Clients MUST NOT use tickets for longer than 7 days after issuance, regardless of the
/// ticket_lifetime".
#[test]
fn no_ticket_is_used_for_more_than_seven_days() {
    let long = NewSessionTicketTls13 {
        ticket_lifetime: u32::MAX,
        ..ticket(1)
    };
    let (visitor, _, received) = returning(&long);
    let session = session(&visitor);
    let week = 7 * 24 * 60 * 60;
    assert!(offers(session.clone(), config(), later(received, week - 1)));
    assert!(!offers(session, config(), later(received, week)));
}

/// Sessions that beget each other end seven days after the handshake in which somebody looked at the server's
/// certificate.
#[test]
fn resumption_does_not_prolong_a_session() {
    let day = 24 * 60 * 60;
    let ticket_of = |days: u32, nonce| NewSessionTicketTls13 {
        ticket_lifetime: days * 24 * 60 * 60,
        ..ticket(nonce)
    };
    let (visitor, mut psk, begin) = returning(&ticket_of(5, 1));
    // Two resumptions, and whether the session of the ticket in each ends with the ticket or on the seventh day.
    for (nonce, at, lifetime, end) in [(2, 4, 2, 6), (3, 5, 7, 7)] {
        let mut server = HandServer::at(config(), &visitor, later(begin, at * day));
        resume(&mut server, psk.clone());
        psk = server.resumption_psk(&[nonce]);
        server.send(&ticket_of(lifetime, nonce)).unwrap();
        let session = session(&visitor);
        assert_eq!(session.expires(), later(begin, end * day), "{nonce}");
        assert!(offers(
            session.clone(),
            config(),
            later(begin, end * day - 1)
        ));
        assert!(!offers(session, config(), later(begin, end * day)));
    }
    // Who resumes in the last second gets no session that would end before it begins.
    let mut server = HandServer::at(config(), &visitor, later(begin, 7 * day - 1));
    resume(&mut server, psk);
    server.now = later(begin, 7 * day);
    server.send(&ticket_of(7, 4)).unwrap();
    assert!(visitor.sessions.lock().unwrap().is_empty());
}

/// The server resumes the session that has this PSK.
#[track_caller]
fn resume(server: &mut HandServer, psk: keyward_crypto::hkdf::Secret) {
    server.psk = Some(psk);
    server.begin();
    server.finish().unwrap();
    server.take_client_finished();
    assert!(server.client.negotiated().unwrap().resumed);
}

/// RFC 9846 §4.7.1: "The value of zero indicates that the ticket should be discarded immediately."
#[test]
fn a_ticket_without_lifetime_or_too_long_is_dropped() {
    let dead = NewSessionTicketTls13 {
        ticket_lifetime: 0,
        ..ticket(1)
    };
    let long = NewSessionTicketTls13 {
        ticket: vec![7; 50_000],
        ..ticket(2)
    };
    for ticket in [dead, long] {
        let (visitor, ..) = returning(&ticket);
        assert!(visitor.sessions.lock().unwrap().is_empty());
    }
}

/// RFC 9846 §4.7.1: "Clients which receive a NewSessionTicket message but do not support resumption MUST
/// silently ignore this message."
#[test]
fn without_resumption_tickets_are_ignored() {
    let mut server = HandServer::new(ClientConfig {
        resumption: false,
        ..ClientConfig::default()
    });
    assert_eq!(server.hello.extensions.psk_key_exchange_modes, None);
    server.handshake();
    server.send(&ticket(1)).unwrap();
    assert!(server.visitor.sessions.lock().unwrap().is_empty());
}

#[test]
fn a_server_that_declines_the_session_gets_a_full_handshake() {
    let (visitor, _, received) = returning(&ticket(1));
    let mut server = HandServer::at(config(), &visitor, received);
    assert!(server.hello.extensions.pre_shared_key.is_some());
    server.handshake();
    assert!(!server.client.negotiated().unwrap().resumed);
}

/// RFC 9846 §4.3.11: "Clients MUST verify that the server's selected_identity is within the range supplied by
/// the client, that the server selected a cipher suite indicating a Hash associated with the PSK, and that a
/// server "key_share" extension is present if required by the ClientHello "psk_key_exchange_modes" extension."
#[test]
fn a_server_can_resume_nothing_else_than_was_offered() {
    let (visitor, psk, received) = returning(&ticket(1));
    let session = session(&visitor);
    visitor.sessions.lock().unwrap().clear();
    type Change = fn(&mut keyward_wire::handshake::ServerHello);
    let changes: [Change; 3] = [
        |hello| hello.extensions.pre_shared_key = Some(1),
        |hello| hello.cipher_suite = CipherSuite::TLS_AES_256_GCM_SHA384,
        |hello| hello.extensions.key_share = None,
    ];
    for change in changes {
        visitor.keep(session.clone());
        let mut server = HandServer::at(config(), &visitor, received);
        server.psk = Some(psk.clone());
        let mut hello = server.server_hello();
        change(&mut hello);
        let outcome = server.send_server_hello(&hello);
        server.misbehaved(outcome, PeerMisbehaved::UnofferedPsk);
    }
}

/// A server that resumes has nothing to ask for or to show.
#[test]
fn a_resumed_handshake_has_no_certificate() {
    let (visitor, psk, received) = returning(&ticket(1));
    let session = session(&visitor);
    for request in [false, true] {
        visitor.keep(session.clone());
        let mut server = HandServer::at(config(), &visitor, received);
        server.psk = Some(psk.clone());
        server.begin();
        let (outcome, typ) = if request {
            let mut request = keyward_wire::handshake::CertificateRequestTls13::default();
            request.extensions.signature_algorithms = Some(vec![SignatureScheme::ED25519]);
            (server.send(&request), HandshakeType::CERTIFICATE_REQUEST)
        } else {
            let certificate = server.certificate();
            (server.send(&certificate), HandshakeType::CERTIFICATE)
        };
        server.refused(
            outcome,
            PeerMisbehaved::UnexpectedHandshake(typ),
            AlertDescription::UNEXPECTED_MESSAGE,
        );
    }
}
