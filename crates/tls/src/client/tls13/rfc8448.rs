//! The client's side of RFC 8448's traces, spoken by the engine: what it sends is what the trace's client sends, byte for
//! byte, from its first record to its close_notify.
//!
//! Two things are put into it. The ClientHello, because it is another library's: ours has other extensions in another
//! order. And what depends on the traces' RSA certificates, whose keys of 1024 bits we take from nobody: the engine goes
//! on behind them, at the server's Finished (§3, §5, §7) or at our own (§6).

use std::sync::Arc;

use keyward_crypto::CryptoError;
use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::key_exchange::{Group, KeyExchangeError, KeyPair};
use keyward_crypto::random::SecureRandom;
use keyward_wire::codec::Decode;
use keyward_wire::handshake::ClientHello;
use keyward_wire::record::CHANGE_CIPHER_SPEC;
use keyward_wire::values::{CipherSuite, ContentType, ExtensionType};

use super::hello_retry::Retry;
use super::*;
use crate::client::server_hello::ExpectServerHello;
use crate::common::Common;
use crate::config::ClientConfig;
use crate::connection::{ClientConnection, Step};
use crate::error::PeerMisbehaved;
use crate::handshake::Transcript;
use crate::key_log::label;
use crate::needs::Need;
use crate::negotiated::NoEarlyData;
use crate::rfc8448::{NOW, Side, Trace, take_output, talk};
use crate::session::ClientSession;
use crate::suites::Suite;

/// The record that our client sends in front of its second flight always, theirs in §7 only.
///
/// RFC 9846 §E.4: "If not offering early data, the client sends a dummy change_cipher_spec record".
const DUMMY: [u8; 6] = [20, 3, 3, 0, 1, CHANGE_CIPHER_SPEC[0]];

/// Where the trace's key pair comes from.
#[derive(Debug)]
struct Traced(Vec<u8>);

impl SecureRandom for Traced {
    fn fill(&self, _: &mut [u8]) -> Result<(), CryptoError> {
        panic!("a client that has sent its ClientHello draws nothing but key pairs");
    }

    fn key_pair(&self, group: Group) -> Result<KeyPair, KeyExchangeError> {
        KeyPair::from_private(group, &self.0)
    }
}

fn config(trace: &Trace) -> ClientConfig {
    ClientConfig {
        random: Arc::new(Traced(trace.private_key(Side::Client).to_vec())),
        early_data: true,
        key_log: true,
        ..ClientConfig::default()
    }
}

fn hello(message: &[u8], session: Option<ClientSession>) -> Hello {
    Hello {
        name: "server".parse().unwrap(),
        hello: ClientHello::from_bytes(&message[4..]).unwrap(),
        message: message.to_vec(),
        session: session.map(Box::new),
    }
}

/// A client that has sent the last ClientHello of the trace.
fn client(trace: &Trace, session: Option<ClientSession>) -> ClientConnection {
    let config = config(trace);
    let messages = trace.messages(Side::Client);
    let hellos: Vec<_> = messages.iter().filter(|message| message[0] == 1).collect();
    let last = hellos.last().unwrap();
    let mut common = Common::new(&config.limits, true, true);
    common.set_change_cipher_specs(crate::record::ChangeCipherSpecs::Ignored);
    common.writer().begin_with_client_hello();
    for hello in &hellos {
        common.send_handshake(hello);
        common.flush().unwrap();
    }
    let hello = hello(last, session);
    common.key_log.set_client_random(&hello.hello.random);
    let group = if hellos.len() == 1 {
        Group::X25519
    } else {
        Group::Secp256r1
    };
    let mut cx = Context {
        common: &mut common,
        config: &config,
        now: NOW,
    };
    let offer = Offer {
        shares: vec![client_hello::generate(group, &cx).unwrap()],
        early_data: hello
            .hello
            .extensions
            .early_data
            .then_some(())
            .ok_or(NoEarlyData::Off),
        retry: (hellos.len() == 2).then(|| {
            let mut transcript = Transcript::new(Sha256);
            transcript.add_retried_client_hello(hellos[0]);
            transcript.add(trace.messages(Side::Server)[0]);
            Retry {
                suite: Suite::of(CipherSuite::TLS_AES_128_GCM_SHA256).unwrap(),
                transcript,
            }
        }),
    };
    offer.begin_early_data(&hello, &mut cx).unwrap();
    let state = crate::client::State::ExpectServerHello(Box::new(ExpectServerHello {
        hello,
        tls13: Some(offer),
    }));
    ClientConnection::in_state(Arc::new(config), common, state)
}

