//! Our client resumes (RFC 5077, RFC 5246 §7.3), or does not.

use std::sync::Arc;

use keyward_tls::{ClientConfig, ClientSession, NeedKind, PeerMisbehaved, Policy, ServerConfig};
use keyward_wire::handshake::{NewSessionTicketTls12, ServerHello};
use keyward_wire::values::{AlertDescription, CipherSuite, HandshakeType, ProtocolVersion};

use super::flight::Flight;
use crate::support::{Duo, KeyAlgorithm, Site, Visitor};

fn tls12() -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::intermediate()
    }
}

fn site() -> Arc<Site> {
    Arc::new(Site {
        policy: tls12(),
        ..Site::new(&[KeyAlgorithm::P256])
    })
}

fn duo(site: &Arc<Site>, visitor: &Arc<Visitor>) -> Duo {
    let client = ClientConfig {
        policy: tls12().into(),
        ..ClientConfig::default()
    };
    Duo::with(site, visitor, client, ServerConfig::default())
}

/// The session of a full handshake.
fn session(site: &Arc<Site>) -> (Arc<Visitor>, ClientSession) {
    let visitor = Arc::new(Visitor::of(site));
    duo(site, &visitor).handshake();
    let session = visitor.sessions.lock().unwrap().pop().unwrap();
    (visitor, session)
}

