use std::sync::Arc;

use keyward_tls::{Error, InvalidMessage, Misuse, PeerMisbehaved};
use keyward_wire::handshake::{self, EcdhClientKeyExchange};
use keyward_wire::values::{AlertDescription, ContentType, HandshakeType};

use super::HandClient;
use super::hand_client::CHANGE_CIPHER_SPEC;
use crate::support::{KeyAlgorithm, Site};

fn client() -> HandClient {
    HandClient::new(&Arc::new(Site::new(&[KeyAlgorithm::P256])))
}

/// A client whose turn it is to send ClientKeyExchange.
fn after_first_flight() -> HandClient {
    let mut client = client();
    client.send_hello().unwrap();
    client.take_flight();
    client
}

fn unexpected(typ: HandshakeType) -> Error {
    PeerMisbehaved::UnexpectedHandshake(typ).into()
}

fn unexpected_record(content_type: ContentType) -> Error {
    PeerMisbehaved::UnexpectedRecord(content_type).into()
}

/// CVE-2014-0224.
#[test]
fn an_early_change_cipher_spec_is_refused() {
    let mut client = after_first_flight();
    let (content_type, content) = CHANGE_CIPHER_SPEC;
    let error = client.feed_plain(content_type, content).unwrap_err();
    assert_eq!(error, unexpected_record(ContentType::CHANGE_CIPHER_SPEC));
    assert_eq!(error.alert(), Some(AlertDescription::UNEXPECTED_MESSAGE));
}

/// Part of the next message in the ClientHello's record: it cannot be an answer to ours.
#[test]
fn handshake_data_behind_the_client_hello_is_refused() {
    let mut client = client();
    let mut hello = handshake::to_message(&client.hello);
    hello.extend([HandshakeType::CLIENT_KEY_EXCHANGE.0, 0]);
    let error = client
        .feed_plain(ContentType::HANDSHAKE, &hello)
        .unwrap_err();
    assert_eq!(error, PeerMisbehaved::HandshakeAcrossKeyChange.into());
    assert_eq!(error.alert(), Some(AlertDescription::UNEXPECTED_MESSAGE));
    let alert = vec![2, AlertDescription::UNEXPECTED_MESSAGE.0];
    assert_eq!(client.records(), [(ContentType::ALERT, alert)]);
}

#[test]
fn a_second_change_cipher_spec_is_refused() {
    let mut client = after_first_flight();
    let exchange = client.client_key_exchange();
    client
        .feed_plain(ContentType::HANDSHAKE, &exchange)
        .unwrap();
    let bytes = client.change_cipher_spec();
    client.feed(&bytes).unwrap();
    let record = client.sealed(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    let error = client.feed(&record).unwrap_err();
    assert_eq!(error, unexpected_record(ContentType::CHANGE_CIPHER_SPEC));
}

#[test]
fn a_change_cipher_spec_after_the_handshake_is_refused() {
    let mut client = client();
    client.handshake();
    let record = client.sealed(ContentType::CHANGE_CIPHER_SPEC, &[1]);
    let error = client.feed(&record).unwrap_err();
    assert_eq!(error, unexpected_record(ContentType::CHANGE_CIPHER_SPEC));
}

#[test]
fn a_finished_without_change_cipher_spec_is_refused() {
    let mut client = after_first_flight();
    let exchange = client.client_key_exchange();
    let finished = client.finished();
    let both = [exchange, finished].concat();
    let error = client
        .feed_plain(ContentType::HANDSHAKE, &both)
        .unwrap_err();
    assert_eq!(error, unexpected(HandshakeType::FINISHED));
}

#[test]
fn a_message_cut_by_the_change_cipher_spec_is_refused() {
    let mut client = after_first_flight();
    let mut exchange = client.client_key_exchange();
    exchange.extend([20, 0]);
    client
        .feed_plain(ContentType::HANDSHAKE, &exchange)
        .unwrap();
    let bytes = client.change_cipher_spec();
    let error = client.feed(&bytes).unwrap_err();
    assert_eq!(error, PeerMisbehaved::InterleavedHandshake.into());
}

#[test]
fn a_wrong_finished_is_refused() {
    let mut client = after_first_flight();
    let exchange = client.client_key_exchange();
    let mut bytes = HandClient::plain(ContentType::HANDSHAKE, &exchange);
    bytes.extend(client.change_cipher_spec());
    let mut finished = client.finished();
    *finished.last_mut().unwrap() ^= 1;
    bytes.extend(client.sealed(ContentType::HANDSHAKE, &finished));
    let error = client.feed(&bytes).unwrap_err();
    assert_eq!(error, PeerMisbehaved::BadFinished.into());
    assert_eq!(error.alert(), Some(AlertDescription::DECRYPT_ERROR));
    assert!(client.steps.is_empty());
}

#[test]
fn data_before_the_finished_is_refused() {
    let mut client = after_first_flight();
    let exchange = client.client_key_exchange();
    let mut bytes = HandClient::plain(ContentType::HANDSHAKE, &exchange);
    bytes.extend(client.change_cipher_spec());
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"early"));
    let error = client.feed(&bytes).unwrap_err();
    assert_eq!(error, unexpected_record(ContentType::APPLICATION_DATA));
}