/// The records of the handshake that one side sends, one after the other.
fn sent(trace: &Trace, who: Side) -> Vec<&[u8]> {
    let types = [ContentType::HANDSHAKE, ContentType::CHANGE_CIPHER_SPEC];
    let records = trace.records(who, &types).into_iter();
    records.map(|step| step.field("complete record")).collect()
}

fn receive(client: &mut ClientConnection, record: &[u8]) {
    assert_eq!(client.receive(record), record.len());
}

fn step(client: &mut ClientConnection) -> Step {
    client.step(NOW).unwrap()
}

fn tls13_state(client: &mut ClientConnection) -> State {
    match client.state.take() {
        Some(crate::client::State::Tls13(state)) => state,
        _ => panic!("a TLS 1.3 handshake is under way"),
    }
}

/// Receives ServerHello, and change_cipher_spec where there is one.
fn receive_server_hello(client: &mut ClientConnection, trace: &Trace) {
    let records = sent(trace, Side::Server);
    let plain = |record: &&&[u8]| record[0] != ContentType::APPLICATION_DATA.0;
    let last = records
        .iter()
        .filter(plain)
        .skip(usize::from(is_retried(trace)));
    for record in last {
        receive(client, record);
    }
    assert!(matches!(step(client), Step::Blocked));
}

fn is_retried(trace: &Trace) -> bool {
    trace.messages(Side::Client)[1][0] == 1
}

/// The server's messages from EncryptedExtensions to its Finished.
fn flight(trace: &Trace) -> Vec<&[u8]> {
    let messages = trace.messages(Side::Server);
    let from = messages.iter().position(|message| message[0] == 8).unwrap();
    let to = messages
        .iter()
        .position(|message| message[0] == 20)
        .unwrap();
    messages[from..=to].to_vec()
}

/// Goes on behind the server's CertificateVerify: the Finished comes in a record of its own.
fn pass_over_certificate(client: &mut ClientConnection, trace: &Trace) {
    let State::ExpectEncryptedExtensions(state) = tls13_state(client) else {
        panic!("EncryptedExtensions is next");
    };
    let mut flight_state = state.flight;
    let messages = flight(trace);
    let (finished, before) = messages.split_last().unwrap();
    for message in before {
        flight_state.transcript.add(message);
    }
    let mut record = Vec::new();
    let mut protection = flight_state.server_handshake.protection().unwrap();
    protection
        .seal(ContentType::HANDSHAKE, finished, &mut record)
        .unwrap();
    let state = State::ExpectFinished(Box::new(ExpectFinished {
        flight: flight_state,
        request: None,
    }));
    client.state = Some(crate::client::State::Tls13(state));
    receive(client, &record);
}

