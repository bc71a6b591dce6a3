//! Every step of RFC 8448's traces, done with our key schedule, our records and our messages: each secret, key, IV,
//! Finished and binder, and each record both ways, byte for byte.

use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::hkdf::expand_label;
use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_keyop::tls13::{client_certificate_verify_message, server_certificate_verify_message};
use keyward_wire::codec::Decode;
use keyward_wire::handshake::{CertificateTls13, CertificateVerify, ServerHello};
use keyward_wire::record::HEADER_LEN;
use keyward_wire::values::{CipherSuite, ContentType};

use super::*;
use crate::handshake::Transcript;
use crate::record::{Output, RecordWriter};
use crate::rfc8448::{Side, Step, Trace};

mod messages;
mod signatures;

/// What one side knows.
struct Peer {
    key_pair: Option<KeyPair>,
    public: Vec<u8>,
    early: Option<EarlySecret>,
    handshake: Option<HandshakeSecret>,
    master: Option<MasterSecret>,
    resumption: Option<ResumptionSecret>,
    early_traffic: Option<TrafficSecret>,
    /// The client's, the server's.
    handshake_traffic: Option<(TrafficSecret, TrafficSecret)>,
    application_traffic: Option<(TrafficSecret, TrafficSecret)>,
    writer: RecordWriter,
    /// What opens the records that the writer writes.
    opener: Option<Protection>,
    certificate: Vec<u8>,
}

impl Peer {
    fn new(who: Side) -> Self {
        let mut writer = RecordWriter::new(None);
        if who == Side::Client {
            writer.begin_with_client_hello();
        }
        Self {
            key_pair: None,
            public: Vec::new(),
            early: None,
            handshake: None,
            master: None,
            resumption: None,
            early_traffic: None,
            handshake_traffic: None,
            application_traffic: None,
            writer,
            opener: None,
            certificate: Vec::new(),
        }
    }
}

/// The hashes that the key schedule is fed with.
#[derive(Default)]
struct Hashes {
    client_hello: Option<Digest>,
    server_hello: Option<Digest>,
    server_finished: Option<Digest>,
    client_finished: Option<Digest>,
    /// Before the last Finished of each side.
    before_finished: [Option<Digest>; 2],
}

struct Run {
    suite: &'static Suite,
    psk: Option<Secret>,
    peers: [Peer; 2],
    /// The last ClientHello, until a ServerHello answers it.
    client_hello: Vec<u8>,
    transcript: Transcript,
    hashes: Hashes,
}

fn at(who: Side) -> usize {
    usize::from(who == Side::Server)
}

impl Run {
    fn new(psk: Option<Secret>) -> Self {
        Self {
            suite: Suite::of(CipherSuite::TLS_AES_128_GCM_SHA256).unwrap(),
            psk,
            peers: [Peer::new(Side::Client), Peer::new(Side::Server)],
            client_hello: Vec::new(),
            transcript: Transcript::new(Sha256),
            hashes: Hashes::default(),
        }
    }

    /// Does all of a trace; the PSK of the ticket in it, if there is one.
    fn through(mut self, trace: &Trace) -> Option<Secret> {
        let mut psk = None;
        for step in &trace.steps {
            expansion(step);
            if step.what.contains("ephemeral") {
                self.key_pair(step);
            } else if let Some((name, message)) = step.message() {
                self.constructed(step.who, name, message);
            } else if let Some(content_type) = step.record_type() {
                self.record(step, content_type);
            } else if step.what.contains("traffic keys") {
                self.traffic_keys(step);
            } else if let Some(secret) = self.secret(step) {
                psk = Some(secret);
            }
        }
        psk
    }

    fn key_pair(&mut self, step: &Step) {
        let group = if step.what.contains("x25519") {
            Group::X25519
        } else {
            assert!(step.what.contains("P-256"), "{}", step.what);
            Group::Secp256r1
        };
        let key_pair = KeyPair::from_private(group, step.field("private key")).unwrap();
        assert_eq!(key_pair.public(), step.field("public key"));
        let peer = &mut self.peers[at(step.who)];
        peer.public = key_pair.public().to_vec();
        peer.key_pair = Some(key_pair);
    }

