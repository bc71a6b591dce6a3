use std::io::Read;
use std::sync::Arc;

use keyward_tls::{ClientConfig, Error, Misuse, Step};
use keyward_wire::values::{AlertDescription, ContentType};

use crate::support::{
    ClientOptions, HandClient, HandServer, KeyAlgorithm, Pair, Site, client_config, now,
};

fn connected() -> Pair {
    let client = client_config(ClientOptions::default());
    let mut pair = Pair::new(&client, &Arc::new(Site::new(&[KeyAlgorithm::P256])));
    pair.handshake();
    pair.steps.clear();
    pair
}

/// RFC 9846 §6.1: closing one direction leaves the other open.
#[test]
fn a_client_that_has_closed_still_receives() {
    let mut pair = connected();
    pair.client.send_close_notify();
    pair.run().unwrap();
    assert_eq!(pair.steps, ["PeerClosed"]);
    pair.server_sends(b"the rest of the response");
    pair.server.close();
    pair.run().unwrap();
    assert_eq!(pair.steps, ["PeerClosed", "Closed"]);
    assert_eq!(
        pair.client.reader().read(&mut [0; 1]).unwrap(),
        0,
        "a clean end"
    );
}

#[test]
fn a_server_that_has_closed_still_receives() {
    let mut pair = connected();
    pair.server.close();
    pair.server.close();
    pair.run().unwrap();
    assert_eq!(
        pair.server.send(b"more"),
        Err(Error::Aborted(AlertDescription::CLOSE_NOTIFY))
    );
    assert_eq!(pair.server.update_keys(false), Err(Misuse::Closed));
    pair.client_sends(b"still here");
    pair.client.send_close_notify();
    pair.run().unwrap();
    assert_eq!(pair.steps, ["PeerClosed", "Closed"]);
}

#[test]
fn data_that_came_before_the_close_is_read_before_it() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.handshake();
    client.steps.clear();
    let mut bytes = client.sealed(ContentType::APPLICATION_DATA, b"last words");
    bytes.extend(client.sealed(ContentType::ALERT, &[1, 0]));
    // RFC 9846 §6.1: "Any data received after a closure alert has been received MUST be ignored."
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"afterwards"));
    client.feed(&bytes).unwrap();
    client.server.receive_eof();
    client.step().unwrap();
    assert_eq!(client.received, b"last words");
    assert_eq!(client.steps, ["PeerClosed"]);
}

#[test]
fn an_end_without_close_notify_is_a_truncation() {
    let mut pair = connected();
    pair.client_sends(b"half a request");
    pair.server.receive_eof();
    assert_eq!(
        pair.step_server().unwrap_err().server(),
        Error::PeerTruncated
    );
    assert!(
        pair.server.output().is_empty(),
        "nobody is there for an alert"
    );
}

#[test]
fn an_end_before_anything_or_in_a_record_is_a_truncation() {
    for bytes in [&b""[..], &[22], &[22, 3, 1, 0, 200, 1, 0]] {
        let mut client = HandClient::new(&Arc::new(Site::new(&[])));
        client.feed(bytes).unwrap();
        client.server.receive_eof();
        assert_eq!(client.step(), Err(Error::PeerTruncated));
    }
}

#[test]
fn a_client_that_closes_during_the_handshake_has_given_up() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.hello_and_keys();
    let alert = client.sealed(ContentType::ALERT, &[1, 0]);
    let expected = Error::AlertReceived(AlertDescription::CLOSE_NOTIFY);
    assert_eq!(client.feed(&alert), Err(expected));
}

#[test]
fn the_peers_alert_ends_the_connection() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    // RFC 9846 §6: whatever level it says.
    for level in [1, 2] {
        let mut client = HandClient::new(&site);
        client.handshake();
        let alert = client.sealed(ContentType::ALERT, &[level, 48]);
        let expected = Error::AlertReceived(AlertDescription::UNKNOWN_CA);
        assert_eq!(client.feed(&alert), Err(expected));
        assert_eq!(client.records(), [], "an alert is not answered");
    }
}

