//! How messages are cut into records makes no difference.

use std::sync::Arc;

use keyward_tls::Policy;
use keyward_wire::handshake;
use keyward_wire::values::{ContentType, HandshakeType};

use super::HandClient;
use crate::support::{KeyAlgorithm, Site};

/// Every byte of every message in a record of its own.
fn one_byte_a_record(client: &mut HandClient) {
    let hello = handshake::to_message(&client.hello);
    client.messages.extend(&hello);
    for byte in hello {
        assert_eq!(client.take_flight(), []);
        client.feed_plain(ContentType::HANDSHAKE, &[byte]).unwrap();
    }
    let flight = client.take_flight();
    assert_eq!(flight.last(), Some(&HandshakeType::SERVER_HELLO_DONE));
    for byte in client.client_key_exchange() {
        client.feed_plain(ContentType::HANDSHAKE, &[byte]).unwrap();
    }
    let bytes = client.change_cipher_spec();
    client.feed(&bytes).unwrap();
    for byte in client.finished() {
        assert!(client.steps.is_empty());
        let record = client.sealed(ContentType::HANDSHAKE, &[byte]);
        client.feed(&record).unwrap();
    }
    assert_eq!(client.take_flight().last(), Some(&HandshakeType::FINISHED));
    assert_eq!(client.steps, ["HandshakeComplete"]);
    client.echo();
}

#[test]
fn ecdhe() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    one_byte_a_record(&mut HandClient::new(&site));
}

#[test]
fn rsa_key_transport() {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    one_byte_a_record(&mut HandClient::rsa(&Arc::new(site)));
}

/// The client's last flight, data and close in one read.
#[test]
fn coalesced_records() {
    let mut client = HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])));
    client.send_hello().unwrap();
    client.take_flight();
    let mut bytes = client.second_flight();
    for word in [&b"one "[..], b"two"] {
        bytes.extend(client.sealed(ContentType::APPLICATION_DATA, word));
    }
    bytes.extend(client.sealed(ContentType::ALERT, &[1, 0]));
    client.feed(&bytes).unwrap();
    assert_eq!(client.received, b"one two");
    assert_eq!(client.steps, ["HandshakeComplete", "PeerClosed"]);
}
