//! The points where a handshake waits for somebody else.

use std::sync::Arc;

use keyward_tls::{
    Answer, Error, Limits, Misuse, Need, NeedError, NeedKind, ServerConnection, Step,
};
use keyward_wire::handshake;
use keyward_wire::values::{AlertDescription, ContentType, HandshakeType};

use crate::support::{HandClient, KeyAlgorithm, Site, now};

fn site() -> Arc<Site> {
    Arc::new(Site::new(&[KeyAlgorithm::P256]))
}

/// A client whose server waits for the answer to a need of this kind, and the need.
fn suspended(kind: NeedKind) -> (HandClient, Need) {
    let site = site();
    let offer = (kind == NeedKind::Session)
        .then(|| HandClient::new(&site).handshake_for_tickets().remove(0));
    let mut client = HandClient::new(&site);
    if let Some((ticket, psk)) = offer {
        client.offer(&ticket, psk);
    }
    let hello = client.client_hello();
    let record = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.server.receive(&record);
    if kind == NeedKind::NewSession {
        client.step().unwrap();
        client.take_server_hello();
        client.take_flight();
        let finished = client.finished();
        let record = client.sealed(ContentType::HANDSHAKE, &finished);
        client.use_application_keys();
        client.server.receive(&record);
    }
    loop {
        match client.server.step(now()).unwrap() {
            Step::Need(need) if need.kind() == kind => return (client, need),
            Step::Need(need) => {
                let answer = client.site.answer(need);
                client.server.answer(answer).unwrap();
            }
            Step::HandshakeComplete => client.steps.push("HandshakeComplete"),
            other => panic!("{other:?} before {kind}"),
        }
    }
}

/// Goes on from the answer to a complete handshake with data.
fn complete(client: &mut HandClient) {
    client.step().unwrap();
    if client.steps.is_empty() {
        client.take_server_hello();
        client.take_flight();
        let finished = client.finished();
        let record = client.sealed(ContentType::HANDSHAKE, &finished);
        client.use_application_keys();
        client.feed(&record).unwrap();
    }
    let data = client.sealed(ContentType::APPLICATION_DATA, b"data");
    client.feed(&data).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete"]);
    assert_eq!(client.received, b"data");
}

const ALL: [NeedKind; 4] = [
    NeedKind::Certificate,
    NeedKind::Session,
    NeedKind::KeyOperation,
    NeedKind::NewSession,
];

const BLOCKING: [NeedKind; 3] = [
    NeedKind::Certificate,
    NeedKind::Session,
    NeedKind::KeyOperation,
];

fn assert_blocked(server: &mut ServerConnection) {
    for _ in 0..3 {
        let step = server.step(now()).unwrap();
        assert!(matches!(step, Step::Blocked), "{step:?}");
    }
}

#[test]
fn answered_late_and_from_another_thread() {
    for kind in BLOCKING {
        let (mut client, need) = suspended(kind);
        assert_blocked(&mut client.server);
        let site = client.site.clone();
        let answer = std::thread::spawn(move || site.answer(need))
            .join()
            .unwrap();
        assert_blocked(&mut client.server);
        client.server.answer(answer).unwrap();
        complete(&mut client);
    }
}

#[test]
fn an_answer_for_another_connection_or_a_need_that_never_was() {
    for kind in ALL {
        let (mut client, need) = suspended(kind);
        let (other, others_need) = suspended(kind);
        let answer = other.site.answer(others_need);
        assert_eq!(client.server.answer(answer), Err(Misuse::OtherConnection));

        // The id of a need that this connection has had answered already.
        let (mut third, _open) = suspended(NeedKind::KeyOperation);
        let first = third.site.first_id.lock().unwrap().unwrap();
        let answer = Answer::certificate(first, Err(NeedError::Internal));
        assert_eq!(third.server.answer(answer), Err(Misuse::UnknownNeed));

        let answer = client.site.answer(need);
        client.server.answer(answer).unwrap();
        complete(&mut client);
    }
}

#[test]
fn an_answer_of_another_kind() {
    for kind in ALL {
        let (mut client, need) = suspended(kind);
        let wrong = if kind == NeedKind::Session {
            Answer::new_session(need.id(), Ok(None))
        } else {
            Answer::session(need.id(), Ok(None))
        };
        assert_eq!(client.server.answer(wrong), Err(Misuse::WrongKind));
        let answer = client.site.answer(need);
        client.server.answer(answer).unwrap();
        complete(&mut client);
    }
}

#[test]
fn answered_twice() {
    for kind in ALL {
        let (mut client, need) = suspended(kind);
        let id = need.id();
        let again = || match kind {
            NeedKind::Certificate => Answer::certificate(id, Err(NeedError::Internal)),
            NeedKind::Session => Answer::session(id, Err(NeedError::Internal)),
            NeedKind::KeyOperation => Answer::key_operation(id, Err(NeedError::Internal)),
            _ => Answer::new_session(id, Err(NeedError::Internal)),
        };
        let answer = client.site.answer(need);
        client.server.answer(answer).unwrap();
        assert_eq!(client.server.answer(again()), Err(Misuse::AnsweredTwice));
        complete(&mut client);
        assert_eq!(client.server.answer(again()), Err(Misuse::UnknownNeed));
    }
}

