//! The server's side of RFC 8448's traces, spoken by the engine: what it sends is what the trace's server sends, byte for
//! byte, from its ServerHello to its close_notify.
//!
//! Three things are put into it. The ServerHello, because the random of ours derives from a nonce by SHA-256
//! (`keyward_keyop::ServerNonce`), and no nonce for the traces' is known; that it is theirs but for the random is a test of its own.
//! EncryptedExtensions and tickets, because they are another library's. And certificates, whose RSA keys of 1024 bits we
//! neither have nor take of anybody.

use std::sync::Arc;

use keyward_crypto::CryptoError;
use keyward_crypto::aead::{AeadAlgorithm, NONCE_LEN};
use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::hkdf::{Secret, expand_label};
use keyward_crypto::key_exchange::{Group, KeyExchangeError, KeyPair};
use keyward_crypto::random::SecureRandom;
use keyward_pki::{Authority, KeyAlgorithm};
use keyward_wire::codec::Decode;
use keyward_wire::handshake::{ClientHello, ServerHello};
use keyward_wire::record::HEADER_LEN;
use keyward_wire::values::{CipherSuite, ContentType, ProtocolVersion};

use super::certificate_request::Request;
use super::server_hello::{Flight, Next, TicketTerms};
use super::*;
use crate::common::Common;
use crate::config::{DEFAULT_SIGNATURE_SCHEMES, ServerConfig};
use crate::connection::{ServerConnection, Step};
use crate::credential::Credential;
use crate::error::PeerMisbehaved;
use crate::handshake::Transcript;
use crate::key_schedule::tls13::EarlySecret;
use crate::needs::{CertificateAnswer, Need};
use crate::negotiated::Negotiated;
use crate::policy::Policy;
use crate::record::{ChangeCipherSpecs, Protection};
use crate::rfc8448::{NOW, Side, Trace, take_output, talk};
use crate::session::SessionState;
use crate::suites::Suite;

const SUITE: CipherSuite = CipherSuite::TLS_AES_128_GCM_SHA256;

/// The key of §3's ticket.
fn psk(trace: &Trace) -> Option<Secret> {
    let early = trace
        .steps
        .iter()
        .find(|step| step.what == "extract secret \"early\"");
    let key = early.unwrap().field("IKM");
    key.iter()
        .any(|byte| *byte != 0)
        .then(|| Secret::from_slice(key))
}

/// The records of these types that one side sends, one after the other.
fn sent<'a>(trace: &'a Trace, who: Side, types: &[ContentType]) -> Vec<&'a [u8]> {
    let records = trace.records(who, types).into_iter();
    records.map(|step| step.field("complete record")).collect()
}

const HANDSHAKE: [ContentType; 2] = [ContentType::HANDSHAKE, ContentType::CHANGE_CIPHER_SPEC];

/// A server that has sent its Finished, and what it has sent from the ServerHello on.
fn server(trace: &Trace) -> (ServerConnection, Vec<u8>) {
    let config = ServerConfig::default();
    let mut common = Common::new(&config.limits, true, true);
    common.set_change_cipher_specs(ChangeCipherSpecs::Ignored);
    let mut cx = Context {
        common: &mut common,
        config: &config,
        now: NOW,
    };
    let flight = server_hello(trace, &mut cx);
    let state = send_flight(trace, flight, &mut cx);
    cx.common.flush().unwrap();
    let state = crate::server::State::Tls13(state);
    let mut server = ServerConnection::in_state(Arc::new(config), common, state);
    let output = take_output(&mut server);
    (server, output)
}

