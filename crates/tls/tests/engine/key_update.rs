use std::sync::Arc;

use keyward_tls::{ClientConfig, Error, Limits, Misuse, PeerMisbehaved, ServerConfig, Step};
use keyward_wire::values::ContentType;

use crate::support::{
    ClientOptions, HandClient, HandServer, KeyAlgorithm, Pair, Site, client_config,
};

const REQUESTED: [u8; 5] = [24, 0, 0, 1, 1];
const NOT_REQUESTED: [u8; 5] = [24, 0, 0, 1, 0];

fn connected(config: ServerConfig) -> Pair {
    let client = client_config(ClientOptions::default());
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut pair = Pair::with_config(&client, &site, config);
    pair.handshake();
    pair
}

fn by_hand() -> HandClient {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.handshake();
    client
}

#[test]
fn the_client_changes_its_keys() {
    let mut pair = connected(ServerConfig::default());
    for _ in 0..5 {
        pair.client.refresh_traffic_keys().unwrap();
        pair.echo();
    }
}

#[test]
fn the_server_changes_its_keys_and_may_ask_the_client() {
    let mut pair = connected(ServerConfig::default());
    for request_peer in [false, true, true, false] {
        pair.server.update_keys(request_peer).unwrap();
        pair.echo();
    }
}

/// A request is not repeated before a KeyUpdate has come.
#[test]
fn the_client_is_asked_once_at_a_time() {
    let mut client = by_hand();
    let mut sent = Vec::new();
    for answer in [false, false, true, false] {
        client.server.update_keys(true).unwrap();
        let (_, content) = client.next_record().unwrap();
        sent.push(content);
        client.update_read_keys();
        if answer {
            let update = client.sealed(ContentType::HANDSHAKE, &NOT_REQUESTED);
            client.feed(&update).unwrap();
            client.update_write_keys();
        }
    }
    assert_eq!(
        sent,
        [REQUESTED, NOT_REQUESTED, NOT_REQUESTED, REQUESTED].map(Vec::from)
    );
}

#[test]
fn both_at_once() {
    let mut pair = connected(ServerConfig::default());
    for _ in 0..3 {
        pair.client.refresh_traffic_keys().unwrap();
        pair.server.update_keys(true).unwrap();
        pair.echo();
    }
}

#[test]
fn keys_are_changed_before_they_are_used_up() {
    let mut pair = connected(ServerConfig {
        limits: Limits {
            records_per_key: Some(8),
            ..Limits::default()
        },
        ..ServerConfig::default()
    });
    for _ in 0..40 {
        pair.echo();
    }
    pair.server_sends(&vec![7; 40 * 16384]);
    pair.client_sends(&vec![8; 40 * 16384]);
}

#[test]
fn a_request_is_answered_before_the_next_data() {
    let mut client = by_hand();
    for _ in 0..3 {
        let request = client.sealed(ContentType::HANDSHAKE, &REQUESTED);
        client.update_write_keys();
        client.feed(&request).unwrap();
        client.server.send(b"data").unwrap();
        assert_eq!(
            client.next_record(),
            Some((ContentType::HANDSHAKE, NOT_REQUESTED.to_vec()))
        );
        client.update_read_keys();
        assert_eq!(
            client.next_record(),
            Some((ContentType::APPLICATION_DATA, b"data".to_vec()))
        );
    }
}

/// While the client does not read, its requests add up to one answer.
#[test]
fn several_requests_are_answered_at_once() {
    let config = ServerConfig {
        limits: Limits {
            output: 10,
            ..Limits::default()
        },
        ..ServerConfig::default()
    };
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::with_config(&site, config);
    client.handshake();
    client.server.send(b"data").unwrap();
    let waiting = client.server.output().len();
    for _ in 0..3 {
        let request = client.sealed(ContentType::HANDSHAKE, &REQUESTED);
        client.update_write_keys();
        assert_eq!(client.server.receive(&request), request.len());
        assert!(matches!(client.server.step(client.now), Ok(Step::Blocked)));
    }
    assert_eq!(client.server.output().len(), waiting);
    assert_eq!(
        client.next_record(),
        Some((ContentType::APPLICATION_DATA, b"data".to_vec()))
    );
    client.step().unwrap();
    assert_eq!(
        client.records(),
        [(ContentType::HANDSHAKE, NOT_REQUESTED.to_vec())]
    );
    client.update_read_keys();
    client.server.send(b"more").unwrap();
    assert_eq!(
        client.records(),
        [(ContentType::APPLICATION_DATA, b"more".to_vec())]
    );
}