    fn constructed(&mut self, who: Side, name: &str, message: &[u8]) {
        match name {
            // Whole, with its binders, when it is sent.
            "ClientHello" => return,
            "ServerHello" => self.server_hello(message),
            "CertificateVerify" => self.certificate_verify(who, message),
            "Finished" => self.finished(who, message),
            "Certificate" => {
                let list = CertificateTls13::from_bytes(&message[4..]).unwrap();
                self.peers[at(who)].certificate = list.certificate_list[0].cert_data.clone();
                self.transcript.add(message);
            }
            _ => self.transcript.add(message),
        }
        messages::assert_same_encoded(message);
    }

    fn server_hello(&mut self, message: &[u8]) {
        let hello = ServerHello::from_bytes(&message[4..]).unwrap();
        if hello.is_hello_retry_request() {
            self.transcript.add_retried_client_hello(&self.client_hello);
        } else {
            self.transcript.add(&self.client_hello);
        }
        self.transcript.add(message);
        self.hashes.server_hello = Some(self.transcript.current());
    }

    fn certificate_verify(&mut self, who: Side, message: &[u8]) {
        let verify = CertificateVerify::from_bytes(&message[4..]).unwrap();
        let hash = self.transcript.current();
        let content = match who {
            Side::Client => client_certificate_verify_message(&hash),
            Side::Server => server_certificate_verify_message(&hash),
        };
        signatures::assert_verifies(&self.peers[at(who)].certificate, &verify, &content);
        self.transcript.add(message);
    }

    fn finished(&mut self, who: Side, message: &[u8]) {
        self.transcript.add(message);
        let hash = Some(self.transcript.current());
        match who {
            Side::Client => self.hashes.client_finished = hash,
            Side::Server => self.hashes.server_finished = hash,
        }
    }

    // --- records ---

    fn record(&mut self, step: &Step, content_type: ContentType) {
        let (payload, record) = (step.field("payload"), step.field("complete record"));
        if payload[0] == 1 && content_type == ContentType::HANDSHAKE {
            messages::assert_same_encoded(payload);
            self.client_hello = payload.to_vec();
            self.hashes.client_hello = Some(Sha256.digest(payload));
        }
        let peer = &mut self.peers[at(step.who)];
        let mut output = Output::default();
        peer.writer
            .write(content_type, payload, &mut output)
            .unwrap();
        assert_eq!(output.pending(), record, "{:?} {}", step.who, step.what);

        let mut record = record.to_vec();
        let (header, body) = record.split_first_chunk_mut::<HEADER_LEN>().unwrap();
        let opened = match &mut peer.opener {
            Some(protection) => {
                let (opened_type, content) = protection.open(*header, body).unwrap();
                (opened_type, &body[content])
            }
            None => (ContentType(header[0]), &body[..]),
        };
        assert_eq!(opened, (content_type, payload));
    }

    fn traffic_keys(&mut self, step: &Step) {
        let writes = step.what.starts_with("derive write");
        let writer = if writes { step.who } else { other(step.who) };
        let peer = &mut self.peers[at(step.who)];
        let traffic = match step.what.rsplit_once(" for ").unwrap().1 {
            "early application data" => peer.early_traffic.as_ref(),
            "handshake data" => peer.handshake_traffic.as_ref().map(|both| of(writer, both)),
            "application data" => peer
                .application_traffic
                .as_ref()
                .map(|both| of(writer, both)),
            other => panic!("{other}"),
        };
        let traffic = traffic.unwrap();
        assert_eq!(traffic.secret.as_bytes(), step.field("PRK"));
        for (label, length) in [("key", 16), ("iv", NONCE_LEN)] {
            let mut out = vec![0; length];
            expand_label(Sha256, &traffic.secret, label.as_bytes(), b"", &mut out);
            assert_eq!(out, step.field(&format!("{label} expanded")));
        }
        if writes {
            peer.writer.set_protection(traffic.protection().unwrap());
            peer.opener = Some(traffic.protection().unwrap());
        }
    }