/// Sends the ServerHello, after the HelloRetryRequest if there is one, and changes the keys.
fn server_hello(trace: &Trace, cx: &mut Context<'_>) -> Flight {
    let suite = Suite::of(SUITE).unwrap();
    let ours = trace.messages(Side::Server);
    let theirs = trace.messages(Side::Client);
    let mut transcript = Transcript::new(Sha256);
    let (hello, server_hello) = if theirs[1][0] == 1 {
        transcript.add_retried_client_hello(theirs[0]);
        transcript.add(ours[0]);
        cx.common.send_handshake(ours[0]);
        cx.common.flush().unwrap();
        (theirs[1], ours[1])
    } else {
        (theirs[0], ours[0])
    };
    transcript.add(hello);
    transcript.add(server_hello);
    cx.common.send_handshake(server_hello);
    if !trace
        .records(Side::Server, &[ContentType::CHANGE_CIPHER_SPEC])
        .is_empty()
    {
        cx.common.send_change_cipher_spec().unwrap();
    }
    let shares = ClientHello::from_bytes(&hello[4..]).unwrap().extensions;
    let share = &shares.key_share.unwrap()[0];
    let group = Group::from_code(share.group.0).unwrap();
    let key_pair = KeyPair::from_private(group, trace.private_key(Side::Server)).unwrap();
    let shared = key_pair.agree(&share.key_exchange).unwrap();

    let psk = psk(trace);
    let early = EarlySecret::new(suite, psk.as_ref());
    if psk.is_some() {
        let mut opening = Transcript::new(Sha256);
        opening.add(hello);
        early_data::accept(1024, &early, &opening, cx).unwrap();
    }
    let secret = early.into_handshake(&shared);
    let (client, server, master) = secret.traffic(&transcript.current());
    let (write, server_finished) = server.handshake_keys().unwrap();
    let (read, client_finished) = client.handshake_keys().unwrap();
    cx.common.set_write_protection(write).unwrap();
    cx.common.negotiated = Some(Negotiated::new(ProtocolVersion::TLS13, SUITE));
    let next = if psk.is_some() {
        Next::EndOfEarlyData(read)
    } else {
        cx.common.set_read_protection(read).unwrap();
        if ours.iter().any(|message| message[0] == 13) {
            Next::Certificate(Request {
                schemes: DEFAULT_SIGNATURE_SCHEMES.to_vec(),
                compression: Vec::new(),
                required: true,
            })
        } else {
            Next::Finished
        }
    };
    Flight {
        transcript,
        master,
        client_finished,
        server_finished,
        tickets: TicketTerms {
            wanted: false,
            max_early_data: 0,
            created: NOW,
            session_context: Vec::new(),
        },
        next,
    }
}

/// What protects the handshake messages of the trace's client.
fn client_protection(trace: &Trace) -> Protection {
    let mut steps = trace.steps.iter();
    let traffic = steps.find(|step| step.what == "derive secret \"tls13 c hs traffic\"");
    let traffic = Secret::from_slice(traffic.unwrap().field("expanded"));
    let (mut key, mut iv) = ([0; 16], [0; NONCE_LEN]);
    expand_label(Sha256, &traffic, b"key", b"", &mut key);
    expand_label(Sha256, &traffic, b"iv", b"", &mut iv);
    Protection::tls13(AeadAlgorithm::Aes128Gcm, &key, &iv).unwrap()
}

/// Sends what the trace's server sends, up to the Finished, which is the engine's.
fn send_flight(trace: &Trace, mut flight: Flight, cx: &mut Context<'_>) -> State {
    let messages = trace.messages(Side::Server).into_iter();
    let behind_hello = messages.skip_while(|message| message[0] != 8);
    for message in behind_hello.take_while(|message| message[0] != 20) {
        flight.transcript.add(message);
        cx.common.send_handshake(message);
    }
    finished::send(flight, cx).unwrap()
}

fn receive(server: &mut ServerConnection, record: &[u8]) {
    assert_eq!(server.receive(record), record.len());
}

fn step(server: &mut ServerConnection) -> Step {
    server.step(NOW).unwrap()
}

/// A trace with a client of which the server wants nothing but its Finished.
fn play(trace: &Trace) {
    let (mut server, output) = server(trace);
    let ours = sent(trace, Side::Server, &HANDSHAKE);
    // Behind the flight there is §3's ticket.
    assert!(ours.concat().starts_with(&output));
    for record in sent(trace, Side::Client, &HANDSHAKE) {
        // What is not protected are the ClientHellos.
        if record[0] != ContentType::HANDSHAKE.0 {
            receive(&mut server, record);
        }
    }
    assert!(matches!(step(&mut server), Step::HandshakeComplete));
    assert!(talk(&mut server, Side::Server, trace).is_none());
}

#[test]
fn simple_handshake() {
    play(&Trace::simple());
}

#[test]
fn hello_retry_request() {
    play(&Trace::hello_retry_request());
}

#[test]
fn compatibility_mode() {
    play(&Trace::compatibility_mode());
}

#[test]
fn early_data_of_a_resumed_session() {
    let trace = Trace::resumed();
    let (mut server, output) = server(&trace);
    assert_eq!(output, sent(&trace, Side::Server, &HANDSHAKE).concat());
    let early = trace.records(Side::Client, &[ContentType::APPLICATION_DATA])[0];
    receive(&mut server, early.field("complete record"));
    assert!(matches!(step(&mut server), Step::Data));
    assert_eq!(server.peek(), early.field("payload"));
    assert!(server.is_early());
    server.consume_readable(usize::MAX);
    for record in &sent(&trace, Side::Client, &HANDSHAKE)[1..] {
        receive(&mut server, record);
    }
    assert!(matches!(step(&mut server), Step::HandshakeComplete));
    assert!(talk(&mut server, Side::Server, &trace).is_none());
}