#[test]
fn a_message_in_the_place_of_client_key_exchange_is_refused() {
    for typ in [
        HandshakeType::CLIENT_HELLO,
        HandshakeType::CERTIFICATE,
        HandshakeType::CERTIFICATE_VERIFY,
        HandshakeType::FINISHED,
        HandshakeType::KEY_UPDATE,
    ] {
        let mut client = after_first_flight();
        let error = client
            .feed_plain(ContentType::HANDSHAKE, &[typ.0, 0, 0, 0])
            .unwrap_err();
        assert_eq!(error, unexpected(typ));
    }
}

#[test]
fn a_share_that_is_no_point_is_refused() {
    for public in [vec![0; 32], vec![9; 31], vec![9; 33]] {
        let mut client = after_first_flight();
        let exchange = handshake::to_message(&EcdhClientKeyExchange { public });
        let error = client
            .feed_plain(ContentType::HANDSHAKE, &exchange)
            .unwrap_err();
        assert_eq!(error, PeerMisbehaved::BadKeyShare.into());
        assert_eq!(error.alert(), Some(AlertDescription::ILLEGAL_PARAMETER));
    }
}

#[test]
fn a_client_key_exchange_that_does_not_parse_is_refused() {
    let mut client = after_first_flight();
    let error = client
        .feed_plain(ContentType::HANDSHAKE, &[16, 0, 0, 2, 32, 0])
        .unwrap_err();
    assert_eq!(error.alert(), Some(AlertDescription::DECODE_ERROR));
}

#[test]
fn a_record_that_was_changed_is_refused() {
    let mut client = client();
    client.handshake();
    let mut record = client.sealed(ContentType::APPLICATION_DATA, b"request");
    *record.last_mut().unwrap() ^= 1;
    let error = client.feed(&record).unwrap_err();
    assert_eq!(error, Error::DecryptError);
    assert!(client.received.is_empty());
}

/// RFC 5246 §6.2: 2^14 bytes of plaintext, and 2048 more where it is encrypted.
#[test]
fn records_beyond_the_limits() {
    let too_large = |length: u16| {
        let mut header = vec![23, 3, 3];
        header.extend(length.to_be_bytes());
        header
    };
    let mut client = client();
    client.handshake();
    client.feed(&too_large(16384 + 2048)).unwrap();
    let mut client = self::client();
    client.handshake();
    let error = client.feed(&too_large(16384 + 2049)).unwrap_err();
    assert_eq!(error, InvalidMessage::RecordTooLarge.into());
    assert_eq!(error.alert(), Some(AlertDescription::RECORD_OVERFLOW));

    let mut client = self::client();
    client.handshake();
    let record = client.sealed(ContentType::APPLICATION_DATA, &[7; 16384]);
    client.feed(&record).unwrap();
    assert_eq!(client.received.len(), 16384);
    let record = client.sealed(ContentType::APPLICATION_DATA, &[7; 16385]);
    let error = client.feed(&record).unwrap_err();
    assert_eq!(error, InvalidMessage::PlaintextTooLarge.into());
    assert_eq!(error.alert(), Some(AlertDescription::RECORD_OVERFLOW));
    assert_eq!(client.received.len(), 16384);
}

#[test]
fn a_key_update_is_no_message_of_tls12() {
    let mut client = client();
    client.handshake();
    assert_eq!(client.server.update_keys(false), Err(Misuse::NoKeyUpdate));
    client.echo();
    let record = client.sealed(ContentType::HANDSHAKE, &[24, 0, 0, 1, 0]);
    assert_eq!(
        client.feed(&record).unwrap_err(),
        unexpected(HandshakeType::KEY_UPDATE)
    );
}

/// Whatever byte of the client's second flight changes on its way, the handshake does not complete.
#[test]
fn no_changed_byte_goes_unnoticed() {
    let exchange = after_first_flight().client_key_exchange();
    // The version of a record without protection says nothing (RFC 9846 §5.1): the ClientKeyExchange's
    // and the change_cipher_spec's. The major one tells TLS from noise in the first record alone.
    let second = 5 + exchange.len();
    let ignored = [1, 2, second + 1, second + 2];

    let length = after_first_flight().second_flight().len();
    for at in 0..length {
        let mut client = after_first_flight();
        let mut bytes = client.second_flight();
        bytes[at] ^= 1;
        let outcome = client.feed(&bytes);
        let complete = outcome.is_ok() && client.server.is_handshake_complete();
        assert_eq!(complete, ignored.contains(&at), "byte {at}: {outcome:?}");
    }
}