    // --- secrets ---

    /// Derives a secret and compares; gives a ticket's PSK.
    fn secret(&mut self, step: &Step) -> Option<Secret> {
        let Self { suite, hashes, .. } = self;
        let nothing = Sha256.digest(b"");
        let theirs = self.peers[at(other(step.who))].public.clone();
        let peer = &mut self.peers[at(step.who)];
        let expected = step.get("expanded").or(step.get("secret"));
        let (derived, over) = match step.what.as_str() {
            "extract secret \"early\"" => {
                let early = EarlySecret::new(suite, self.psk.as_ref());
                let secret = match early.psk.as_ref().map(|psk| &psk.secret) {
                    Some(secret) => secret.clone(),
                    None => secret_without_psk(Sha256),
                };
                peer.early = Some(early);
                let psk = self.psk.as_ref().map_or(zeros(Sha256), Secret::as_bytes);
                assert_eq!(step.field("IKM"), psk);
                (secret, None)
            }
            "extract secret \"handshake\"" => {
                let shared = peer.key_pair.take().unwrap().agree(&theirs).unwrap();
                assert_eq!(step.field("IKM"), shared.as_bytes());
                let handshake = peer.early.take().unwrap().into_handshake(&shared);
                let secret = handshake.secret.clone();
                peer.handshake = Some(handshake);
                (secret, None)
            }
            "extract secret \"master\"" => {
                let master = peer.master.as_ref().unwrap();
                (master.secret.clone(), None)
            }
            "derive secret for handshake \"tls13 derived\"" => {
                let early = peer.early.as_ref().unwrap();
                if early.psk.is_none() {
                    assert_eq!(derived_without_psk(Sha256), expected);
                }
                (early.derive(b"derived", &nothing), Some(nothing))
            }
            "derive secret for master \"tls13 derived\"" => {
                let secret = &peer.handshake.as_ref().unwrap().secret;
                (derive(suite, secret, b"derived", &nothing), Some(nothing))
            }
            "derive secret \"tls13 c e traffic\"" => {
                let hash = hashes.client_hello.unwrap();
                let traffic = peer.early.as_ref().unwrap().early_traffic(&hash);
                let secret = traffic.secret.clone();
                peer.early_traffic = Some(traffic);
                (secret, Some(hash))
            }
            "derive secret \"tls13 e exp master\"" => {
                let hash = hashes.client_hello.unwrap();
                (peer.early.as_ref().unwrap().exporter(&hash), Some(hash))
            }
            "derive secret \"tls13 c hs traffic\"" | "derive secret \"tls13 s hs traffic\"" => {
                let hash = hashes.server_hello.unwrap();
                let handshake = peer.handshake.as_ref().unwrap();
                let (client, server, master) = handshake.traffic(&hash);
                let traffic = (client, server);
                let secret = of(owner(step), &traffic).secret.clone();
                peer.handshake_traffic = Some(traffic);
                peer.master = Some(master);
                (secret, Some(hash))
            }
            "derive secret \"tls13 c ap traffic\"" | "derive secret \"tls13 s ap traffic\"" => {
                let hash = hashes.server_finished.unwrap();
                let (client, server, _) = peer.master.as_ref().unwrap().traffic(&hash);
                let traffic = (client, server);
                let secret = of(owner(step), &traffic).secret.clone();
                peer.application_traffic = Some(traffic);
                (secret, Some(hash))
            }
            "derive secret \"tls13 exp master\"" => {
                let hash = hashes.server_finished.unwrap();
                let (_, _, exporter) = peer.master.as_ref().unwrap().traffic(&hash);
                (exporter, Some(hash))
            }
            "derive secret \"tls13 res master\"" => {
                let hash = hashes.client_finished.unwrap();
                let resumption = peer.master.take().unwrap().into_resumption(&hash);
                let secret = resumption.secret.clone();
                peer.resumption = Some(resumption);
                (secret, Some(hash))
            }
            "generate resumption secret \"tls13 resumption\"" => {
                let psk = peer.resumption.as_ref().unwrap().psk(step.field("hash"));
                assert_eq!(Some(psk.as_bytes()), expected);
                return Some(psk);
            }
            "calculate finished \"tls13 finished\"" => {
                self.verify_data(step);
                return None;
            }
            "calculate PSK binder" => {
                let prefix = Sha256.digest(step.field("ClientHello prefix"));
                assert_eq!(*prefix, *step.field("binder hash"));
                let early = peer.early.as_ref().unwrap();
                assert_eq!(*early.binder(&prefix), *step.field("finished"));
                assert!(early.verify_binder(&prefix, step.field("finished")));
                return None;
            }
            other => panic!("what is {other:?}?"),
        };
        assert_eq!(Some(derived.as_bytes()), expected, "{}", step.what);
        if let Some(hash) = over {
            assert_eq!(*hash, *step.field("hash"), "{}", step.what);
        }
        None
    }

