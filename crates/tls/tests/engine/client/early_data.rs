//! Early data (RFC 9846 §2.3): sent behind the ClientHello, accepted or rejected.

use std::sync::Arc;

use keyward_tls::{
    ClientConfig, EarlyDataStatus, Error, NoEarlyData, PeerMisbehaved, ServerConfig,
};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::{NewSessionTicketExtensions, ServerHelloExtensions};
use keyward_wire::handshake::{
    ClientHello, EncryptedExtensions, NewSessionTicketTls13, ServerHello,
};
use keyward_wire::values::{
    AlertDescription, CipherSuite, ContentType, ExtensionType, HandshakeType, NamedGroup,
};

use crate::support::{Duo, HandServer, KeyAlgorithm, Site, Visitor};

fn config() -> ClientConfig {
    ClientConfig {
        early_data: true,
        alpn: vec![b"h2".to_vec(), b"h3".to_vec()],
        ..ClientConfig::default()
    }
}

/// A server by hand to which a client offers early data, at most 100 bytes of it.
fn offered() -> HandServer {
    let visitor = Arc::new(Visitor::default());
    let mut first = HandServer::with(config(), &visitor);
    let hello = first.server_hello();
    first.send_server_hello(&hello).unwrap();
    first
        .send(&EncryptedExtensions {
            alpn: Some(b"h2".to_vec()),
            ..EncryptedExtensions::default()
        })
        .unwrap();
    first.authenticate();
    first.finish().unwrap();
    first.take_client_finished();
    let psk = first.resumption_psk(&[9]);
    first
        .send(&NewSessionTicketTls13 {
            ticket_lifetime: 1000,
            ticket_age_add: 1,
            ticket_nonce: vec![9],
            ticket: vec![0x71],
            extensions: NewSessionTicketExtensions {
                max_early_data_size: Some(100),
                ..NewSessionTicketExtensions::default()
            },
        })
        .unwrap();
    let mut server = HandServer::with(config(), &visitor);
    assert!(server.hello.extensions.early_data);
    server.psk = Some(psk);
    // RFC 9846 §E.4: "If offering early data, the record is placed immediately after the first ClientHello."
    assert_eq!(
        server.next_record(),
        Some((ContentType::CHANGE_CIPHER_SPEC, vec![1]))
    );
    server
}

fn accepting() -> EncryptedExtensions {
    EncryptedExtensions {
        alpn: Some(b"h2".to_vec()),
        early_data: true,
        ..EncryptedExtensions::default()
    }
}

#[test]
fn early_data_is_sent_and_ended() {
    let mut server = offered();
    assert_eq!(server.client.early_data_capacity(), 100);
    assert_eq!(server.client.send_early(&[1; 60]).unwrap(), 60);
    server.use_early_keys();
    assert_eq!(
        server.records(),
        [(ContentType::APPLICATION_DATA, vec![1; 60])]
    );
    let hello = server.server_hello();
    server.send_plain(&hello).unwrap();
    // "Clients are permitted to "stream" 0-RTT data until they receive the server's Finished" (RFC 9846
    // §4.3.11.3), and no more than the session allows.
    assert_eq!(server.client.send_early(&[2; 60]).unwrap(), 40);
    assert_eq!(server.client.send_early(&[3; 60]).unwrap(), 0);
    assert_eq!(
        server.records(),
        [(ContentType::APPLICATION_DATA, vec![2; 40])]
    );
    server.make_write_keys();
    server.send(&accepting()).unwrap();
    server.finish().unwrap();
    assert_eq!(
        server.next_record(),
        Some((ContentType::HANDSHAKE, vec![5, 0, 0, 0])),
        "EndOfEarlyData, with the early keys"
    );

    server.use_client_handshake_keys();
    assert_eq!(
        server.take_client_finished_behind(&[5, 0, 0, 0]),
        [HandshakeType::FINISHED]
    );
    let negotiated = server.client.negotiated().unwrap();
    assert_eq!(negotiated.early_data, EarlyDataStatus::Accepted);
    assert_eq!(negotiated.no_early_data, None);
    assert_eq!(server.client.early_data_capacity(), 0);
    server.client.send(b"late").unwrap();
    assert_eq!(
        server.records(),
        [(ContentType::APPLICATION_DATA, b"late".to_vec())]
    );
}

/// RFC 9846 §4.6: "If the server does not send an "early_data" extension in EncryptedExtensions, then the client
/// MUST NOT send an EndOfEarlyData message."
#[test]
fn a_server_may_resume_and_reject() {
    let mut server = offered();
    server.client.send_early(b"early").unwrap();
    server.use_early_keys();
    server.records();
    let hello = server.server_hello();
    server.send_server_hello(&hello).unwrap();
    server.send(&EncryptedExtensions::default()).unwrap();
    assert_eq!(server.client.early_data_capacity(), 0);
    assert_eq!(server.client.send_early(b"more").unwrap(), 0);
    server.finish().unwrap();
    assert_eq!(server.take_client_finished(), [HandshakeType::FINISHED]);
    let negotiated = server.client.negotiated().unwrap();
    assert_eq!(negotiated.early_data, EarlyDataStatus::Rejected);
    assert_eq!(negotiated.no_early_data, Some(NoEarlyData::Declined));
    assert!(negotiated.resumed);
}

