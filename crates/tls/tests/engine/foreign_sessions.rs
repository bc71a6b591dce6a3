//! Sessions that the caller knows and that do not belong to this handshake: of the other version, of
//! another hash, under an index that was not offered. They are passed over, and the handshake is full.

use std::sync::Arc;

use keyward_crypto::hkdf::Secret;
use keyward_tls::{Answer, Need, NeedId, OfferedSession, SessionNeed, SessionState, Step};
use keyward_wire::handshake;
use keyward_wire::values::{CipherSuite, ContentType};
use rustls::HandshakeKind;

use crate::support::{ClientOptions, HandClient, KeyAlgorithm, Pair, Site, client_config, now};
use crate::tls12;

fn site() -> Arc<Site> {
    Arc::new(Site::new(&[KeyAlgorithm::P256]))
}

#[test]
fn a_ticket_of_tls12_is_no_psk() {
    let site = site();
    let mut old = tls12::HandClient::new(&site);
    old.handshake();
    let session = old.session();

    let mut client = HandClient::new(&site);
    client
        .hello
        .cipher_suites
        .push(old.server_hello.unwrap().cipher_suite);
    client.offer(&session.ticket, Secret::from_slice(&session.master));
    client.handshake();
    assert!(!client.server.negotiated().unwrap().resumed);
}

#[test]
fn a_ticket_of_tls13_is_no_session_of_tls12() {
    let site = site();
    let (ticket, psk) = HandClient::new(&site).handshake_for_tickets().remove(0);
    let mut master = [0; 48];
    master[..psk.as_bytes().len()].copy_from_slice(psk.as_bytes());
    let session = tls12::Session {
        ticket,
        id: Vec::new(),
        master,
    };
    let mut client = tls12::HandClient::resuming(&site, &session);
    client.session = None;
    client
        .hello
        .cipher_suites
        .push(CipherSuite::TLS_AES_128_GCM_SHA256);
    client.handshake();
    assert!(!client.server.negotiated().unwrap().resumed);
}

/// RFC 9846 §4.3.11: the suite that is chosen must have the session's hash.
#[test]
fn a_session_of_another_hash() {
    let client = client_config(ClientOptions {
        resumption: true,
        ..ClientOptions::default()
    });
    let mut first = Site::new(&[KeyAlgorithm::P256]);
    first.policy.cipher_suites = vec![CipherSuite::TLS_AES_256_GCM_SHA384];
    let mut pair = Pair::new(&client, &Arc::new(first));
    pair.handshake();
    pair.echo();

    let mut second = Site::new(&[KeyAlgorithm::P256]);
    second.policy.cipher_suites = vec![
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_AES_256_GCM_SHA384,
    ];
    let second = Arc::new(second);
    let mut pair = Pair::new(&client, &second);
    pair.handshake();
    pair.echo();
    assert_eq!(pair.client.handshake_kind(), Some(HandshakeKind::Full));
    let asked = second.take_asked();
    assert!(asked.contains(&keyward_tls::NeedKind::Session), "{asked:?}");
    let chosen = pair.server.negotiated().unwrap().cipher_suite;
    assert_eq!(chosen, CipherSuite::TLS_AES_128_GCM_SHA256);
}

/// Steps to the need for a session: its id, and what is offered.
fn session_need(client: &mut HandClient) -> (NeedId, Vec<OfferedSession>) {
    loop {
        match client.server.step(now()).unwrap() {
            Step::Need(Need::Session(need)) => return (need.id(), need.offered().to_vec()),
            Step::Need(need) => {
                let answer = client.site.answer(need);
                client.server.answer(answer).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
}

fn open(site: &Site, ticket: &[u8]) -> SessionState {
    site.tickets.open(ticket).expect("our own ticket")
}

/// The engine asks about a few of a client's offers, and takes none of the others.
#[test]
fn offers_beyond_the_bound() {
    let site = site();
    let (ticket, psk) = HandClient::new(&site).handshake_for_tickets().remove(0);
    let bound = SessionNeed::MAX_OFFERED;
    for index in [bound - 1, bound, bound + 1] {
        let mut client = HandClient::new(&site);
        for _ in 0..=bound {
            client.offer(&ticket, psk.clone());
        }
        let hello = client.client_hello();
        client
            .server
            .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
        let (id, offered) = session_need(&mut client);
        assert_eq!(offered.len(), bound);
        let session = Some((index, open(&site, &ticket)));
        client
            .server
            .answer(Answer::session(id, Ok(session)))
            .unwrap();
        client.step().unwrap();
        let resumed = client.server.negotiated().unwrap().resumed;
        assert_eq!(resumed, index < bound, "{index}");
    }
}

#[test]
fn in_tls12_there_is_one_offer() {
    let site = site();
    let mut old = tls12::HandClient::new(&site);
    old.handshake();
    let session = old.session();
    for index in [0, 1] {
        let mut client = tls12::HandClient::resuming(&site, &session);
        let hello = handshake::to_message(&client.hello);
        client
            .server
            .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
        loop {
            match client.server.step(now()).unwrap() {
                Step::Need(Need::Session(need)) => {
                    assert_eq!(need.offered().len(), 1);
                    let state = open(&site, &session.ticket);
                    let answer = need.answer(Ok(Some((index, state))));
                    client.server.answer(answer).unwrap();
                    break;
                }
                Step::Need(need) => client.server.answer(site.answer(need)).unwrap(),
                other => panic!("{other:?}"),
            }
        }
        client.step().unwrap();
        let resumed = client.server.negotiated().unwrap().resumed;
        assert_eq!(resumed, index == 0);
    }
}