#[test]
fn answered_with_an_error() {
    for kind in [NeedKind::Certificate, NeedKind::KeyOperation] {
        for error in [
            NeedError::Refused,
            NeedError::Unavailable,
            NeedError::Expired,
        ] {
            let (mut client, need) = suspended(kind);
            client.server.answer(need.fail(error)).unwrap();
            let expected = Error::Need(kind, error);
            assert_eq!(client.step(), Err(expected.clone()));
            assert_eq!(client.step(), Err(expected), "the error stays");
        }
    }
    // These go on without: a full handshake, no ticket.
    for kind in [NeedKind::Session, NeedKind::NewSession] {
        let (mut client, need) = suspended(kind);
        client
            .server
            .answer(need.fail(NeedError::Unavailable))
            .unwrap();
        complete(&mut client);
        assert!(!client.server.negotiated().unwrap().resumed);
    }
}

#[test]
fn never_answered() {
    for kind in BLOCKING {
        let (mut client, need) = suspended(kind);
        drop(need);
        assert_blocked(&mut client.server);
        // The caller's timeout.
        client.server.abort(AlertDescription::INTERNAL_ERROR);
        assert!(matches!(client.server.step(now()), Ok(Step::Closed)));
        assert!(!client.server.output().is_empty());
    }
}

#[test]
fn answered_when_the_connection_is_gone() {
    for kind in ALL {
        let (mut client, need) = suspended(kind);
        let answer = client.site.answer(need);
        client.server.abort(AlertDescription::INTERNAL_ERROR);
        assert_eq!(client.server.answer(answer), Err(Misuse::UnknownNeed));

        let (client, need) = suspended(kind);
        let site = client.site.clone();
        drop(client);
        drop(site.answer(need));
    }
}

#[test]
fn bytes_that_come_meanwhile_wait_in_a_bounded_buffer() {
    for kind in BLOCKING {
        let (mut client, need) = suspended(kind);
        let mut taken = 0;
        loop {
            let n = client.server.receive(&[22; 1000]);
            taken += n;
            assert!(matches!(client.server.step(now()), Ok(Step::Blocked)));
            if n < 1000 {
                break;
            }
        }
        assert!(taken <= Limits::default().received, "{taken}");
        assert_eq!(client.server.receive(&[22]), 0);
        // They were noise, which shows when their turn comes.
        let answer = client.site.answer(need);
        client.server.answer(answer).unwrap();
        assert!(client.step().is_err());
    }
}

/// Early in TLS 1.3 there is nothing for a client to say, but what it says is kept for its turn.
#[test]
fn a_change_cipher_spec_that_came_before_its_turn() {
    let (mut client, need) = suspended(NeedKind::KeyOperation);
    // Browsers send it with the Finished.
    let early = HandClient::plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    assert_eq!(client.server.receive(&early), early.len());
    let answer = client.site.answer(need);
    client.server.answer(answer).unwrap();
    complete(&mut client);
}

/// A ticket that takes its time holds nothing up.
#[test]
fn a_new_session_need_does_not_block() {
    let (mut client, need) = suspended(NeedKind::NewSession);
    let second = loop {
        match client.server.step(now()).unwrap() {
            Step::Need(need) => break need,
            Step::HandshakeComplete => {}
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..3 {
        let data = client.sealed(ContentType::APPLICATION_DATA, b"data");
        client.feed(&data).unwrap();
        client.server.send(b"answer").unwrap();
    }
    assert_eq!(client.received, b"datadatadata");
    assert_eq!(client.records().len(), 3);

    // Answered in the other order.
    for need in [second, need] {
        let answer = client.site.answer(need);
        client.server.answer(answer).unwrap();
        client.step().unwrap();
        let records = client.records();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].1[0], 4, "NewSessionTicket");
    }
}

#[test]
fn a_ticket_after_our_close_is_not_sent() {
    let (mut client, need) = suspended(NeedKind::NewSession);
    client.server.close();
    let before = client.server.output().len();
    let answer = client.site.answer(need);
    client.server.answer(answer).unwrap();
    client.step().unwrap();
    assert_eq!(
        client.records().len(),
        1,
        "close_notify alone, in {before} bytes"
    );
}

/// What the client can already use is sent before the signature is there.
#[test]
fn the_flight_so_far_leaves_while_the_signature_is_made() {
    let (mut client, _need) = suspended(NeedKind::KeyOperation);
    client.take_server_hello();
    let types: Vec<_> = client
        .records()
        .iter()
        .filter(|(content_type, _)| *content_type == ContentType::HANDSHAKE)
        .flat_map(|(_, content)| handshake::split(content))
        .map(|message| message.unwrap().message_type)
        .collect();
    assert_eq!(
        types,
        [
            HandshakeType::ENCRYPTED_EXTENSIONS,
            HandshakeType::CERTIFICATE
        ]
    );
}

/// It would not fit into the session that it is for.
#[test]
fn a_session_context_that_is_too_long_is_an_error_and_no_panic() {
    for (length, fits) in [(255, true), (256, false), (300, false)] {
        let (mut client, need) = suspended(NeedKind::Certificate);
        let Need::Certificate(need) = need else {
            panic!("another need")
        };
        let id = need.id();
        let mut answer = client.site.certificate();
        answer.session_context = vec![7; length];
        client
            .server
            .answer(Answer::certificate(id, Ok(answer)))
            .unwrap();
        let outcome = client.step();
        assert_eq!(outcome.is_ok(), fits, "{length}: {outcome:?}");
        if !fits {
            assert!(matches!(outcome, Err(Error::Config(_))), "{outcome:?}");
        }
    }
}