    /// The first of a Finished is made by its sender, the second checked by its receiver.
    fn verify_data(&mut self, step: &Step) {
        let value = step.field("finished");
        let both = self.peers[at(step.who)].handshake_traffic.as_ref().unwrap();
        let mine = of(step.who, both);
        if mine.secret.as_bytes() == step.field("PRK") {
            let hash = self.transcript.current();
            assert_eq!(*mine.finished_key().mac(&hash), *value);
            self.hashes.before_finished[at(step.who)] = Some(hash);
        } else {
            let sender = other(step.who);
            let hash = self.hashes.before_finished[at(sender)].unwrap();
            assert!(of(sender, both).finished_key().verify(&hash, value));
        }
    }
}

/// HKDF-Expand-Label alone: whatever a step expands, from the values that it shows.
fn expansion(step: &Step) {
    for (info, expanded) in [
        ("info", "expanded"),
        ("key info", "key expanded"),
        ("iv info", "iv expanded"),
    ] {
        let Some(info) = step.get(info) else {
            continue;
        };
        // uint16 length; opaque label<7..255>, "tls13 " in front; opaque context<0..255>.
        let (head, rest) = info.split_at(3);
        let (label, context) = rest.split_at(head[2].into());
        assert_eq!(usize::from(context[0]), context.len() - 1);
        let length = u16::from_be_bytes([head[0], head[1]]);
        let mut out = vec![0; length.into()];
        let prk = Secret::from_slice(step.field("PRK"));
        let label = label.strip_prefix(b"tls13 ").unwrap();
        expand_label(Sha256, &prk, label, &context[1..], &mut out);
        assert_eq!(out, step.field(expanded), "{}", step.what);
        assert_eq!(step.get("hash").unwrap_or_default(), &context[1..]);
    }
}

fn other(who: Side) -> Side {
    match who {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

fn of(who: Side, (client, server): &(TrafficSecret, TrafficSecret)) -> &TrafficSecret {
    match who {
        Side::Client => client,
        Side::Server => server,
    }
}

/// Whose traffic secret a step derives.
fn owner(step: &Step) -> Side {
    if step.what.contains("tls13 c ") {
        Side::Client
    } else {
        Side::Server
    }
}

/// §3, and §4 with the session that comes of it.
#[test]
fn a_handshake_and_its_resumption_with_early_data() {
    let psk = Run::new(None).through(&Trace::simple());
    assert!(psk.is_some());
    Run::new(psk).through(&Trace::resumed());
}

#[test]
fn hello_retry_request() {
    Run::new(None).through(&Trace::hello_retry_request());
}

#[test]
fn client_authentication() {
    Run::new(None).through(&Trace::client_authentication());
}

#[test]
fn compatibility_mode() {
    Run::new(None).through(&Trace::compatibility_mode());
}
