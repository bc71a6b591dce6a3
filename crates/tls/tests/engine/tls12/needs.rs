//! A TLS 1.2 handshake waits at every need, for as long as it takes, and with bytes arriving
//! meanwhile.

use std::sync::Arc;

use keyward_keyop::OperationResult;
use keyward_tls::{
    Answer, Error, KeyOperationFault, Misuse, Need, NeedError, NeedKind, Policy, ServerConfig,
    Step, VerifySignatures,
};
use keyward_wire::handshake;
use keyward_wire::values::{AlertDescription, ContentType};

use super::HandClient;
use super::hand_client::Session;
use crate::support::{KeyAlgorithm, Site, now};

/// Steps to the next need, which has to be of this kind, and sees that the engine waits for it.
#[track_caller]
fn wait(client: &mut HandClient, kind: NeedKind) -> Need {
    let Step::Need(need) = client.server.step(now()).unwrap() else {
        panic!("no need of kind {kind}");
    };
    assert_eq!(need.kind(), kind);
    for _ in 0..3 {
        assert!(matches!(client.server.step(now()), Ok(Step::Blocked)));
    }
    need
}

/// Answers it late, from another thread, and then a second time.
#[track_caller]
fn answer(client: &mut HandClient, need: Need) {
    let site = client.site.clone();
    let id = need.id();
    let answer = std::thread::spawn(move || site.answer(need))
        .join()
        .unwrap();
    client.server.answer(answer).unwrap();
    let again = Answer::new_session(id, Ok(None));
    assert!(client.server.answer(again).is_err());
}

fn legacy_site() -> Arc<Site> {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    Arc::new(site)
}

#[test]
fn a_full_handshake_waits_at_every_need() {
    for rsa in [false, true] {
        let site = if rsa {
            legacy_site()
        } else {
            Arc::new(Site::new(&[KeyAlgorithm::P256]))
        };
        let mut client = if rsa {
            HandClient::rsa(&site)
        } else {
            HandClient::new(&site)
        };
        client.hello.session_id = vec![0x1d; 32];
        client.hello.extensions.session_ticket = Some(b"unknown".to_vec());
        let hello = handshake::to_message(&client.hello);
        client.messages.extend(&hello);
        client
            .server
            .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
        for kind in [NeedKind::Certificate, NeedKind::Session] {
            let need = wait(&mut client, kind);
            answer(&mut client, need);
        }
        if !rsa {
            let need = wait(&mut client, NeedKind::KeyOperation);
            answer(&mut client, need);
        }
        client.step().unwrap();
        client.take_flight();
        // All that the client has to say, before any of it is asked about.
        let mut bytes = client.second_flight();
        bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"request"));
        assert_eq!(client.server.receive(&bytes), bytes.len());
        if rsa {
            let need = wait(&mut client, NeedKind::KeyOperation);
            answer(&mut client, need);
        }
        let need = wait(&mut client, NeedKind::NewSession);
        assert!(!client.server.is_handshake_complete());
        answer(&mut client, need);
        client.step().unwrap();
        client.take_flight();
        assert_eq!(client.steps, ["HandshakeComplete"]);
        assert_eq!(client.received, b"request");
    }
}

#[test]
fn an_answer_of_the_wrong_kind_changes_nothing() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    let hello = handshake::to_message(&client.hello);
    client.messages.extend(&hello);
    client
        .server
        .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
    let need = wait(&mut client, NeedKind::Certificate);
    answer(&mut client, need);
    let need = wait(&mut client, NeedKind::KeyOperation);
    let wrong = Answer::session(need.id(), Ok(None));
    assert_eq!(client.server.answer(wrong), Err(Misuse::WrongKind));
    answer(&mut client, need);
    client.step().unwrap();
    client.take_flight();
    let bytes = client.second_flight();
    client.feed(&bytes).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete"]);
}

