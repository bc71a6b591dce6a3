//! A session that is to be resumed says who the peer is. Whether that peer is still to be trusted is asked again,
//! each time, on both sides: a certificate may have been revoked since.

use std::sync::Arc;

use keyward_crypto::certificate::CertificateInfo;
use keyward_tls::{
    CertificateRejection, ClientAuthentication, ClientCertificateRequest, ClientConfig,
    ClientSession, Error, Need, NeedError, NeedKind, PeerName, PeerRole, ServerConfig, Step,
    TraceEvent, UnixTime,
};
use keyward_wire::extensions::NewSessionTicketExtensions;
use keyward_wire::handshake::NewSessionTicketTls13;
use keyward_wire::values::ProtocolVersion;

use crate::support::{
    Duo, HandServer, KeyAlgorithm, Site, Visitor, client_identity, identity, now, revoked,
};

const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::TLS13, ProtocolVersion::TLS12];

/// A site that must know its clients.
fn site(version: ProtocolVersion) -> Site {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.versions = vec![version];
    site.client_authentication =
        ClientAuthentication::Required(ClientCertificateRequest::default());
    site
}

fn visitor() -> Visitor {
    Visitor {
        identities: Some(vec![client_identity(KeyAlgorithm::P256)]),
        ..Visitor::default()
    }
}

fn duo(site: &Arc<Site>, visitor: &Arc<Visitor>) -> Duo {
    let client = ClientConfig {
        policy: Arc::new(site.policy.clone()),
        early_data: true,
        ..ClientConfig::default()
    };
    let server = ServerConfig {
        early_data: 1000,
        ..ServerConfig::default()
    };
    Duo::with(site, visitor, client, server)
}

/// Takes the need that the client or the server asks next.
macro_rules! next_need {
    ($connection:expr) => {
        match $connection.step(now()).unwrap() {
            Step::Need(need) => need,
            step => panic!("no need, but {step:?}"),
        }
    };
}

#[test]
fn both_sides_ask_again_and_who_is_trusted_is_resumed() {
    for version in VERSIONS {
        let (site, visitor) = (Arc::new(site(version)), Arc::new(visitor()));
        duo(&site, &visitor).handshake();
        for _ in 0..3 {
            // In TLS 1.2 one ticket serves many times.
            let session = visitor.sessions.lock().unwrap().last().cloned().unwrap();
            visitor.keep(session);
            site.take_asked();
            visitor.take_asked();
            let mut duo = duo(&site, &visitor);
            duo.handshake();
            duo.echo();
            assert!(duo.server.negotiated().unwrap().resumed);
            let client = client_identity(KeyAlgorithm::P256);
            assert_eq!(duo.server.peer_certificates(), client.certificate.chain());
            assert_eq!(
                visitor.take_asked(),
                [NeedKind::OfferSession, NeedKind::PeerCertificate]
            );
            assert_eq!(
                site.take_asked()[..3],
                [
                    NeedKind::Certificate,
                    NeedKind::Session,
                    NeedKind::PeerCertificate
                ]
            );
        }
    }
}

#[test]
fn the_question_says_that_it_is_about_a_session_and_how_old_that_is() {
    for version in VERSIONS {
        let (site, visitor) = (Arc::new(site(version)), Arc::new(visitor()));
        let begun = now();
        duo(&site, &visitor).handshake();
        let mut duo = duo(&site, &visitor);
        let offer = next_need!(duo.client);
        duo.client.answer(visitor.answer(offer)).unwrap();

        let Need::PeerCertificate(need) = next_need!(duo.client) else {
            panic!("the client does not ask");
        };
        assert!(duo.client.output().is_empty(), "asked before it is offered");
        assert!(need.is_resumed());
        let age = need.session_began().unwrap().since(begun).unwrap();
        assert!(age.as_secs() < 60);
        assert_eq!((need.role(), need.version()), (PeerRole::Server, version));
        let name: PeerName = "shop.example".parse().unwrap();
        assert_eq!(need.name(), Some(&name));
        assert_eq!(need.chain(), site.identities[0].certificate.chain());
        duo.client.answer(need.answer(Ok(()))).unwrap();
        duo.step_client().unwrap();

        duo.server.receive(duo.client.output());
        for _ in 0..2 {
            let need = next_need!(duo.server);
            assert!(!matches!(need, Need::PeerCertificate(_)));
            duo.server.answer(site.answer(need)).unwrap();
        }
        let Need::PeerCertificate(need) = next_need!(duo.server) else {
            panic!("the server does not ask");
        };
        assert!(duo.server.output().is_empty(), "asked before it answers");
        assert!(duo.server.negotiated().is_none(), "nobody is named yet");
        assert!(need.is_resumed() && !need.is_key_transport());
        assert_eq!((need.role(), need.version()), (PeerRole::Client, version));
        let client = client_identity(KeyAlgorithm::P256);
        assert_eq!(need.chain(), client.certificate.chain());
    }
}

#[test]
fn in_a_full_handshake_it_is_not_about_a_session() {
    let (site, visitor) = (Arc::new(site(VERSIONS[0])), Arc::new(visitor()));
    let mut duo = duo(&site, &visitor);
    let offer = next_need!(duo.client);
    duo.client.answer(visitor.answer(offer)).unwrap();
    duo.step_client().unwrap();
    duo.server.receive(duo.client.output());
    duo.step_server().unwrap();
    duo.client.receive(duo.server.output());
    let Need::PeerCertificate(need) = next_need!(duo.client) else {
        panic!("the client does not ask");
    };
    assert!(!need.is_resumed() && need.session_began().is_none());
}

