//! Early data that a server takes (RFC 9846 §2.3, §4.3.10, §8), and everything for which it does not.

mod replay;

use std::io::Write;
use std::sync::Arc;

use keyward_crypto::hkdf::Secret;
use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_tls::{
    EarlyDataStatus, Error, Need, NeedError, NeedKind, NoEarlyData, PeerMisbehaved, ServerConfig,
    Step, UnixTime,
};
use keyward_wire::extensions::KeyShareEntry;
use keyward_wire::handshake::{self, EncryptedExtensions, EndOfEarlyData};
use keyward_wire::values::{
    AlertDescription, CipherSuite, ContentType, HandshakeType, NamedGroup, SignatureScheme,
};

use crate::support::{ClientOptions, HandClient, KeyAlgorithm, Pair, Site, client_config, now};

const MAX: u32 = 1000;

fn config() -> ServerConfig {
    ServerConfig {
        early_data: MAX,
        ..ServerConfig::default()
    }
}

fn site() -> Site {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    site
}

/// A session that allows early data.
struct Session {
    ticket: Vec<u8>,
    psk: Secret,
    age_add: u32,
    received: UnixTime,
}

fn session(site: &Arc<Site>) -> Session {
    let mut client = HandClient::with_config(site, config());
    client.hello.extensions.alpn = Some(vec![b"h2".to_vec()]);
    let (ticket, psk) = client.handshake_for_tickets().remove(0);
    let message = &client.tickets[0];
    assert_eq!(message.extensions.max_early_data_size, Some(MAX));
    site.take_asked();
    Session {
        ticket,
        psk,
        age_add: message.ticket_age_add,
        received: client.now,
    }
}

impl Session {
    /// A client that returns with it after `age_ms`, and offers early data.
    fn client(&self, site: &Arc<Site>, config: ServerConfig, age_ms: u32) -> HandClient {
        let mut client = HandClient::with_config(site, config);
        client.hello.extensions.alpn = Some(vec![b"h2".to_vec()]);
        client.hello.extensions.early_data = true;
        client.obfuscated_ticket_age = age_ms.wrapping_add(self.age_add);
        client.now = UnixTime::from_millis(self.received.as_millis() + u64::from(age_ms));
        client.offer(&self.ticket, self.psk.clone());
        client
    }
}

/// Sends the ClientHello with early data right behind it, and reads the answer.
fn send(client: &mut HandClient, early: &[u8]) -> Result<(), Error> {
    let hello = client.client_hello();
    let mut bytes = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.use_early_keys();
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, early));
    let outcome = client.feed(&bytes);
    if outcome.is_ok() {
        client.take_server_hello_for_early_data();
        client.take_flight();
    }
    outcome
}

fn finish(client: &mut HandClient) {
    client.use_handshake_keys();
    let finished = client.finished();
    let record = client.sealed(ContentType::HANDSHAKE, &finished);
    client.use_application_keys();
    client.feed(&record).unwrap();
    assert_eq!(client.steps, ["HandshakeComplete"]);
}

fn end_of_early_data() -> Vec<u8> {
    handshake::to_message(&EndOfEarlyData)
}

fn status(client: &HandClient) -> EarlyDataStatus {
    client.server.negotiated().unwrap().early_data
}

fn why_not(client: &HandClient) -> Option<NoEarlyData> {
    client.server.negotiated().unwrap().no_early_data
}

/// That the early data was taken, and the handshake can go on.
fn taken(client: &mut HandClient) {
    assert_eq!(client.received, b"early");
    assert_eq!(status(client), EarlyDataStatus::Accepted);
    assert_eq!(why_not(client), None);
    let answer: EncryptedExtensions = client.message();
    assert!(answer.early_data);
    client.send_message(&end_of_early_data()).unwrap();
    finish(client);
    let record = client.sealed(ContentType::APPLICATION_DATA, b" late");
    client.feed(&record).unwrap();
    assert_eq!(client.received, b"early late");
}

