//! A client by hand that breaks the rules, one at a time.

use std::sync::Arc;

use keyward_tls::{Error, InvalidMessage, PeerIncompatible, PeerMisbehaved, Policy};
use keyward_wire::handshake;
use keyward_wire::values::{
    CipherSuite, CompressionMethod, ContentType, HandshakeType, NamedGroup, ProtocolVersion,
};

use crate::support::{HandClient, KeyAlgorithm, Site};

fn client() -> HandClient {
    HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])))
}

/// The last thing the client sees is this alert.
#[track_caller]
fn assert_alert(client: &mut HandClient, description: u8) {
    let last = client.records().pop().expect("there is an alert");
    assert_eq!(last, (ContentType::ALERT, vec![2, description]));
}

#[track_caller]
fn refused(client: &mut HandClient, bytes: &[u8], error: impl Into<Error>, alert: u8) {
    assert_eq!(client.feed(bytes), Err(error.into()));
    assert_alert(client, alert);
}

#[test]
fn hellos_that_lack_or_contradict_something() {
    type Change = fn(&mut HandClient);
    let cases: [(Change, Error, u8); 10] = [
        (
            |client| client.hello.legacy_version = ProtocolVersion::SSL30,
            PeerMisbehaved::LegacyVersion.into(),
            70,
        ),
        (
            |client| client.hello.legacy_version = ProtocolVersion::TLS13,
            PeerMisbehaved::LegacyVersion.into(),
            70,
        ),
        (
            |client| {
                client.hello.compression_methods =
                    vec![CompressionMethod(1), CompressionMethod::NULL];
            },
            PeerMisbehaved::Compression.into(),
            47,
        ),
        (
            |client| client.hello.extensions.supported_groups = None,
            PeerIncompatible::MissingSupportedGroups.into(),
            109,
        ),
        (
            |client| client.hello.extensions.key_share = None,
            PeerIncompatible::MissingKeyShare.into(),
            109,
        ),
        (
            |client| client.hello.extensions.supported_groups = Some(vec![NamedGroup::SECP256R1]),
            PeerMisbehaved::KeyShareWithoutGroup.into(),
            47,
        ),
        (
            |client| {
                client.hello.extensions.key_share.as_mut().unwrap()[0]
                    .key_exchange
                    .truncate(31);
            },
            PeerMisbehaved::BadKeyShare.into(),
            47,
        ),
        (
            |client| {
                client.hello.extensions.key_share.as_mut().unwrap()[0]
                    .key_exchange
                    .fill(0);
            },
            PeerMisbehaved::BadKeyShare.into(),
            47,
        ),
        (
            |client| client.hello.cipher_suites = vec![CipherSuite(0x1304)],
            PeerIncompatible::NoCipherSuite.into(),
            40,
        ),
        (
            |client| {
                let versions = vec![ProtocolVersion(0x0304 + 1), ProtocolVersion(0x0302)];
                client.hello.extensions.supported_versions = Some(versions);
            },
            PeerIncompatible::NoVersion.into(),
            70,
        ),
    ];
    for (change, error, alert) in cases {
        let mut client = client();
        change(&mut client);
        assert_eq!(client.send_hello(), Err(error));
        assert_alert(&mut client, alert);
    }
}

#[test]
fn a_version_that_the_policy_does_not_have() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = Policy::modern();
    let mut client = HandClient::new(&Arc::new(site));
    client.hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS12]);
    assert_eq!(client.send_hello(), Err(PeerIncompatible::NoVersion.into()));
    assert_alert(&mut client, 70);
}

#[test]
fn a_fallback_that_was_not_needed() {
    let mut client = client();
    client.hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS12]);
    client
        .hello
        .cipher_suites
        .push(CipherSuite::TLS_FALLBACK_SCSV);
    assert_eq!(
        client.send_hello(),
        Err(PeerMisbehaved::InappropriateFallback.into())
    );
    assert_alert(&mut client, 86);
}

#[test]
fn a_wrong_finished() {
    let mut client = client();
    client.hello_and_keys();
    let mut finished = client.finished();
    *finished.last_mut().unwrap() ^= 1;
    let record = client.sealed(ContentType::HANDSHAKE, &finished);
    refused(&mut client, &record, PeerMisbehaved::BadFinished, 51);
    assert!(!client.server.is_handshake_complete());
}

