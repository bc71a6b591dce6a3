use std::sync::Arc;

use keyward_tls::{
    Answer, CertificateRejection, ClientConfig, Error, Misuse, Need, NeedError, NeedKind, Step,
};
use keyward_wire::values::AlertDescription;

use crate::support::{Duo, KeyAlgorithm, Site, Visitor, now};

fn site() -> Arc<Site> {
    Arc::new(Site::new(&[KeyAlgorithm::P256]))
}

#[test]
fn without_resumption_the_client_hello_is_there_at_once() {
    let config = ClientConfig {
        resumption: false,
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    let mut duo = Duo::with(&site(), &visitor, config, Default::default());
    assert!(!duo.client.output().is_empty());
    duo.handshake();
    assert_eq!(visitor.take_asked(), [NeedKind::PeerCertificate]);
    assert!(visitor.sessions.lock().unwrap().is_empty());
}

#[test]
fn a_session_store_that_fails_costs_a_full_handshake_and_no_more() {
    let visitor = Arc::new(Visitor {
        errors: vec![(NeedKind::OfferSession, NeedError::Unavailable)],
        ..Visitor::default()
    });
    let mut duo = Duo::new(&site(), &visitor);
    duo.handshake();
    assert!(!duo.client.negotiated().unwrap().resumed);
}

/// Each rejection with its alert (RFC 9846 §6.2); nothing of ours is sent to a server that is not trusted.
#[test]
fn a_certificate_that_is_not_trusted_ends_the_handshake() {
    use AlertDescription as A;
    use CertificateRejection as R;
    for (rejection, alert) in [
        (R::Bad, A::BAD_CERTIFICATE),
        (R::Unsupported, A::UNSUPPORTED_CERTIFICATE),
        (R::Revoked, A::CERTIFICATE_REVOKED),
        (R::Expired, A::CERTIFICATE_EXPIRED),
        (R::Unknown, A::CERTIFICATE_UNKNOWN),
        (R::UnknownAuthority, A::UNKNOWN_CA),
        (R::BadStatusResponse, A::BAD_CERTIFICATE_STATUS_RESPONSE),
        (R::NameMismatch, A::BAD_CERTIFICATE),
        (R::Required, A::CERTIFICATE_REQUIRED),
    ] {
        let error = NeedError::Certificate(rejection);
        let visitor = Arc::new(Visitor {
            errors: vec![(NeedKind::PeerCertificate, error)],
            ..Visitor::default()
        });
        let mut duo = Duo::new(&site(), &visitor);
        let failed = duo.run().unwrap_err();
        assert_eq!(
            failed,
            crate::support::Failed::Client(Error::Need(NeedKind::PeerCertificate, error))
        );
        assert_eq!(duo.step_server(), Err(Error::AlertReceived(alert)));
        assert!(!duo.client.is_handshake_complete());
    }
}

/// The server's Finished may be there; nothing is done with it before the answer.
#[test]
fn the_handshake_waits_for_the_answer() {
    let mut duo = Duo::new(&site(), &Arc::new(Visitor::default()));
    let need = loop {
        match duo.client.step(now()).unwrap() {
            Step::Need(Need::PeerCertificate(need)) => break need,
            Step::Need(need) => duo.client.answer(duo.visitor.answer(need)).unwrap(),
            Step::Blocked => {
                let n = duo.server.receive(duo.client.output());
                duo.client.consume_output(n);
                duo.step_server().unwrap();
                let n = duo.client.receive(duo.server.output());
                duo.server.consume_output(n);
            }
            other => panic!("{other:?}"),
        }
    };
    let id = need.id();
    for _ in 0..3 {
        assert!(matches!(duo.client.step(now()), Ok(Step::Blocked)));
    }
    assert!(!duo.client.is_handshake_complete());
    assert_eq!(duo.client.send(b"too early").unwrap(), 0);

    let wrong = Answer::key_operation(id, Err(NeedError::Internal));
    assert_eq!(duo.client.answer(wrong), Err(Misuse::WrongKind));
    let answer = || Answer::peer_certificate(id, Ok(()));
    assert_eq!(duo.server.answer(answer()), Err(Misuse::OtherConnection));
    duo.client.answer(need.answer(Ok(()))).unwrap();
    assert_eq!(duo.client.answer(answer()), Err(Misuse::AnsweredTwice));
    duo.handshake();
    duo.echo();
}