#[test]
fn a_server_may_decline_the_session() {
    let mut server = offered();
    server.client.send_early(b"early").unwrap();
    server.use_early_keys();
    server.records();
    server.psk = None;
    server.begin();
    server.authenticate();
    server.finish().unwrap();
    server.take_client_finished();
    let negotiated = server.client.negotiated().unwrap();
    assert_eq!(negotiated.early_data, EarlyDataStatus::Rejected);
    assert_eq!(
        negotiated.no_early_data,
        Some(NoEarlyData::SessionNotResumed)
    );
    assert!(!negotiated.resumed);
}

/// RFC 9846 §4.3.10: "A client MUST NOT include the "early_data" extension in its followup ClientHello."
#[test]
fn a_server_may_ask_for_another_client_hello() {
    let mut server = offered();
    server.client.send_early(b"early").unwrap();
    server.use_early_keys();
    server.records();
    server.stop_reading_protected();
    server
        .send_plain(&ServerHello::hello_retry_request(
            server.hello.session_id.clone(),
            CipherSuite::TLS_AES_128_GCM_SHA256,
            Some(NamedGroup::SECP256R1),
            None,
        ))
        .unwrap();
    assert_eq!(server.client.early_data_capacity(), 0);
    // No second change_cipher_spec: the ClientHello is next, in plaintext.
    let (content_type, message) = server.next_record().unwrap();
    assert_eq!(content_type, ContentType::HANDSHAKE);
    assert_eq!(message[0], 1);
    let hello = ClientHello::from_bytes(&message[4..]).unwrap();
    assert!(!hello.extensions.early_data);
    assert!(hello.extensions.pre_shared_key.is_some());
}

/// RFC 9846 §4.3.10: "In order to accept early data, the server MUST have selected the first key offered ... In
/// addition, it MUST verify that the following values are the same as those associated with the selected PSK".
#[test]
fn early_data_is_not_accepted_under_other_terms() {
    let error = PeerMisbehaved::EarlyDataWithoutSession;
    // Another protocol, or none.
    for alpn in [Some(b"h3".to_vec()), None] {
        let mut server = offered();
        server.use_early_keys();
        let hello = server.server_hello();
        server.send_plain(&hello).unwrap();
        server.make_write_keys();
        let outcome = server.send(&EncryptedExtensions {
            alpn,
            ..accepting()
        });
        server.misbehaved(outcome, error.clone());
    }
    // Without the session.
    let mut server = offered();
    server.use_early_keys();
    server.psk = None;
    let hello = server.server_hello();
    server.send_plain(&hello).unwrap();
    server.make_write_keys();
    let outcome = server.send(&accepting());
    server.misbehaved(outcome, error);
}

#[test]
fn early_data_that_was_not_offered_is_not_accepted() {
    let mut server = HandServer::new(ClientConfig {
        alpn: vec![b"h2".to_vec()],
        ..ClientConfig::default()
    });
    let hello = server.server_hello();
    server.send_server_hello(&hello).unwrap();
    let outcome = server.send(&accepting());
    server.refused(
        outcome,
        PeerMisbehaved::UnsolicitedExtension(ExtensionType::EARLY_DATA),
        AlertDescription::UNSUPPORTED_EXTENSION,
    );
}

/// RFC 9846 §E.3: "A client that attempts to send 0-RTT data MUST fail a connection if it receives a ServerHello with
/// TLS 1.2 or older."
#[test]
fn an_older_version_after_early_data() {
    let mut server = offered();
    server.use_early_keys();
    let mut hello = server.server_hello();
    hello.extensions = ServerHelloExtensions::default();
    hello.cipher_suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let outcome = server.send_plain(&hello);
    server.refused(
        outcome,
        PeerMisbehaved::OldVersionAfterEarlyData,
        AlertDescription::PROTOCOL_VERSION,
    );
}

/// Our server takes what our client sends, before the handshake is complete.
#[test]
fn between_our_two_sides() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let visitor = Arc::new(Visitor::of(&site));
    let server_config = || ServerConfig {
        early_data: 1000,
        ..ServerConfig::default()
    };
    let client_config = || ClientConfig {
        early_data: true,
        ..ClientConfig::default()
    };
    Duo::with(&site, &visitor, client_config(), server_config()).handshake();
    let mut duo = Duo::with(&site, &visitor, client_config(), server_config());
    duo.step_client().unwrap();
    assert_eq!(duo.client.early_data_capacity(), 1000);
    duo.client.send_early(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    duo.handshake();
    assert_eq!(duo.server_received, b"GET / HTTP/1.1\r\n\r\n");
    let status = duo.client.negotiated().unwrap().early_data;
    assert_eq!(status, EarlyDataStatus::Accepted);
    duo.echo();

    // Off at the server: rejected, and nothing is lost but the early data.
    let mut duo = Duo::with(&site, &visitor, client_config(), ServerConfig::default());
    duo.step_client().unwrap();
    duo.client.send_early(b"too early").unwrap();
    duo.handshake();
    assert!(duo.server_received.is_empty());
    let status = duo.client.negotiated().unwrap().early_data;
    assert_eq!(status, EarlyDataStatus::Rejected);
    duo.echo();
}

#[test]
fn nothing_is_sent_early_once_our_side_is_closed() {
    let mut server = offered();
    server.client.close();
    assert_eq!(server.client.early_data_capacity(), 0);
    assert_eq!(
        server.client.send_early(b"x"),
        Err(Error::Aborted(AlertDescription::CLOSE_NOTIFY))
    );
}
