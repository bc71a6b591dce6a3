//! Early data is refused, and skipped up to a bound (RFC 9846 §4.3.10).

use std::sync::Arc;

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_tls::{Error, Limits, PeerMisbehaved, ServerConfig};
use keyward_wire::extensions::KeyShareEntry;
use keyward_wire::record::HEADER_LEN;
use keyward_wire::values::{ContentType, NamedGroup};

use crate::support::{HandClient, KeyAlgorithm, Site};

const BOUND: usize = 1000;

fn client() -> HandClient {
    let config = ServerConfig {
        limits: Limits {
            skipped_early_data: BOUND,
            ..Limits::default()
        },
        ..ServerConfig::default()
    };
    let mut client = HandClient::with_config(&Arc::new(Site::new(&[KeyAlgorithm::P256])), config);
    client.hello.extensions.early_data = true;
    client
}

/// Early data as the server sees it: protected with a key that it does not have.
fn early_data(length: usize) -> Vec<u8> {
    HandClient::plain(ContentType::APPLICATION_DATA, &vec![0xed; length])
}

fn finish(client: &mut HandClient) {
    let finished = client.finished();
    let record = client.sealed(ContentType::HANDSHAKE, &finished);
    client.use_application_keys();
    client.feed(&record).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete"]);
    assert!(client.received.is_empty(), "no byte of it is data");
}

#[test]
fn it_is_skipped() {
    let mut client = client();
    client.hello_and_keys();
    for _ in 0..2 {
        client.feed(&early_data(BOUND / 2 - HEADER_LEN)).unwrap();
    }
    finish(&mut client);
    let record = client.sealed(ContentType::APPLICATION_DATA, b"data");
    client.feed(&record).unwrap();
    assert_eq!(client.received, b"data");
}

#[test]
fn it_is_skipped_up_to_the_bound() {
    let mut client = client();
    client.hello_and_keys();
    client.feed(&early_data(BOUND - HEADER_LEN)).unwrap();
    assert_eq!(
        client.feed(&early_data(17)),
        Err(Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyData))
    );
}

/// Records without content cost the client little, and count nevertheless.
#[test]
fn empty_records_are_skipped_up_to_the_bound() {
    let mut client = client();
    client.hello_and_keys();
    for _ in 0..BOUND / HEADER_LEN {
        client.feed(&early_data(0)).unwrap();
    }
    assert_eq!(
        client.feed(&early_data(0)),
        Err(Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyData))
    );
}

#[test]
fn nothing_is_skipped_for_who_did_not_offer_it_or_has_sent_the_finished() {
    let mut client = client();
    client.hello.extensions.early_data = false;
    client.hello_and_keys();
    assert_eq!(client.feed(&early_data(100)), Err(Error::DecryptError));

    let mut client = self::client();
    client.hello_and_keys();
    finish(&mut client);
    assert_eq!(client.feed(&early_data(100)), Err(Error::DecryptError));
}

#[test]
fn it_is_skipped_before_the_second_hello() {
    let mut client = client();
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.groups = vec![NamedGroup::SECP256R1];
    client.site = Arc::new(site);
    client.hello.extensions.supported_groups =
        Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]);
    client.send_hello().unwrap();
    assert!(client.take_server_hello().is_hello_retry_request());
    client.feed(&early_data(BOUND - HEADER_LEN)).unwrap();

    let key_pair = KeyPair::generate(Group::Secp256r1).unwrap();
    client.hello.extensions.early_data = false;
    client.hello.extensions.key_share = Some(vec![KeyShareEntry {
        group: NamedGroup::SECP256R1,
        key_exchange: key_pair.public().to_vec(),
    }]);
    client.use_key_pair(key_pair);
    client.records();
    client.hello_and_keys();
    assert_eq!(
        client.feed(&early_data(100)),
        Err(Error::DecryptError),
        "the second hello ends it"
    );
}
