//! `record_size_limit` (RFC 8449) that our client announces. Our server sends less anyway, so the records are made
//! by hand, with the secret that the client logs.

use std::sync::Arc;

use keyward_crypto::aead::{AeadAlgorithm, AeadKey};
use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::prf;
use keyward_tls::{ClientConfig, InvalidMessage, Policy, ServerConfig};
use keyward_wire::handshake::{ClientHello, ServerHello};
use keyward_wire::values::{
    AlertDescription, CipherSuite, ContentType, HandshakeType, ProtocolVersion,
};

use super::flight::Flight;
use crate::support::{Duo, KeyAlgorithm, Site, Visitor};

fn tls12() -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        cipher_suites: vec![CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256],
        ..Policy::intermediate()
    }
}

/// A connection whose client has announced `limit`, and the server's next record with this many bytes.
fn connected(limit: Option<u16>, visitor: &Arc<Visitor>) -> (Duo, impl Fn(usize) -> Vec<u8>) {
    let site = Site {
        policy: tls12(),
        ..Site::new(&[KeyAlgorithm::P256])
    };
    let client = ClientConfig {
        policy: tls12().into(),
        record_size_limit: limit,
        key_log: true,
        ..ClientConfig::default()
    };
    let mut duo = Duo::with(&Arc::new(site), visitor, client, ServerConfig::default());
    duo.step_client().unwrap();
    let hello = Flight::take(&mut duo.client);
    let client_hello: ClientHello = hello.get(HandshakeType::CLIENT_HELLO);
    hello.give(&mut duo.server);
    duo.step_server().unwrap();
    let flight = Flight::take(&mut duo.server);
    let server_hello: ServerHello = flight.get(HandshakeType::SERVER_HELLO);
    assert_eq!(
        server_hello.extensions.record_size_limit.is_some(),
        limit.is_some()
    );
    flight.give(&mut duo.client);
    duo.handshake();

    let log = duo.client.take_key_log();
    let seed = [&server_hello.random[..], &client_hello.random];
    let mut block = [0; 40];
    prf::tls12(Sha256, log[0].secret(), b"key expansion", &seed, &mut block);
    let key = AeadKey::new(AeadAlgorithm::Aes128Gcm, &block[16..32]).unwrap();
    let salt = block[36..].to_vec();
    let record = move |length: usize| {
        // The first was Finished.
        let sequence = 1_u64.to_be_bytes();
        let typ = ContentType::APPLICATION_DATA.0;
        let size = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
        let additional = [&sequence[..], &[typ, 3, 3], &size(length)].concat();
        let nonce = [&salt[..], &sequence].concat().try_into().unwrap();
        let mut body = vec![7; length];
        let tag = key.seal(&nonce, &additional, &mut body).unwrap();
        let header = [&[typ, 3, 3][..], &size(8 + length + tag.len())].concat();
        [&header[..], &sequence, &body, &tag].concat()
    };
    (duo, record)
}

#[track_caller]
fn takes(length: usize, limit: Option<u16>, visitor: &Arc<Visitor>) {
    let (mut duo, record) = connected(limit, visitor);
    let record = record(length);
    assert_eq!(duo.client.receive(&record), record.len());
    duo.step_client().unwrap();
    assert_eq!(duo.client_received, vec![7; length]);
}

#[track_caller]
fn refuses(length: usize, limit: Option<u16>, visitor: &Arc<Visitor>) {
    let (mut duo, record) = connected(limit, visitor);
    let record = record(length);
    assert_eq!(duo.client.receive(&record), record.len());
    let error = duo.step_client().unwrap_err();
    assert_eq!(error, InvalidMessage::PlaintextTooLarge.into());
    assert_eq!(error.alert(), Some(AlertDescription::RECORD_OVERFLOW));
}

/// RFC 8449 §4: "A TLS endpoint that receives a record larger than its advertised limit MUST generate a fatal
/// "record_overflow" alert". In TLS 1.2 no content type counts.
#[test]
fn the_server_has_to_keep_to_ours() {
    let fresh = || Arc::new(Visitor::default());
    takes(100, Some(100), &fresh());
    refuses(101, Some(100), &fresh());
    takes(101, None, &fresh());
}

/// RFC 8449 §4: "During renegotiation or resumption, the record size limit is renegotiated."
#[test]
fn in_a_resumed_session_it_is_what_was_said_last() {
    let visitor = Arc::new(Visitor::default());
    for (before, limit) in [(None, Some(100)), (Some(100), None), (Some(100), Some(200))] {
        let returning = || {
            visitor.sessions.lock().unwrap().clear();
            assert!(!resumed(&connected(before, &visitor).0));
            &visitor
        };
        let most = usize::from(limit.unwrap_or(1 << 14));
        assert!(resumed(&connected(limit, returning()).0));
        takes(most, limit, returning());
        if limit.is_some() {
            refuses(most + 1, limit, returning());
        }
    }
}

fn resumed(duo: &Duo) -> bool {
    duo.client.negotiated().unwrap().resumed
}
