//! Bytes that are no TLS, or too much of it.

use std::sync::Arc;

use keyward_tls::{Error, InvalidMessage, Limits, ServerConfig};
use keyward_wire::values::{ContentType, HandshakeType};
use proptest::prelude::*;

use crate::support::{HandClient, KeyAlgorithm, Site};

fn client() -> HandClient {
    HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])))
}

#[test]
fn another_protocol_is_told_by_its_first_bytes() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"S",
        b"\x16\x02",
        b"\x80\x2e\x01\x03\x01",
        b"PROXY TCP4 192.0.2.1",
    ] {
        let mut client = client();
        assert_eq!(client.feed(bytes), Err(InvalidMessage::NotTls.into()));
        assert_eq!(client.records(), [(ContentType::ALERT, vec![2, 70])]);
    }
}

#[test]
fn half_a_record_waits() {
    let mut client = client();
    let hello = client.client_hello();
    let record = HandClient::plain(ContentType::HANDSHAKE, &hello);
    for byte in &record[..record.len() - 1] {
        client.feed(&[*byte]).unwrap();
        assert_eq!(client.records(), []);
    }
    client.feed(&record[record.len() - 1..]).unwrap();
    client.take_server_hello();
    client.take_flight();
}

/// 16 MiB are announced in four bytes, and refused by them.
#[test]
fn a_handshake_message_of_16_mib_is_refused_by_its_header() {
    for length in [[0xff, 0xff, 0xff], [0x01, 0x00, 0x01]] {
        let mut client = client();
        let header = [&[1][..], &length].concat();
        let record = HandClient::plain(ContentType::HANDSHAKE, &header);
        let typ = HandshakeType::CLIENT_HELLO;
        assert_eq!(
            client.feed(&record),
            Err(InvalidMessage::HandshakeMessageTooLarge(typ).into())
        );
        assert_eq!(client.records(), [(ContentType::ALERT, vec![2, 47])]);
    }
}

#[test]
fn a_message_as_large_as_allowed_is_taken() {
    let limit = 20_000;
    let config = ServerConfig {
        limits: Limits {
            handshake_message: limit,
            ..Limits::default()
        },
        ..ServerConfig::default()
    };
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    for (excess, fits) in [(0, true), (1, false)] {
        let mut client = HandClient::with_config(&site, config.clone());
        let now = client.client_hello().len() - 4;
        client.messages.clear();
        let padding = limit - now - 4 + excess;
        client.hello.extensions.unknown = vec![(21.into(), vec![0; padding])];
        let hello = client.client_hello();
        assert_eq!(hello.len() - 4, limit + excess);
        let records: Vec<u8> = hello
            .chunks(16384)
            .flat_map(|piece| HandClient::plain(ContentType::HANDSHAKE, piece))
            .collect();
        assert_eq!(client.feed(&records).is_ok(), fits);
    }
}

#[test]
fn a_hello_cut_short_does_not_parse() {
    let mut client = client();
    let mut hello = client.client_hello();
    hello.pop();
    let length = u16::try_from(hello.len() - 4).unwrap().to_be_bytes();
    hello[2..4].copy_from_slice(&length);
    let record = HandClient::plain(ContentType::HANDSHAKE, &hello);
    assert!(matches!(
        client.feed(&record),
        Err(Error::InvalidMessage(InvalidMessage::Handshake(
            HandshakeType::CLIENT_HELLO,
            _
        )))
    ));
    assert_eq!(client.records(), [(ContentType::ALERT, vec![2, 50])]);
}

proptest! {
    /// Nothing that is sent makes the engine panic, or say more than an alert to noise.
    #[test]
    fn garbage(bytes in proptest::collection::vec(any::<u8>(), 0..2000), prefix in 0_usize..4) {
        let prefix: &[u8] = [&b""[..], &[22, 3, 1], &[22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3], &[21, 3, 3]][prefix];
        let mut client = client();
        let _ = client.feed(&[prefix, &bytes].concat());
        client.server.receive_eof();
        let _ = client.step();
        prop_assert!(client.records().len() <= 1);
    }

    /// A ClientHello with any byte changed is answered or refused, and nothing else.
    #[test]
    fn a_changed_hello(at in 0_usize..200, bit in 0_u8..8) {
        let mut client = client();
        let mut hello = client.client_hello();
        let at = at % hello.len();
        hello[at] ^= 1 << bit;
        let record = HandClient::plain(ContentType::HANDSHAKE, &hello);
        let outcome = client.feed(&record);
        client.server.receive_eof();
        let _ = client.step();
        if let Err(error) = outcome {
            prop_assert!(error.alert().is_some(), "{error}");
        }
    }

    /// What comes encrypted and is changed in any bit, does not get through.
    #[test]
    fn a_changed_record(at in 0_usize..60, bit in 0_u8..8) {
        let mut client = client();
        client.handshake();
        let mut record = client.sealed(ContentType::APPLICATION_DATA, &[7; 30]);
        let at = at % record.len();
        record[at] ^= 1 << bit;
        let outcome = client.feed(&record);
        client.server.receive_eof();
        let after = client.step();
        prop_assert!(client.received.is_empty());
        prop_assert!(outcome.is_err() || after.is_err());
    }
}