#[test]
fn not_more_than_32_without_data_between_them() {
    let mut client = by_hand();
    for round in 0..3 {
        for _ in 0..32 {
            let update = client.sealed(ContentType::HANDSHAKE, &NOT_REQUESTED);
            client.update_write_keys();
            client
                .feed(&update)
                .unwrap_or_else(|error| panic!("{round}: {error}"));
        }
        let data = client.sealed(ContentType::APPLICATION_DATA, b"data");
        client.feed(&data).unwrap();
    }
    let mut outcome = Ok(());
    for _ in 0..33 {
        let update = client.sealed(ContentType::HANDSHAKE, &NOT_REQUESTED);
        client.update_write_keys();
        outcome = client.feed(&update);
    }
    assert_eq!(
        outcome,
        Err(Error::PeerMisbehaved(PeerMisbehaved::TooManyKeyUpdates))
    );
}

#[test]
fn nothing_follows_a_key_update_in_its_record() {
    let mut client = by_hand();
    let two = [NOT_REQUESTED, NOT_REQUESTED].concat();
    let record = client.sealed(ContentType::HANDSHAKE, &two);
    assert_eq!(
        client.feed(&record),
        Err(Error::PeerMisbehaved(
            PeerMisbehaved::HandshakeAcrossKeyChange
        ))
    );
}

#[test]
fn a_request_that_is_neither_yes_nor_no() {
    let mut client = by_hand();
    let record = client.sealed(ContentType::HANDSHAKE, &[24, 0, 0, 1, 2]);
    assert!(matches!(
        client.feed(&record),
        Err(Error::InvalidMessage(_))
    ));
    assert_eq!(client.records(), [(ContentType::ALERT, vec![2, 47])]);
}

#[test]
fn the_old_keys_are_gone() {
    let mut client = by_hand();
    let update = client.sealed(ContentType::HANDSHAKE, &NOT_REQUESTED);
    client.feed(&update).unwrap();
    let old = client.sealed(ContentType::APPLICATION_DATA, b"data");
    assert_eq!(client.feed(&old), Err(Error::DecryptError));
}

#[test]
fn not_before_the_handshake_is_complete() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    assert_eq!(
        client.server.update_keys(false),
        Err(Misuse::HandshakeIncomplete)
    );
    client.hello_and_keys();
    assert_eq!(
        client.server.update_keys(false),
        Err(Misuse::HandshakeIncomplete)
    );
    let update = client.sealed(ContentType::HANDSHAKE, &NOT_REQUESTED);
    assert!(matches!(
        client.feed(&update),
        Err(Error::PeerMisbehaved(PeerMisbehaved::UnexpectedHandshake(
            _
        )))
    ));
}

/// What asks for KeyUpdates and never reads them makes the server hold a bounded amount.
#[test]
fn a_peer_that_does_not_read_is_not_answered_without_end() {
    let mut client = by_hand();
    let mut most = 0;
    for _ in 0..20_000 {
        let mut bytes = client.sealed(ContentType::HANDSHAKE, &REQUESTED);
        client.update_write_keys();
        bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"."));
        client.server.receive(&bytes);
        while let Ok(step) = client.server.step(client.now) {
            match step {
                Step::Data => client.server.consume_readable(1),
                Step::Blocked => break,
                other => panic!("{other:?}"),
            }
        }
        most = most.max(client.server.output().len());
    }
    assert!(most <= Limits::default().output + 100, "{most}");
}

/// RFC 9846 §4.7.3: "both sides MUST enforce that a KeyUpdate with the old key is received before accepting any messages
/// encrypted with the new key."
#[test]
fn the_new_keys_are_not_there_before_the_key_update() {
    let mut client = by_hand();
    client.update_write_keys();
    let data = client.sealed(ContentType::APPLICATION_DATA, b"data");
    assert_eq!(client.feed(&data), Err(Error::DecryptError));
    assert!(client.received.is_empty());

    let mut server = HandServer::new(ClientConfig::default());
    server.handshake();
    server.update_write_keys();
    let data = server.sealed(ContentType::APPLICATION_DATA, b"data");
    assert_eq!(server.feed(&data), Err(Error::DecryptError));
    assert!(server.received.is_empty());
}