/// §6: the client's certificate has a key of 1024 bits and is refused. Behind it and its CertificateVerify, the Finished
/// comes in a record of its own.
#[test]
fn client_authentication() {
    let trace = Trace::client_authentication();
    let (mut refusing, output) = server(&trace);
    assert_eq!(output, sent(&trace, Side::Server, &HANDSHAKE).concat());
    receive(&mut refusing, sent(&trace, Side::Client, &HANDSHAKE)[1]);
    let error = refusing.step(NOW).unwrap_err();
    assert_eq!(error, PeerMisbehaved::BadCertificate.into());

    let (mut server, _) = server(&trace);
    let Some(crate::server::State::Tls13(State::ExpectCertificate(state))) = server.state.take()
    else {
        panic!("a certificate is next");
    };
    let mut then = state.then;
    let messages = trace.messages(Side::Client);
    let [certificate, verify, finished] = messages[1..] else {
        panic!("three messages");
    };
    then.transcript.add(certificate);
    then.transcript.add(verify);
    let mut record = Vec::new();
    client_protection(&trace)
        .seal(ContentType::HANDSHAKE, finished, &mut record)
        .unwrap();
    let state = State::ExpectFinished(Box::new(then));
    server.state = Some(crate::server::State::Tls13(state));
    receive(&mut server, &record);
    assert!(matches!(step(&mut server), Step::HandshakeComplete));
    assert!(talk(&mut server, Side::Server, &trace).is_none());
}

// --- from the ClientHello on ---

/// The trace's key pair, and a nonce of zeros.
#[derive(Debug)]
struct Traced(Vec<u8>);

impl SecureRandom for Traced {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        out.fill(0);
        Ok(())
    }

    fn key_pair(&self, group: Group) -> Result<KeyPair, KeyExchangeError> {
        KeyPair::from_private(group, &self.0)
    }
}

/// Feeds the trace's ClientHello to a server that knows §3's session, and gives its ServerHello.
fn answer(trace: &Trace) -> ServerHello {
    let config = ServerConfig {
        random: Arc::new(Traced(trace.private_key(Side::Server).to_vec())),
        early_data: 1024,
        ..ServerConfig::default()
    };
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    receive(&mut server, sent(trace, Side::Client, &HANDSHAKE)[0]);
    loop {
        let answer = match step(&mut server) {
            Step::Need(Need::Certificate(need)) => need.answer(Ok(site())),
            Step::Need(Need::Session(need)) => need.answer(Ok(Some((0, session(trace))))),
            Step::Need(Need::EarlyData(need)) => need.answer(Ok(true)),
            _ => break,
        };
        server.answer(answer).unwrap();
    }
    let output = take_output(&mut server);
    let (message, _) = keyward_wire::handshake::split_first(&output[HEADER_LEN..]).unwrap();
    ServerHello::from_bytes(message.body).unwrap()
}

fn site() -> CertificateAnswer {
    let authority = Authority::new("test CA").unwrap();
    let issued = authority
        .issue_server(&["server"], KeyAlgorithm::P256)
        .unwrap();
    CertificateAnswer {
        candidates: vec![Arc::new(Credential::new(issued.chain_der.clone()).unwrap())],
        policy: Arc::new(Policy {
            cipher_suites: vec![SUITE],
            ..Policy::default()
        }),
        ..CertificateAnswer::default()
    }
}

fn session(trace: &Trace) -> SessionState {
    SessionState {
        version: ProtocolVersion::TLS13,
        cipher_suite: SUITE,
        secret: psk(trace).expect("a session is offered where there is a PSK"),
        created: NOW,
        issued: NOW,
        lifetime_s: 30,
        age_add: 0xfad6_aac5,
        server_name: Some("server".to_owned()),
        alpn: None,
        context: Vec::new(),
        extended_master_secret: true,
        peer_certificates: Arc::new([]),
        stapled: None,
        max_early_data: 1024,
    }
}

/// With the trace's key pair our ServerHello is the trace's, but for the random and the order of extensions. Not in §5, where
/// their HelloRetryRequest has a cookie.
#[test]
fn the_server_hello_is_the_traces_but_for_its_random() {
    for trace in [
        Trace::simple(),
        Trace::resumed(),
        Trace::client_authentication(),
        Trace::compatibility_mode(),
    ] {
        let mut theirs = ServerHello::from_bytes(&trace.messages(Side::Server)[0][4..]).unwrap();
        let ours = answer(&trace);
        assert_ne!(ours.random, theirs.random);
        theirs.random = ours.random;
        assert_eq!(ours, theirs);
    }
}