/// A client that is distrusted can present another certificate; with the same, it is sent away.
#[test]
fn a_client_that_is_trusted_no_more_is_not_resumed() {
    for version in VERSIONS {
        for trust in [Ok(()), Err(revoked())] {
            let mut first = site(version);
            let visitor = Arc::new(visitor());
            duo(&Arc::new(site(version)), &visitor).handshake();
            first.trust = trust;
            first.distrusts_sessions = true;
            let site = Arc::new(first);
            let mut duo = duo(&site, &visitor);
            let outcome = duo.run();
            let asked = site.take_asked();
            let questions = asked
                .iter()
                .filter(|kind| **kind == NeedKind::PeerCertificate);
            assert_eq!(questions.count(), 2, "{version:?}: {asked:?}");
            assert!(asked.contains(&NeedKind::KeyOperation));
            if trust.is_ok() {
                assert!(duo.server.is_handshake_complete());
                assert!(!duo.server.negotiated().unwrap().resumed);
                duo.echo();
                let failed = TraceEvent::NeedFailed(NeedKind::PeerCertificate, revoked());
                assert!(duo.server.take_trace().contains(&failed));
            } else {
                let error = Error::Need(NeedKind::PeerCertificate, revoked());
                assert_eq!(outcome, Err(crate::support::Failed::Server(error)));
                assert!(duo.server.peer_certificates().is_empty());
            }
        }
    }
}

#[test]
fn whatever_keeps_the_answer_away_the_session_is_not_resumed() {
    for version in VERSIONS {
        for error in [
            NeedError::Unavailable,
            NeedError::Expired,
            NeedError::Certificate(CertificateRejection::Unknown),
        ] {
            let visitor = Arc::new(visitor());
            duo(&Arc::new(site(version)), &visitor).handshake();
            let mut site = site(version);
            site.errors = vec![(NeedKind::PeerCertificate, error)];
            let mut duo = duo(&Arc::new(site), &visitor);
            let error = Error::Need(NeedKind::PeerCertificate, error);
            assert_eq!(duo.run(), Err(crate::support::Failed::Server(error)));
        }
    }
}

/// No early data goes to a server that is trusted no more, and the session's key protects nothing.
#[test]
fn a_session_with_a_server_that_is_trusted_no_more_is_not_offered() {
    for version in VERSIONS {
        let site = Arc::new(site(version));
        let known = visitor();
        let known = Arc::new(known);
        duo(&site, &known).handshake();
        let distrusting = Arc::new(Visitor {
            distrusts_sessions: true,
            ..visitor()
        });
        let sessions = std::mem::take(&mut *known.sessions.lock().unwrap());
        for session in sessions {
            distrusting.keep(session);
        }
        let mut duo = duo(&site, &distrusting);
        duo.step_client().unwrap();
        assert_eq!(duo.client.early_data_capacity(), 0);
        site.take_asked();
        duo.handshake();
        duo.echo();
        assert!(!duo.client.negotiated().unwrap().resumed);
        assert!(!site.take_asked().contains(&NeedKind::Session));
        let asked = distrusting.take_asked();
        let questions = asked
            .iter()
            .filter(|kind| **kind == NeedKind::PeerCertificate);
        assert_eq!(questions.count(), 2, "{asked:?}");
    }
}

/// Nobody is asked about a client that has shown nothing.
#[test]
fn a_client_without_a_certificate_is_nobody_to_ask_about() {
    for version in VERSIONS {
        let mut site = site(version);
        site.client_authentication = ClientAuthentication::Off;
        let (site, visitor) = (Arc::new(site), Arc::new(Visitor::default()));
        duo(&site, &visitor).handshake();
        site.take_asked();
        let mut duo = duo(&site, &visitor);
        duo.handshake();
        assert!(duo.server.negotiated().unwrap().resumed);
        assert!(!site.take_asked().contains(&NeedKind::PeerCertificate));
    }
}

/// A session with a server ends with its certificate, whatever the ticket says.
#[test]
fn a_session_ends_with_the_certificate() {
    let end_s = end_of_the_certificate();
    let before = |seconds: u64| UnixTime::from_secs(end_s - seconds);
    let session = session_made_at(before(100)).unwrap();
    assert_eq!(session.expires(), before(0));
    for (when, offered) in [(before(1), true), (before(0), false)] {
        let visitor = Arc::new(Visitor::default());
        visitor.keep(session.clone());
        let hello = HandServer::at(ClientConfig::default(), &visitor, when).hello;
        assert_eq!(hello.extensions.pre_shared_key.is_some(), offered);
    }
    assert!(session_made_at(before(0)).is_none());
}

/// A client's session, whose ticket lives for 1000 seconds.
fn session_made_at(when: UnixTime) -> Option<ClientSession> {
    let visitor = Arc::new(Visitor::default());
    let mut server = HandServer::at(ClientConfig::default(), &visitor, when);
    server.handshake();
    server
        .send(&NewSessionTicketTls13 {
            ticket_lifetime: 1000,
            ticket_age_add: 0,
            ticket_nonce: vec![1],
            ticket: vec![7; 32],
            extensions: NewSessionTicketExtensions::default(),
        })
        .unwrap();
    visitor.sessions.lock().unwrap().pop()
}

/// Of the server by hand, in seconds since 1970.
fn end_of_the_certificate() -> u64 {
    let identity = identity(KeyAlgorithm::P256);
    let leaf = &identity.certificate.chain()[0];
    CertificateInfo::parse(leaf).unwrap().not_after()
}