/// That it was not, and the handshake goes on all the same.
fn refused(client: &mut HandClient, reason: NoEarlyData) {
    assert!(client.received.is_empty());
    assert_eq!(why_not(client), Some(reason));
    assert_eq!(status(client), EarlyDataStatus::Rejected);
    let answer: EncryptedExtensions = client.message();
    assert!(!answer.early_data);
    finish(client);
    let record = client.sealed(ContentType::APPLICATION_DATA, b"late");
    client.feed(&record).unwrap();
    assert_eq!(client.received, b"late");
}

#[test]
fn it_is_taken_before_the_handshake_is_complete() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 5000);
    send(&mut client, b"early").unwrap();
    assert!(client.steps.is_empty(), "{:?}", client.steps);
    assert_eq!(
        site.take_asked(),
        [
            NeedKind::Certificate,
            NeedKind::Session,
            NeedKind::EarlyData
        ]
    );
    taken(&mut client);
}

#[test]
fn who_reads_it_can_tell_that_it_is_early() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    let hello = client.client_hello();
    let mut bytes = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.use_early_keys();
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"early"));
    client.server.receive(&bytes);
    loop {
        match client.server.step(client.now).unwrap() {
            Step::Need(need) => client.server.answer(site.answer(need)).unwrap(),
            Step::Data => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(client.server.is_early() && !client.server.is_handshake_complete());
    assert_eq!(client.server.peek(), b"early");
    client.server.consume_readable(2);
    assert!(client.server.is_early());
    client.server.consume_readable(3);
    assert!(!client.server.is_early(), "there is none left");

    client.take_server_hello_for_early_data();
    client.take_flight();
    client.send_message(&end_of_early_data()).unwrap();
    finish(&mut client);
    let record = client.sealed(ContentType::APPLICATION_DATA, b"late");
    client.server.receive(&record);
    assert!(matches!(client.server.step(client.now), Ok(Step::Data)));
    assert!(!client.server.is_early());
}

#[test]
fn it_may_be_answered_before_the_handshake_is_complete() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    send(&mut client, b"early").unwrap();
    assert_eq!(client.server.send(b"answer"), Ok(6));
    let expected = (ContentType::APPLICATION_DATA, b"answer".to_vec());
    assert_eq!(client.records(), [expected]);
    taken(&mut client);
}

#[test]
fn it_is_off_unless_configured() {
    let site = Arc::new(site());
    let session = session(&site);
    let off = ServerConfig::default();
    let mut client = session.client(&site, off, 0);
    send(&mut client, b"early").unwrap();
    assert!(!site.take_asked().contains(&NeedKind::EarlyData));
    refused(&mut client, NoEarlyData::Off);

    // And tickets of such a server do not offer it.
    let mut client = HandClient::new(&site);
    client.handshake_for_tickets();
    let size = client.tickets[0].extensions.max_early_data_size;
    assert_eq!(size, None);
}

/// RFC 9846 §4.3.10: "the server MUST have selected the first key offered in the client's "pre_shared_key"
/// extension".
#[test]
fn it_is_refused_if_another_session_than_the_first_is_resumed() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    client.offer_first(b"unknown", Secret::from_slice(&[1; 32]));
    send(&mut client, b"early").unwrap();
    let hello: handshake::ServerHello = client.message();
    assert_eq!(hello.extensions.pre_shared_key, Some(1));
    refused(&mut client, NoEarlyData::NotFirstSession);
}

/// RFC 9846 §4.3.10: "it MUST verify that the following values are the same as those associated with the selected
/// PSK".
#[test]
fn it_is_refused_if_suite_or_protocol_differ() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    client.hello.extensions.alpn = Some(vec![b"http/1.1".to_vec()]);
    send(&mut client, b"early").unwrap();
    refused(&mut client, NoEarlyData::SessionNotResumed);

    let mut other = self::site();
    other.policy.cipher_suites = vec![CipherSuite::TLS_CHACHA20_POLY1305_SHA256];
    let mut client = session.client(&Arc::new(other), config(), 0);
    client.hello.cipher_suites = vec![
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
    ];
    let hello = client.client_hello();
    client
        .feed(&HandClient::plain(ContentType::HANDSHAKE, &hello))
        .unwrap();
    assert_eq!(status(&client), EarlyDataStatus::Rejected);
    assert_eq!(why_not(&client), Some(NoEarlyData::SessionNotResumed));
}