/// Steps to the key operation and answers it with this.
fn key_operation(site: &Arc<Site>, rsa: bool, result: Result<OperationResult, NeedError>) -> Error {
    let mut client = if rsa {
        HandClient::rsa(site)
    } else {
        let config = ServerConfig {
            verify_signatures: VerifySignatures::Always,
            ..ServerConfig::default()
        };
        HandClient::with_config(site, config)
    };
    let hello = handshake::to_message(&client.hello);
    client.messages.extend(&hello);
    client
        .server
        .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
    let need = wait(&mut client, NeedKind::Certificate);
    answer(&mut client, need);
    if rsa {
        client.step().unwrap();
        client.take_flight();
        let exchange = client.client_key_exchange();
        client
            .server
            .receive(&HandClient::plain(ContentType::HANDSHAKE, &exchange));
    }
    let need = wait(&mut client, NeedKind::KeyOperation);
    client
        .server
        .answer(Answer::key_operation(need.id(), result))
        .unwrap();
    client.server.step(now()).unwrap_err()
}

#[test]
fn a_wrong_signature_is_not_sent() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let error = key_operation(&site, false, Ok(OperationResult::Signature(vec![7; 70])));
    assert_eq!(
        error,
        Error::KeyOperation(KeyOperationFault::WrongSignature)
    );
    assert_eq!(error.alert(), Some(AlertDescription::INTERNAL_ERROR));
}

#[test]
fn a_result_of_another_operation_is_refused() {
    let secret = OperationResult::MasterSecret(keyward_crypto::hkdf::Secret::from_slice(&[7; 48]));
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let wrong = Error::KeyOperation(KeyOperationFault::WrongResult);
    assert_eq!(key_operation(&site, false, Ok(secret)), wrong);
    let signature = OperationResult::Signature(vec![7; 256]);
    assert_eq!(key_operation(&legacy_site(), true, Ok(signature)), wrong);
}

#[test]
fn a_key_operation_that_fails_ends_the_handshake() {
    for (error, alert) in [
        (NeedError::Refused, AlertDescription::ACCESS_DENIED),
        (NeedError::Expired, AlertDescription::INTERNAL_ERROR),
    ] {
        for (site, rsa) in [
            (Arc::new(Site::new(&[KeyAlgorithm::P256])), false),
            (legacy_site(), true),
        ] {
            let failed = key_operation(&site, rsa, Err(error));
            assert_eq!(failed, Error::Need(NeedKind::KeyOperation, error));
            assert_eq!(failed.alert(), Some(alert));
        }
    }
}

#[test]
fn an_abbreviated_handshake_waits_for_the_session() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.handshake();
    let session: Session = client.session();

    let mut client = HandClient::resuming(&site, &session);
    let hello = handshake::to_message(&client.hello);
    client.messages.extend(&hello);
    client
        .server
        .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
    for kind in [NeedKind::Certificate, NeedKind::Session] {
        let need = wait(&mut client, kind);
        answer(&mut client, need);
    }
    client.step().unwrap();
    client.take_flight();
    let bytes = client.last_flight();
    client.feed(&bytes).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete"]);
    client.echo();
}

/// A need that nobody answers waits for the caller's timeout; an answer after that finds nothing.
#[test]
fn never_answered_and_too_late() {
    for answered in 0..3 {
        let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
        client.hello.session_id = vec![0x1d; 32];
        let hello = handshake::to_message(&client.hello);
        client
            .server
            .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
        let kinds = [
            NeedKind::Certificate,
            NeedKind::Session,
            NeedKind::KeyOperation,
        ];
        for kind in &kinds[..answered] {
            let need = wait(&mut client, *kind);
            answer(&mut client, need);
        }
        let need = wait(&mut client, kinds[answered]);
        client.server.abort(AlertDescription::INTERNAL_ERROR);
        let late = client.site.answer(need);
        assert_eq!(client.server.answer(late), Err(Misuse::UnknownNeed));
        client.step().unwrap();
        assert_eq!(client.steps, ["Closed"]);
        let last = client.records().pop();
        assert_eq!(last, Some((ContentType::ALERT, vec![2, 80])));
    }
}