/// A client that cannot make the handshake keys can only say so in the clear.
#[test]
fn an_alert_in_the_clear_is_heard_before_the_first_encrypted_record() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.hello_and_keys();
    let alert = HandClient::plain(ContentType::ALERT, &[2, 47]);
    let expected = Error::AlertReceived(AlertDescription::ILLEGAL_PARAMETER);
    assert_eq!(client.feed(&alert), Err(expected));
}

/// Nothing of a handshake follows a close_notify.
#[test]
fn a_close_during_the_handshake_ends_it() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    let hello = client.client_hello();
    let record = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.server.receive(&record);
    let Step::Need(need) = client.server.step(now()).unwrap() else {
        panic!("the certificate need comes first");
    };
    client.server.close();
    let answer = site.answer(need);
    assert_eq!(client.server.answer(answer), Err(Misuse::UnknownNeed));
    client.step().unwrap();
    assert_eq!(client.steps, ["Closed"]);
    assert_eq!(client.records(), [(ContentType::ALERT, vec![1, 0])]);
}

#[test]
fn abort_sends_its_alert_and_nothing_more() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.server.abort(AlertDescription::INTERNAL_ERROR);
    client.server.abort(AlertDescription::USER_CANCELED);
    client.server.close();
    assert_eq!(client.records(), [(ContentType::ALERT, vec![2, 80])]);
    assert_eq!(client.server.receive(&[1; 100]), 100, "taken and dropped");
    assert!(matches!(client.server.step(now()), Ok(Step::Closed)));
    assert!(client.server.send(b"more").is_err());
}

/// RFC 9846 §6.1, user_canceled: "This alert MUST be followed by a "close_notify"."
#[test]
fn a_cancelled_handshake_is_closed_as_well() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.hello_and_keys();
    client.server.abort(AlertDescription::USER_CANCELED);
    assert_eq!(
        client.records(),
        [
            (ContentType::ALERT, vec![1, 90]),
            (ContentType::ALERT, vec![1, 0])
        ]
    );
    assert!(matches!(client.server.step(now()), Ok(Step::Closed)));
}

/// RFC 9846 §6: "Unknown Alert types MUST be treated as error alerts."
#[test]
fn an_alert_that_nobody_knows_ends_the_connection() {
    for level in [1, 2] {
        for description in [1, 99, 255] {
            let expected = Err(Error::AlertReceived(AlertDescription(description)));
            let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
            client.handshake();
            let alert = client.sealed(ContentType::ALERT, &[level, description]);
            assert_eq!(client.feed(&alert), expected);

            let mut server = HandServer::new(ClientConfig::default());
            server.handshake();
            let alert = server.sealed(ContentType::ALERT, &[level, description]);
            assert_eq!(server.feed(&alert), expected);
        }
    }
}

/// RFC 9846 §6: an implementation that receives an error alert "MUST NOT allow any further data to be sent or received on
/// the connection."
#[test]
fn nothing_is_sent_or_received_behind_an_error_alert() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.handshake();
    let mut bytes = client.sealed(ContentType::APPLICATION_DATA, b"before");
    bytes.extend(client.sealed(ContentType::ALERT, &[2, 80]));
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"behind"));
    let ended = Error::AlertReceived(AlertDescription::INTERNAL_ERROR);
    assert_eq!(client.feed(&bytes), Err(ended.clone()));
    assert_eq!(client.server.send(b"more"), Err(ended.clone()));
    assert!(client.server.update_keys(true).is_err());
    client.server.close();
    let late = client.sealed(ContentType::APPLICATION_DATA, b"late");
    assert_eq!(client.feed(&late), Err(ended));
    assert_eq!(client.received, b"before");
    assert_eq!(client.records(), []);
}