#[test]
fn it_is_never_taken_after_a_retry() {
    let mut retrying = site();
    retrying.policy.groups = vec![NamedGroup::SECP256R1];
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&Arc::new(retrying), config(), 0);
    client.hello.extensions.supported_groups =
        Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]);
    let hello = client.client_hello();
    let mut bytes = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.use_early_keys();
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, b"early"));
    client.feed(&bytes).unwrap();
    assert!(client.take_server_hello().is_hello_retry_request());
    let key_pair = KeyPair::generate(Group::Secp256r1).unwrap();
    client.hello.extensions.early_data = false;
    client.hello.extensions.key_share = Some(vec![KeyShareEntry {
        group: NamedGroup::SECP256R1,
        key_exchange: key_pair.public().to_vec(),
    }]);
    client.use_key_pair(key_pair);
    client.records();
    client.hello_and_keys();
    assert!(client.received.is_empty());
    assert_eq!(status(&client), EarlyDataStatus::Rejected);
    assert_eq!(why_not(&client), Some(NoEarlyData::HelloRetryRequest));
    assert!(client.server.negotiated().unwrap().resumed);
    assert!(!client.site.take_asked().contains(&NeedKind::EarlyData));
}

/// RFC 9846 §4.7.1: "A server receiving more than max_early_data_size bytes of 0-RTT data SHOULD terminate the
/// connection with an "unexpected_message" alert."
#[test]
fn no_more_is_taken_than_the_session_allows() {
    let site = Arc::new(site());
    let session = session(&site);
    let all = vec![b'e'; usize::try_from(MAX).unwrap()];
    let mut client = session.client(&site, config(), 0);
    send(&mut client, &all).unwrap();
    assert_eq!(client.received, all);
    let record = client.sealed(ContentType::APPLICATION_DATA, b"!");
    let error = client.feed(&record).unwrap_err();
    assert_eq!(error, PeerMisbehaved::TooMuchEarlyData.into());
    assert_eq!(error.alert(), Some(AlertDescription::UNEXPECTED_MESSAGE));
    assert_eq!(client.received, all);
}

/// RFC 9846 §4.3.10: "It is not possible for the server to accept only a subset of the early data messages": a
/// client that sends what its ticket allows is not cut off by a server that allows less by now.
#[test]
fn none_is_taken_if_the_configuration_allows_less_than_the_session() {
    let site = Arc::new(site());
    let session = session(&site);
    let all = vec![b'e'; usize::try_from(MAX).unwrap()];
    for early_data in [MAX - 1, 0] {
        let mut stricter = ServerConfig {
            early_data,
            ..config()
        };
        // What the ticket allows is skipped, though it is more than the configuration does.
        stricter.limits.skipped_early_data = 100;
        let mut client = session.client(&site, stricter, 0);
        send(&mut client, &all).unwrap();
        assert!(!site.take_asked().contains(&NeedKind::EarlyData));
        assert!(client.server.negotiated().unwrap().resumed);
        let off = early_data == 0;
        refused(
            &mut client,
            if off {
                NoEarlyData::Off
            } else {
                NoEarlyData::LowerLimit
            },
        );
    }

    // More than the session knows of changes nothing.
    let generous = ServerConfig {
        early_data: MAX + 1,
        ..config()
    };
    let mut client = session.client(&site, generous, 0);
    send(&mut client, b"early").unwrap();
    taken(&mut client);
}