/// The key log has the trace's secrets.
fn assert_secrets(client: &mut ClientConnection, trace: &Trace, labels: &[(&str, &str)]) {
    let logged = client.take_key_log();
    assert_eq!(logged.len(), labels.len());
    for (line, (label, secret)) in logged.iter().zip(labels) {
        let secret = trace.secret(&format!("derive secret \"tls13 {secret}\""));
        let random = &trace.messages(Side::Client)[0][6..38];
        let expected = format!("{label} {} {}", hex(random), hex(secret));
        assert_eq!(line.to_string().trim_end(), expected);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const SECRETS: [(&str, &str); 5] = [
    (label::CLIENT_HANDSHAKE_TRAFFIC, "c hs traffic"),
    (label::SERVER_HANDSHAKE_TRAFFIC, "s hs traffic"),
    (label::CLIENT_TRAFFIC, "c ap traffic"),
    (label::SERVER_TRAFFIC, "s ap traffic"),
    (label::EXPORTER, "exp master"),
];

/// A whole trace, but for the server's certificate. Gives the session in it.
fn play(trace: &Trace) -> Option<ClientSession> {
    let mut client = client(trace, None);
    receive_server_hello(&mut client, trace);
    pass_over_certificate(&mut client, trace);
    assert!(matches!(step(&mut client), Step::HandshakeComplete));

    let mut expected = sent(trace, Side::Client);
    if expected.len() == 2 {
        expected.insert(1, &DUMMY);
    }
    assert_eq!(take_output(&mut client), expected.concat());
    assert_secrets(&mut client, trace, &SECRETS);
    talk(&mut client, Side::Client, trace)
}

#[test]
fn simple_handshake_and_its_resumption_with_early_data() {
    let mut session = play(&Trace::simple()).expect("the trace has a ticket");
    assert_eq!(session.max_early_data(), 1024);
    // The client of §4 sent its ClientHello six milliseconds later.
    session.received = NOW;

    let trace = Trace::resumed();
    let mut client = client(&trace, Some(session));
    let [early] = trace.records(Side::Client, &[ContentType::APPLICATION_DATA])[..1] else {
        panic!("there is early data");
    };
    let payload = early.field("payload");
    assert_eq!(client.send_early(payload).unwrap(), payload.len());
    let [hello, end, finished] = sent(&trace, Side::Client)[..] else {
        panic!("three records");
    };
    let expected = [hello, &DUMMY, early.field("complete record")].concat();
    assert_eq!(take_output(&mut client), expected);

    for record in sent(&trace, Side::Server) {
        receive(&mut client, record);
    }
    assert!(matches!(step(&mut client), Step::HandshakeComplete));
    assert_eq!(take_output(&mut client), [end, finished].concat());
    let early = [
        (label::CLIENT_EARLY_TRAFFIC, "c e traffic"),
        (label::EARLY_EXPORTER, "e exp master"),
    ];
    let secrets = [&early[..], &SECRETS].concat();
    assert_secrets(&mut client, &trace, &secrets);
    assert!(talk(&mut client, Side::Client, &trace).is_none());
}

#[test]
fn hello_retry_request() {
    play(&Trace::hello_retry_request());
}

#[test]
fn compatibility_mode() {
    play(&Trace::compatibility_mode());
}

/// §5: what the engine answers a HelloRetryRequest with has all that the trace's second ClientHello has but its padding,
/// with our order of extensions.
#[test]
fn the_second_client_hello() {
    let trace = Trace::hello_retry_request();
    let config = config(&trace);
    let messages = trace.messages(Side::Client);
    let mut common = Common::new(&config.limits, true, true);
    let x25519 = trace.steps[0].field("private key");
    let offer = Offer {
        shares: vec![(
            Group::X25519,
            KeyPair::from_private(Group::X25519, x25519).unwrap(),
        )],
        early_data: Err(NoEarlyData::Off),
        retry: None,
    };
    common.set_change_cipher_specs(crate::record::ChangeCipherSpecs::Ignored);
    let state = crate::client::State::ExpectServerHello(Box::new(ExpectServerHello {
        hello: hello(messages[0], None),
        tls13: Some(offer),
    }));
    let mut client = ClientConnection::in_state(Arc::new(config), common, state);
    receive(&mut client, sent(&trace, Side::Server)[0]);
    assert!(matches!(step(&mut client), Step::Blocked));

    let output = take_output(&mut client);
    let ours = output.strip_prefix(&DUMMY).unwrap();
    let ours = ClientHello::from_bytes(&ours[9..]).unwrap();
    let mut theirs = ClientHello::from_bytes(&messages[1][4..]).unwrap();
    let unknown = &mut theirs.extensions.unknown;
    unknown.retain(|(extension, _)| *extension != ExtensionType::PADDING);
    assert_eq!(ours, theirs);
}

/// §6: the engine takes the server's flight as it is, asks for a certificate, and goes on behind the trace's.
#[test]
fn client_authentication() {
    let trace = Trace::client_authentication();
    let mut client = client(&trace, None);
    for record in sent(&trace, Side::Server) {
        receive(&mut client, record);
    }
    let Step::Need(Need::PeerCertificate(need)) = step(&mut client) else {
        panic!("the server's certificate is to be judged");
    };
    client.answer(need.answer(Ok(()))).unwrap();
    let Step::Need(Need::ClientCertificate(_)) = step(&mut client) else {
        panic!("the server asks for a certificate");
    };
    let State::AwaitClientCertificate(state) = tls13_state(&mut client) else {
        panic!("it is waited for");
    };
    let mut last = state.last;
    client.common.needs.clear();
    for message in &trace.messages(Side::Client)[1..3] {
        last.flight.transcript.add(message);
        client.common.send_handshake(message);
    }
    let mut cx = Context {
        common: &mut client.common,
        config: &config(&trace),
        now: NOW,
    };
    let state = last.finish(&mut cx).unwrap();
    client.state = Some(crate::client::State::Tls13(state));
    assert!(matches!(step(&mut client), Step::HandshakeComplete));
    let [hello, flight] = sent(&trace, Side::Client)[..] else {
        panic!("two records");
    };
    assert_eq!(take_output(&mut client), [hello, &DUMMY, flight].concat());
    assert_secrets(&mut client, &trace, &SECRETS);
    assert!(talk(&mut client, Side::Client, &trace).is_none());
}

/// Why the others are not played from the ServerHello on.
#[test]
fn a_certificate_of_1024_bits_is_refused() {
    let trace = Trace::simple();
    let mut client = client(&trace, None);
    for record in &sent(&trace, Side::Server)[..2] {
        receive(&mut client, record);
    }
    let error = client.step(NOW).unwrap_err();
    assert_eq!(error, PeerMisbehaved::BadCertificate.into());
}