#[test]
fn plaintext_after_encryption_began() {
    let mut client = client();
    client.hello_and_keys();
    let finished = client.finished();
    let record = HandClient::plain(ContentType::HANDSHAKE, &finished);
    refused(&mut client, &record, PeerMisbehaved::PlaintextRecord, 10);

    let mut client = self::client();
    client.handshake();
    let alert = HandClient::plain(ContentType::ALERT, &[1, 0]);
    refused(&mut client, &alert, PeerMisbehaved::PlaintextRecord, 10);
}

#[test]
fn data_before_the_finished() {
    let mut client = client();
    client.hello_and_keys();
    let record = client.sealed(ContentType::APPLICATION_DATA, b"GET /");
    let error = PeerMisbehaved::UnexpectedRecord(ContentType::APPLICATION_DATA);
    refused(&mut client, &record, error, 10);
    assert!(client.received.is_empty());
}

#[test]
fn a_message_out_of_order() {
    let mut client = client();
    let finished = [20, 0, 0, 32]
        .into_iter()
        .chain([0; 32])
        .collect::<Vec<_>>();
    let record = HandClient::plain(ContentType::HANDSHAKE, &finished);
    let error = PeerMisbehaved::UnexpectedHandshake(HandshakeType::FINISHED);
    refused(&mut client, &record, error, 10);
}

#[test]
fn a_handshake_message_across_the_change_of_keys() {
    // Behind the ClientHello, in the same record.
    let mut client = client();
    let mut message = client.client_hello();
    message.push(20);
    let record = HandClient::plain(ContentType::HANDSHAKE, &message);
    refused(
        &mut client,
        &record,
        PeerMisbehaved::HandshakeAcrossKeyChange,
        10,
    );

    // Behind the Finished.
    let mut client = self::client();
    client.hello_and_keys();
    let mut message = client.finished();
    message.push(24);
    let record = client.sealed(ContentType::HANDSHAKE, &message);
    refused(
        &mut client,
        &record,
        PeerMisbehaved::HandshakeAcrossKeyChange,
        10,
    );
}

#[test]
fn a_record_between_the_pieces_of_a_message() {
    let mut client = client();
    client.handshake();
    let piece = client.sealed(ContentType::HANDSHAKE, &[24, 0]);
    client.feed(&piece).unwrap();
    let data = client.sealed(ContentType::APPLICATION_DATA, b"data");
    refused(&mut client, &data, PeerMisbehaved::InterleavedHandshake, 10);
}

#[test]
fn empty_handshake_and_alert_records() {
    for content_type in [ContentType::HANDSHAKE, ContentType::ALERT] {
        let mut client = client();
        let record = HandClient::plain(content_type, b"");
        refused(&mut client, &record, PeerMisbehaved::EmptyRecord, 10);

        let mut client = self::client();
        client.handshake();
        let record = client.sealed(content_type, b"");
        refused(&mut client, &record, PeerMisbehaved::EmptyRecord, 10);
    }
}

#[test]
fn alerts_that_are_not_two_bytes() {
    for content in [&[1][..], &[1, 0, 1], &[1, 0, 1, 0]] {
        let mut client = client();
        client.handshake();
        let record = client.sealed(ContentType::ALERT, content);
        refused(&mut client, &record, InvalidMessage::Alert, 50);
    }
}

#[test]
fn change_cipher_spec_where_it_has_no_place() {
    let unexpected = PeerMisbehaved::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC);
    let record = HandClient::plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);

    let mut client = client();
    refused(&mut client, &record, unexpected.clone(), 10);

    let mut client = self::client();
    client.handshake();
    refused(&mut client, &record, unexpected.clone(), 10);

    let mut client = self::client();
    client.hello_and_keys();
    let sealed = client.sealed(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    refused(&mut client, &sealed, unexpected, 10);

    for content in [&[0][..], &[1, 1], &[2]] {
        let mut client = self::client();
        client.hello_and_keys();
        let record = HandClient::plain(ContentType::CHANGE_CIPHER_SPEC, content);
        refused(&mut client, &record, InvalidMessage::ChangeCipherSpec, 10);
    }
}

/// RFC 9846 §4.7: what a client may send after the handshake is KeyUpdate.
#[test]
fn post_handshake_messages_that_are_not_a_clients_to_send() {
    for typ in [
        HandshakeType::CLIENT_HELLO,
        HandshakeType::NEW_SESSION_TICKET,
        HandshakeType::END_OF_EARLY_DATA,
        HandshakeType::CERTIFICATE_REQUEST,
        HandshakeType::CERTIFICATE,
        HandshakeType::FINISHED,
        HandshakeType(99),
    ] {
        let mut client = client();
        client.handshake();
        let record = client.sealed(ContentType::HANDSHAKE, &[typ.0, 0, 0, 0]);
        refused(
            &mut client,
            &record,
            PeerMisbehaved::UnexpectedHandshake(typ),
            10,
        );
    }
}