#[test]
fn a_ticket_serves_many_times() {
    let site = site();
    let (visitor, session) = session(&site);
    assert!(!session.is_single_use());
    visitor.take_asked();
    for _ in 0..3 {
        visitor.keep(session.clone());
        let mut duo = duo(&site, &visitor);
        duo.handshake();
        duo.echo();
        let negotiated = duo.client.negotiated().unwrap();
        assert!(negotiated.resumed && duo.server.negotiated().unwrap().resumed);
        assert!(negotiated.extended_master_secret);
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

#[test]
fn a_session_survives_its_bytes() {
    let site = site();
    let (visitor, session) = session(&site);
    let bytes = session.encode();
    visitor.keep(ClientSession::decode(&bytes).unwrap());
    let mut duo = duo(&site, &visitor);
    duo.handshake();
    assert!(duo.client.negotiated().unwrap().resumed);
}

/// Whom a client trusts and who it is belongs to its sessions.
#[test]
fn a_session_of_another_context_is_not_offered() {
    let site = site();
    let of = |context: &[u8]| ClientConfig {
        policy: tls12().into(),
        session_context: context.to_vec(),
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::of(&site));
    let resumes = |context| {
        let mut duo = Duo::with(&site, &visitor, of(context), ServerConfig::default());
        duo.handshake();
        duo.client.negotiated().unwrap().resumed
    };
    assert!(!resumes(b"one"));
    let session = visitor.sessions.lock().unwrap().pop().unwrap();
    for (context, resumed) in [(&b"one"[..], true), (b"two", false), (b"", false)] {
        visitor.keep(session.clone());
        assert_eq!(resumes(context), resumed);
    }
}

/// The server would resume all of them; it is the client that does not offer them.
#[test]
fn a_session_is_not_offered_where_it_does_not_belong() {
    type Change = fn(&mut ClientConfig);
    let changes: [(&str, Change); 5] = [
        ("where it belongs", |_| {}),
        ("another protocol", |config| {
            config.alpn = vec![b"http/1.1".to_vec()];
        }),
        ("a policy without its suite", |config| {
            let policy = Arc::make_mut(&mut config.policy);
            let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
            policy.cipher_suites.retain(|known| *known != suite);
        }),
        ("a policy without its version", |config| {
            config.policy = Policy::modern().into();
        }),
        ("another context", |config| {
            config.session_context = b"other".to_vec();
        }),
    ];
    // In its first visit the client meets a server of TLS 1.2, later one that knows both versions.
    let site = |policy| {
        Arc::new(Site {
            policy,
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            ..Site::new(&[KeyAlgorithm::P256])
        })
    };
    let config = || ClientConfig {
        policy: tls12().into(),
        alpn: vec![b"h2".to_vec()],
        ..ClientConfig::default()
    };
    let (old, new) = (site(tls12()), site(Policy::intermediate()));
    let visitor = Arc::new(Visitor::of(&old));
    Duo::with(&old, &visitor, config(), ServerConfig::default()).handshake();
    let session = visitor.sessions.lock().unwrap().pop().unwrap();
    assert_eq!(session.alpn(), Some(&b"h2"[..]));
    for (what, change) in changes {
        visitor.sessions.lock().unwrap().clear();
        visitor.keep(session.clone());
        let mut config = config();
        change(&mut config);
        let site = if what.contains("version") { &new } else { &old };
        let mut duo = Duo::with(site, &visitor, config, ServerConfig::default());
        duo.handshake();
        let resumed = duo.client.negotiated().unwrap().resumed;
        assert_eq!(resumed, what == "where it belongs", "{what}");
    }
}

#[test]
fn a_session_with_another_server_is_not_offered() {
    let site = site();
    let (visitor, session) = session(&site);
    visitor.keep(session);
    let mut duo = duo(&site, &visitor);
    let config = ClientConfig {
        policy: tls12().into(),
        ..ClientConfig::default()
    };
    let name = "blog.example".parse().unwrap();
    duo.client = keyward_tls::ClientConnection::new(Arc::new(config), name).unwrap();
    visitor.take_asked();
    duo.handshake();
    assert!(!duo.client.negotiated().unwrap().resumed);
    // Nobody is asked about a session that does not fit; about the certificate, of course.
    assert_eq!(
        visitor.take_asked(),
        [NeedKind::OfferSession, NeedKind::PeerCertificate]
    );
}

/// The server's flight to a client that offers a session.
fn answer(duo: &mut Duo) -> Flight {
    duo.step_client().unwrap();
    Flight::take(&mut duo.client).give(&mut duo.server);
    duo.step_server().unwrap();
    Flight::take(&mut duo.server)
}

#[track_caller]
fn refused(change: impl FnOnce(&mut ServerHello), error: PeerMisbehaved, alert: AlertDescription) {
    let site = site();
    let (visitor, session) = session(&site);
    visitor.keep(session);
    let mut duo = duo(&site, &visitor);
    let mut flight = answer(&mut duo);
    flight.edit(HandshakeType::SERVER_HELLO, change);
    flight.give(&mut duo.client);
    let found = duo.step_client().unwrap_err();
    assert_eq!(found, error.into());
    assert_eq!(found.alert(), Some(alert));
}

/// RFC 5246 §7.4.1.3: "For resumed sessions, this field is the value from the state of the session being resumed."
#[test]
fn a_session_with_another_suite_is_refused() {
    refused(
        |hello| hello.cipher_suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        PeerMisbehaved::ResumedWithAnotherSuite,
        AlertDescription::ILLEGAL_PARAMETER,
    );
}

/// RFC 7627 §5.3: "If the original session used the extension but the new ServerHello does not contain the extension,
/// the client MUST abort the handshake."
#[test]
fn a_session_without_its_extended_master_secret_is_refused() {
    let site = Arc::new(Site {
        policy: Policy {
            require_extended_master_secret: false,
            ..tls12()
        },
        ..Site::new(&[KeyAlgorithm::P256])
    });
    let (visitor, session) = session(&site);
    visitor.keep(session);
    let client = ClientConfig {
        policy: site.policy.clone().into(),
        ..ClientConfig::default()
    };
    let mut duo = Duo::with(&site, &visitor, client, ServerConfig::default());
    let mut flight = answer(&mut duo);
    flight.edit(HandshakeType::SERVER_HELLO, |hello: &mut ServerHello| {
        hello.extensions.extended_master_secret = false;
    });
    flight.give(&mut duo.client);
    let error = duo.step_client().unwrap_err();
    assert_eq!(
        error,
        PeerMisbehaved::ResumedWithoutExtendedMasterSecret.into()
    );
    assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
}

/// A server that returns the session id of a client without a session resumes nothing.
#[test]
fn a_session_id_out_of_nowhere_is_refused() {
    let visitor = Arc::new(Visitor::default());
    let client = ClientConfig {
        // A client of TLS 1.3 has a session id for middleboxes to see.
        policy: Policy::intermediate().into(),
        ..ClientConfig::default()
    };
    let mut duo = Duo::with(&site(), &visitor, client, ServerConfig::default());
    duo.step_client().unwrap();
    let hello = Flight::take(&mut duo.client);
    let sent: keyward_wire::handshake::ClientHello = hello.get(HandshakeType::CLIENT_HELLO);
    assert_eq!(sent.session_id.len(), 32);
    hello.give(&mut duo.server);
    duo.step_server().unwrap();
    let mut flight = Flight::take(&mut duo.server);
    flight.edit(HandshakeType::SERVER_HELLO, |hello: &mut ServerHello| {
        hello.session_id.clone_from(&sent.session_id);
        // Without the sentinel, to get that far.
        hello.random = [7; 32];
    });
    flight.give(&mut duo.client);
    let error = duo.step_client().unwrap_err();
    assert_eq!(error, PeerMisbehaved::UnofferedSession.into());
    assert_eq!(error.alert(), Some(AlertDescription::ILLEGAL_PARAMETER));
}

/// RFC 5077 §3.3: a server that "does not want to include a ticket after it has included the SessionTicket extension
/// ... sends a zero-length ticket".
#[test]
fn an_empty_ticket_is_no_session() {
    let site = Arc::new(Site {
        policy: tls12(),
        tickets: keyward_tls::tickets::TicketKeys::new(
            &[],
            Arc::new(keyward_crypto::random::SystemRandom),
        )
        .unwrap(),
        ..Site::new(&[KeyAlgorithm::P256])
    });
    let visitor = Arc::new(Visitor::default());
    let mut duo = duo(&site, &visitor);
    duo.handshake();
    duo.echo();
    assert!(visitor.sessions.lock().unwrap().is_empty());
}

/// RFC 5077 §3.3: NewSessionTicket "MUST be sent if the server included a SessionTicket extension in the ServerHello.
/// This message MUST NOT be sent if the server did not".
#[test]
fn a_ticket_comes_if_and_only_if_it_was_announced() {
    for announced in [true, false] {
        let mut duo = duo(&site(), &Arc::new(Visitor::default()));
        let mut flight = answer(&mut duo);
        flight.edit(HandshakeType::SERVER_HELLO, |hello: &mut ServerHello| {
            hello.extensions.session_ticket = announced;
        });
        flight.give(&mut duo.client);
        duo.step_client().unwrap();
        let ticket = NewSessionTicketTls12 {
            ticket_lifetime_hint: 0,
            ticket: vec![1],
        };
        let last = Flight {
            messages: if announced {
                Vec::new()
            } else {
                let body = keyward_wire::codec::Encode::to_bytes(&ticket);
                vec![(HandshakeType::NEW_SESSION_TICKET, body)]
            },
            rest: crate::support::plain(
                keyward_wire::values::ContentType::CHANGE_CIPHER_SPEC,
                &[1],
            ),
        };
        last.give(&mut duo.client);
        let error = duo.step_client().unwrap_err();
        assert_eq!(error.alert(), Some(AlertDescription::UNEXPECTED_MESSAGE));
    }
}

/// A session that is older than the server lets it become: a full handshake, and a new session.
#[test]
fn a_session_that_the_server_has_forgotten() {
    let site = site();
    let (visitor, session) = session(&site);
    let forgetful = Arc::new(Site {
        policy: tls12(),
        tickets: keyward_tls::tickets::TicketKeys::new(
            &[[1; 32]],
            Arc::new(keyward_crypto::random::SystemRandom),
        )
        .unwrap(),
        ..Site::new(&[KeyAlgorithm::P256])
    });
    visitor.keep(session);
    let mut duo = duo(&forgetful, &visitor);
    duo.handshake();
    duo.echo();
    assert!(!duo.client.negotiated().unwrap().resumed);
    assert_eq!(visitor.sessions.lock().unwrap().len(), 1);
}