/// Nor is a client whose session is not resumed any more.
#[test]
fn what_the_session_allows_is_skipped_though_it_is_over() {
    let site = Arc::new(site());
    let session = session(&site);
    let all = vec![b'e'; usize::try_from(MAX).unwrap()];
    let mut stricter = ServerConfig {
        session_lifetime_s: 10,
        ..ServerConfig::default()
    };
    stricter.limits.skipped_early_data = 100;
    let mut client = session.client(&site, stricter, 10_000);
    client.hello.extensions.signature_algorithms =
        Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]);
    let hello = client.client_hello();
    let mut bytes = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.use_early_keys();
    bytes.extend(client.sealed(ContentType::APPLICATION_DATA, &all));
    client.feed(&bytes).unwrap();
    let negotiated = client.server.negotiated().unwrap();
    assert!(!negotiated.resumed);
    assert_eq!(negotiated.early_data, EarlyDataStatus::Rejected);
    // And no more than that.
    let record = client.sealed(ContentType::APPLICATION_DATA, &[b'e'; 100]);
    assert_eq!(
        client.feed(&record),
        Err(PeerMisbehaved::TooMuchEarlyData.into())
    );
}

/// Nor more than the site allows, which may be nothing: its tickets say so.
#[test]
fn a_site_may_take_less_than_the_configuration_allows() {
    for (limit, told) in [(0, None), (10, Some(10)), (MAX + 1, Some(MAX))] {
        let mut site = site();
        site.max_early_data = limit;
        let mut client = HandClient::with_config(&Arc::new(site), config());
        client.handshake_for_tickets();
        let sizes = client
            .tickets
            .iter()
            .map(|ticket| ticket.extensions.max_early_data_size);
        assert!(sizes.eq([told; 2]), "{limit}");
    }
}

/// RFC 9846 §4.3.10: "if the server fails to decrypt a 0-RTT record following an accepted "early_data"
/// extension, it MUST terminate the connection with a "bad_record_mac" alert".
#[test]
fn a_record_that_does_not_decrypt_ends_the_connection() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    send(&mut client, b"early").unwrap();
    let mut record = client.sealed(ContentType::APPLICATION_DATA, b"more");
    *record.last_mut().unwrap() ^= 1;
    let error = client.feed(&record).unwrap_err();
    assert_eq!(error, Error::DecryptError);
    assert_eq!(error.alert(), Some(AlertDescription::BAD_RECORD_MAC));
}

/// RFC 9846 §4.6: "the client MUST send an EndOfEarlyData message after receiving the server Finished."
#[test]
fn the_end_of_early_data_must_be_said() {
    let site = Arc::new(site());
    let session = session(&site);

    // Finished under the early keys.
    let mut client = session.client(&site, config(), 0);
    send(&mut client, b"early").unwrap();
    let finished = client.finished();
    assert_eq!(
        client.send_message(&finished),
        Err(PeerMisbehaved::UnexpectedHandshake(HandshakeType::FINISHED).into())
    );

    // Finished under the handshake keys.
    let site = Arc::new(self::site());
    let mut client = session.client(&site, config(), 0);
    send(&mut client, b"early").unwrap();
    client.use_handshake_keys();
    let finished = client.finished();
    assert_eq!(client.send_message(&finished), Err(Error::DecryptError));

    // Handshake data behind it under the early keys.
    let site = Arc::new(self::site());
    let mut client = session.client(&site, config(), 0);
    send(&mut client, b"early").unwrap();
    let both = [end_of_early_data(), vec![HandshakeType::FINISHED.0]].concat();
    assert_eq!(
        client.send_message(&both),
        Err(PeerMisbehaved::HandshakeAcrossKeyChange.into())
    );

    // Data behind it under the handshake keys.
    let site = Arc::new(self::site());
    let mut client = session.client(&site, config(), 0);
    send(&mut client, b"early").unwrap();
    client.send_message(&end_of_early_data()).unwrap();
    client.use_handshake_keys();
    let record = client.sealed(ContentType::APPLICATION_DATA, b"late");
    assert_eq!(
        client.feed(&record),
        Err(PeerMisbehaved::UnexpectedRecord(ContentType::APPLICATION_DATA).into())
    );
}