#[test]
fn records_that_were_tampered_with() {
    let mut client = client();
    client.handshake();
    let mut record = client.sealed(ContentType::APPLICATION_DATA, b"data");
    *record.last_mut().unwrap() ^= 1;
    refused(&mut client, &record, Error::DecryptError, 20);
    assert!(client.received.is_empty());
}

#[test]
fn records_beyond_the_limits() {
    let mut client = client();
    client.handshake();
    let record = client.sealed_inner(&[vec![1; 16385], vec![23]].concat());
    refused(&mut client, &record, InvalidMessage::PlaintextTooLarge, 22);

    let mut client = self::client();
    client.handshake();
    let header = [23, 3, 3, 0x41, 0x01];
    refused(&mut client, &header, InvalidMessage::RecordTooLarge, 22);

    let mut client = self::client();
    let header = [22, 3, 1, 0x40, 0x01];
    refused(&mut client, &header, InvalidMessage::RecordTooLarge, 22);

    let mut client = self::client();
    client.handshake();
    let record = client.sealed_inner(&[0; 10]);
    refused(&mut client, &record, InvalidMessage::NoContentType, 10);
}

#[test]
fn content_types_that_do_not_exist() {
    let mut client = client();
    client.handshake();
    let record = client.sealed(ContentType(24), b"heartbeat");
    let error = PeerMisbehaved::UnexpectedRecord(ContentType(24));
    refused(&mut client, &record, error, 10);
}

/// RFC 9846 §6: what "cannot be parsed according to the syntax (e.g., have a length extending beyond the message boundary
/// or contain an out-of-range length)" is answered with a "decode_error" alert.
#[test]
fn messages_with_a_byte_too_many_or_too_few() {
    type Change = fn(&mut Vec<u8>);
    let changes: [Change; 2] = [|body| body.push(0), |body| body.truncate(body.len() - 1)];
    for change in changes {
        let altered = |message: &[u8]| {
            let mut body = message[4..].to_vec();
            change(&mut body);
            handshake::frame(HandshakeType(message[0]), &body[..])
        };
        let mut client = client();
        let hello = altered(&client.client_hello());
        let outcome = client.feed(&HandClient::plain(ContentType::HANDSHAKE, &hello));
        assert!(
            matches!(outcome, Err(Error::InvalidMessage(_))),
            "{outcome:?}"
        );
        assert_alert(&mut client, 50);

        let mut client = self::client();
        client.handshake();
        let update = altered(&[24, 0, 0, 1, 0]);
        let record = client.sealed(ContentType::HANDSHAKE, &update);
        let outcome = client.feed(&record);
        assert!(
            matches!(outcome, Err(Error::InvalidMessage(_))),
            "{outcome:?}"
        );
        assert_alert(&mut client, 50);
    }
}

/// RFC 9846 §5.2: "If the decryption fails, the receiver MUST terminate the connection with a "bad_record_mac" alert."
#[test]
fn records_too_short_for_a_tag() {
    for length in 0..=16_u8 {
        let mut client = client();
        client.handshake();
        let record = [&[23, 3, 3, 0, length][..], &vec![0; length.into()]].concat();
        refused(&mut client, &record, Error::DecryptError, 20);
    }
}

/// RFC 9846 §5.1: legacy_record_version "MUST be ignored for all purposes."
#[test]
fn the_version_of_a_record_says_nothing() {
    for minor in [0, 1, 2, 4, 0xff] {
        let mut client = client();
        let hello = client.client_hello();
        let mut record = HandClient::plain(ContentType::HANDSHAKE, &hello);
        record[2] = minor;
        client.feed(&record).unwrap();
        client.take_server_hello();
        client.take_flight();
        let mut bytes = HandClient::plain(ContentType::CHANGE_CIPHER_SPEC, &[1]);
        bytes[2] = minor;
        let finished = client.finished();
        bytes.extend(client.sealed(ContentType::HANDSHAKE, &finished));
        client.feed(&bytes).unwrap();
        assert!(client.server.is_handshake_complete());
    }
}
