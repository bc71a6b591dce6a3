//! Records of CBC suites that somebody has changed: whatever is wrong with one, there is one error and one alert
//! (RFC 5246 §6.2.3.2; RFC 7366 §3). That it takes one time as well is for `keyward-crypto`'s tests.

use std::sync::Arc;

use keyward_tls::{ClientConfig, Error, InvalidMessage, Policy, ServerConfig};
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{AlertDescription, CipherSuite, HandshakeType, ProtocolVersion};

use super::HandClient;
use super::flight::Flight;
use crate::support::{Duo, KeyAlgorithm, Site, Visitor};

/// A connection, with the record that the client's next data is in.
fn record(suite: CipherSuite, data: &[u8]) -> (Duo, Vec<u8>) {
    let policy = || Policy {
        versions: vec![ProtocolVersion::TLS12],
        cipher_suites: vec![suite],
        ..Policy::legacy()
    };
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = policy();
    let config = ClientConfig {
        policy: policy().into(),
        resumption: false,
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    let mut duo = Duo::with(&Arc::new(site), &visitor, config, ServerConfig::default());
    duo.handshake();
    duo.client.send(data).unwrap();
    let record = duo.client.output().to_vec();
    duo.client.consume_output(record.len());
    (duo, record)
}

/// What the server says to a record.
fn outcome(duo: &mut Duo, record: &[u8]) -> Result<(), Error> {
    assert_eq!(duo.server.receive(record), record.len());
    duo.step_server()
}

const SUITES: [CipherSuite; 2] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
];

/// Every byte of IV, ciphertext, padding and MAC.
#[test]
fn every_changed_byte_is_bad_record_mac() {
    for suite in SUITES {
        let (_, whole) = record(suite, b"some data");
        for at in 5..whole.len() {
            let (mut duo, mut record) = record(suite, b"some data");
            assert_eq!(record.len(), whole.len());
            record[at] ^= 0x80;
            let error = outcome(&mut duo, &record).unwrap_err();
            assert_eq!(error, Error::DecryptError, "{suite} {at}");
            assert_eq!(error.alert(), Some(AlertDescription::BAD_RECORD_MAC));
            assert!(duo.server_received.is_empty());
        }
        let (mut duo, record) = record(suite, b"some data");
        outcome(&mut duo, &record).unwrap();
        assert_eq!(duo.server_received, b"some data");
    }
}

/// A record cut, or one with blocks too many, is no other error.
#[test]
fn every_wrong_length_is_bad_record_mac() {
    for suite in SUITES {
        let (_, whole) = record(suite, b"some data");
        let body = whole.len() - 5;
        for length in (0..body).chain([body + 1, body + 16, body + 64]) {
            let (mut duo, mut record) = record(suite, b"some data");
            record.resize(5 + length, 0);
            let announced = u16::try_from(length).unwrap().to_be_bytes();
            record[3..5].copy_from_slice(&announced);
            let error = outcome(&mut duo, &record).unwrap_err();
            assert_eq!(error, Error::DecryptError, "{suite} {length}");
        }
    }
}

/// The same record twice, and one in the place of another.
#[test]
fn a_record_opens_once_and_in_its_place() {
    let (mut duo, record) = record(SUITES[0], b"some data");
    outcome(&mut duo, &record).unwrap();
    assert_eq!(outcome(&mut duo, &record), Err(Error::DecryptError));
}

/// Each record has an IV of its own, so two of the same content share no block.
#[test]
fn records_of_the_same_content_differ() {
    let (mut duo, first) = record(SUITES[0], &[7; 64]);
    duo.client.send(&[7; 64]).unwrap();
    let second = duo.client.output().to_vec();
    assert_eq!(first.len(), second.len());
    for (a, b) in first[5..].chunks(16).zip(second[5..].chunks(16)) {
        assert_ne!(a, b);
    }
}

/// RFC 5246 §6.2.1: "Zero-length fragments of Application data MAY be sent as they are potentially useful as a
/// traffic analysis countermeasure." Ours never are; a client's are taken, and a flood of them is not.
#[test]
fn empty_fragments_are_taken_up_to_a_bound() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.handshake();
    for _ in 0..32 {
        let record = client.sealed(keyward_wire::values::ContentType::APPLICATION_DATA, b"");
        client.feed(&record).unwrap();
    }
    client.echo();
}

/// RFC 5246 §6.2.3: "The length MUST NOT exceed 2^14 + 2048."
#[test]
fn a_record_that_announces_more_is_refused_before_it_is_opened() {
    let (mut duo, mut record) = record(SUITES[0], b"some data");
    let announced = u16::try_from((1 << 14) + 2049).unwrap().to_be_bytes();
    record[3..5].copy_from_slice(&announced);
    let error = outcome(&mut duo, &record).unwrap_err();
    assert_eq!(error, InvalidMessage::RecordTooLarge.into());
    assert_eq!(error.alert(), Some(AlertDescription::RECORD_OVERFLOW));
}

/// MAC-then-encrypt, which a client without the extension gets, is no different: its last flight, changed.
#[test]
fn mac_then_encrypt_has_the_same_error() {
    let (mut duo, _) = record(SUITES[0], b"");
    let mut fresh = Duo::with(
        &duo.site,
        &duo.visitor,
        ClientConfig {
            policy: duo.site.policy.clone().into(),
            resumption: false,
            ..ClientConfig::default()
        },
        ServerConfig::default(),
    );
    fresh.step_client().unwrap();
    let mut hello = Flight::take(&mut fresh.client);
    hello.edit(HandshakeType::CLIENT_HELLO, |hello: &mut ClientHello| {
        hello.extensions.encrypt_then_mac = false;
    });
    hello.give(&mut fresh.server);
    fresh.step_server().unwrap();
    Flight::take(&mut fresh.server).give(&mut fresh.client);
    fresh.step_client().unwrap();
    let mut flight = Flight::take(&mut fresh.client);
    // The two sides have other transcripts, so the Finished is wrong; but a changed record does not get
    // that far.
    let last = flight.rest.len() - 1;
    flight.rest[last] ^= 1;
    flight.give(&mut fresh.server);
    assert_eq!(fresh.step_server(), Err(Error::DecryptError));
    duo.echo();
}
