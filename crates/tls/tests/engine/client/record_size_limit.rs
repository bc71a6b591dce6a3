//! `record_size_limit` (RFC 8449), the server's and ours.

use keyward_tls::{ClientConfig, InvalidMessage};
use keyward_wire::handshake::EncryptedExtensions;
use keyward_wire::values::{AlertDescription, ContentType};

use crate::support::HandServer;

/// A connection to a server that takes 64 bytes and gets to know that we take 100.
fn connected() -> HandServer {
    let mut server = HandServer::new(ClientConfig {
        record_size_limit: Some(100),
        ..ClientConfig::default()
    });
    assert_eq!(server.hello.extensions.record_size_limit, Some(100));
    let hello = server.server_hello();
    server.send_server_hello(&hello).unwrap();
    server
        .send_in_pieces(
            &EncryptedExtensions {
                record_size_limit: Some(64),
                ..EncryptedExtensions::default()
            },
            99,
        )
        .unwrap();
    let certificate = server.certificate();
    server.send_in_pieces(&certificate, 99).unwrap();
    let verify = server.certificate_verify();
    server.send_in_pieces(&verify, 99).unwrap();
    server.finish().unwrap();
    server.take_client_finished();
    server
}

/// RFC 8449 §4: "When the "record_size_limit" extension is negotiated, an endpoint MUST NOT generate a protected
/// record with plaintext that is larger than the RecordSizeLimit value it receives from its peer."
#[test]
fn we_keep_to_the_servers() {
    let mut server = connected();
    server.client.send(&[7; 200]).unwrap();
    let lengths: Vec<_> = server
        .records()
        .into_iter()
        .map(|(_, content)| content.len())
        .collect();
    assert_eq!(lengths, [63, 63, 63, 11], "the content type counts");
}

/// RFC 8449 §4: "A TLS endpoint that receives a record larger than its advertised limit MUST generate a fatal
/// "record_overflow" alert".
#[test]
fn the_server_has_to_keep_to_ours() {
    let mut server = connected();
    let record = server.sealed(ContentType::APPLICATION_DATA, &[1; 99]);
    server.feed(&record).unwrap();
    assert_eq!(server.received, [1; 99]);
    let record = server.sealed(ContentType::APPLICATION_DATA, &[1; 100]);
    let outcome = server.feed(&record);
    server.refused(
        outcome,
        InvalidMessage::PlaintextTooLarge,
        AlertDescription::RECORD_OVERFLOW,
    );
}

/// A server that does not know the extension has no limit to keep to.
#[test]
fn without_an_answer_there_is_no_limit() {
    let mut server = HandServer::new(ClientConfig {
        record_size_limit: Some(100),
        ..ClientConfig::default()
    });
    server.handshake();
    let record = server.sealed(ContentType::APPLICATION_DATA, &[1; 5000]);
    server.feed(&record).unwrap();
    assert_eq!(server.received.len(), 5000);
}
