//! What a server says once the handshake is over.

use keyward_tls::{ClientConfig, Error, PeerMisbehaved};
use keyward_wire::extensions::{CertificateRequestExtensions, NewSessionTicketExtensions};
use keyward_wire::handshake::{
    self, CertificateRequestTls13, EndOfEarlyData, HelloRequest, KeyUpdate, Message,
    NewSessionTicketTls13,
};
use keyward_wire::values::{
    AlertDescription, ContentType, ExtensionType, HandshakeType, KeyUpdateRequest, SignatureScheme,
};

use crate::support::HandServer;

fn connected() -> HandServer {
    let mut server = HandServer::new(ClientConfig::default());
    server.handshake();
    server
}

#[test]
fn keys_are_updated_both_ways() {
    let mut server = connected();
    let request = KeyUpdate {
        request_update: KeyUpdateRequest::UPDATE_REQUESTED,
    };
    server.send(&request).unwrap();
    server.update_write_keys();
    // RFC 9846 §4.7.3: the answer comes "prior to sending its next Application Data record".
    server.client.send(b"data").unwrap();
    assert_eq!(
        server.next_record(),
        Some((ContentType::HANDSHAKE, vec![24, 0, 0, 1, 0]))
    );
    server.update_read_keys();
    assert_eq!(
        server.next_record(),
        Some((ContentType::APPLICATION_DATA, b"data".to_vec()))
    );
    let data = server.sealed(ContentType::APPLICATION_DATA, b"answer");
    server.feed(&data).unwrap();
    assert_eq!(server.received, b"answer");

    server.client.update_keys(false).unwrap();
    assert_eq!(
        server.next_record(),
        Some((ContentType::HANDSHAKE, vec![24, 0, 0, 1, 0]))
    );
    server.update_read_keys();
    server.client.send(b"more").unwrap();
    assert_eq!(server.records().len(), 1);
}

/// RFC 9846 §4.7.3: the rule "causes an implementation which receives multiple KeyUpdates while it is silent to
/// respond with a single update."
#[test]
fn requests_in_a_row_are_answered_once() {
    let mut server = connected();
    let request = handshake::to_message(&KeyUpdate {
        request_update: KeyUpdateRequest::UPDATE_REQUESTED,
    });
    let mut records = Vec::new();
    for _ in 0..5 {
        records.extend(server.sealed(ContentType::HANDSHAKE, &request));
        server.update_write_keys();
    }
    server.feed(&records).unwrap();
    assert_eq!(
        server.records(),
        [(ContentType::HANDSHAKE, vec![24, 0, 0, 1, 0])]
    );
}

fn refuses(message: &impl Message, error: PeerMisbehaved) {
    let mut server = connected();
    let outcome = server.send(message);
    server.refused(outcome, error, AlertDescription::UNEXPECTED_MESSAGE);
}

/// RFC 9846 §4.7.2: "A client that receives a post-handshake CertificateRequest message without having sent the
/// "post_handshake_auth" extension MUST send an "unexpected_message" fatal alert."
#[test]
fn a_certificate_request_is_refused() {
    let request = CertificateRequestTls13 {
        certificate_request_context: vec![1],
        extensions: CertificateRequestExtensions {
            signature_algorithms: Some(vec![SignatureScheme::ED25519]),
            ..CertificateRequestExtensions::default()
        },
    };
    refuses(&request, PeerMisbehaved::PostHandshakeAuthentication);
}

/// RFC 9846 §4.6: "Servers MUST NOT send this message, and clients receiving it MUST terminate the connection with
/// an "unexpected_message" alert."
#[test]
fn end_of_early_data_is_refused() {
    refuses(
        &EndOfEarlyData,
        PeerMisbehaved::UnexpectedHandshake(HandshakeType::END_OF_EARLY_DATA),
    );
}

#[test]
fn renegotiation_is_not_of_tls13() {
    refuses(
        &HelloRequest,
        PeerMisbehaved::UnexpectedHandshake(HandshakeType::HELLO_REQUEST),
    );
}

/// RFC 9846 §4.7.1: "Clients MUST ignore unrecognized extensions."
#[test]
fn a_ticket_with_unknown_extensions() {
    let mut server = connected();
    let mut ticket = NewSessionTicketTls13 {
        ticket_lifetime: 10,
        ticket_age_add: 0,
        ticket_nonce: vec![0],
        ticket: vec![1; 100],
        extensions: NewSessionTicketExtensions::default(),
    };
    ticket.extensions.unknown = vec![(ExtensionType(0x8a8a), vec![1, 2])];
    server.send(&ticket).unwrap();
    assert_eq!(server.visitor.sessions.lock().unwrap().len(), 1);
}

#[test]
fn a_flood_of_key_updates_ends() {
    let mut server = connected();
    let update = KeyUpdate {
        request_update: KeyUpdateRequest::UPDATE_NOT_REQUESTED,
    };
    let refused = (0..100).find_map(|_| {
        let outcome = server.send(&update);
        server.update_write_keys();
        outcome.err()
    });
    assert_eq!(refused, Some(PeerMisbehaved::TooManyKeyUpdates.into()));
}

#[test]
fn a_stream_that_ends_without_close_notify_was_cut() {
    let mut server = connected();
    server.client.receive_eof();
    assert_eq!(server.feed(b""), Err(Error::PeerTruncated));
}