/// RFC 9846 §4.6: "If the server does not send an "early_data" extension in EncryptedExtensions, then the client
/// MUST NOT send an EndOfEarlyData message."
#[test]
fn an_end_of_early_data_that_was_not_taken_is_refused() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, ServerConfig::default(), 0);
    send(&mut client, b"early").unwrap();
    client.use_handshake_keys();
    assert_eq!(
        client.send_message(&end_of_early_data()),
        Err(PeerMisbehaved::UnexpectedHandshake(HandshakeType::END_OF_EARLY_DATA).into())
    );
}

/// What a client may send by its ticket is skipped on top of the bound for all.
#[test]
fn refused_data_is_skipped_as_far_as_the_sessions_allow() {
    let mut site = site();
    site.errors = vec![(NeedKind::EarlyData, NeedError::Overloaded)];
    let site = Arc::new(site);
    let session = session(&site);
    let mut config = config();
    config.limits.skipped_early_data = 100;
    let mut client = session.client(&site, config, 0);
    send(&mut client, &[b'e'; 1000]).unwrap();
    let record = client.sealed(ContentType::APPLICATION_DATA, &[b'e'; 60]);
    assert_eq!(
        client.feed(&record),
        Err(PeerMisbehaved::TooMuchEarlyData.into())
    );
}

#[test]
fn rustls_sends_it() {
    let site = Arc::new(site());
    let mut client = Arc::into_inner(client_config(ClientOptions {
        resumption: true,
        ..ClientOptions::default()
    }))
    .unwrap();
    client.enable_early_data = true;
    let client = Arc::new(client);
    let mut first = Pair::with_config(&client, &site, config());
    first.handshake();
    first.echo();

    let mut second = Pair::with_config(&client, &site, config());
    let mut early = second.client.early_data().expect("the session allows it");
    assert_eq!(early.bytes_left(), usize::try_from(MAX).unwrap());
    early.write_all(b"early").unwrap();
    second.handshake();
    assert!(second.client.is_early_data_accepted());
    assert_eq!(second.received, b"early");
    second.echo();
    let negotiated = second.server.negotiated().unwrap();
    assert_eq!(negotiated.early_data, EarlyDataStatus::Accepted);

    // Without it, and the client sends it again by itself.
    let mut third = Pair::with_config(&client, &site, ServerConfig::default());
    third
        .client
        .early_data()
        .unwrap()
        .write_all(b"early")
        .unwrap();
    third.handshake();
    assert!(!third.client.is_early_data_accepted());
    assert!(third.received.is_empty());
    third.echo();
}

#[test]
fn a_full_handshake_refuses_it() {
    let site = Arc::new(site());
    let mut client = HandClient::with_config(&site, config());
    client.hello.extensions.early_data = true;
    client.hello.extensions.signature_algorithms =
        Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]);
    client.now = now();
    client.hello_and_keys();
    client
        .feed(&HandClient::plain(
            ContentType::APPLICATION_DATA,
            &[0xed; 200],
        ))
        .unwrap();
    refused(&mut client, NoEarlyData::NoSession);
}

#[test]
fn the_server_tells_how_far_the_clients_clock_is_off() {
    let site = Arc::new(site());
    let session = session(&site);
    for (told, skew_ms) in [(5000, 0), (8000, 3000), (4000, -1000)] {
        let mut client = session.client(&site, config(), 5000);
        client.obfuscated_ticket_age = session.age_add.wrapping_add(told);
        send(&mut client, b"early").unwrap();
        let negotiated = client.server.negotiated().unwrap();
        assert_eq!(negotiated.ticket_age_skew_ms, Some(skew_ms));
    }
    let mut full = HandClient::with_config(&site, config());
    full.hello.extensions.alpn = Some(vec![b"h2".to_vec()]);
    full.handshake();
    assert_eq!(full.server.negotiated().unwrap().ticket_age_skew_ms, None);
}
