//! The server: a client that knows the keys sends what the script says, in pieces, and the needs are answered in any
//! order, late, twice, wrongly or never.

use std::sync::{Arc, LazyLock, Mutex};

use keyward_crypto::key_exchange::Group;
use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, Limits, Negotiated, Policy, Server,
    ServerConfig, ServerConnection, SessionState, UnixTime, VerifySignatures,
};
use keyward_wire::extensions::ClientHelloExtensions;
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{
    AlertDescription, CertificateCompressionAlgorithm, CipherSuite, CompressionMethod, NamedGroup,
    ProtocolVersion, PskKeyExchangeMode, SignatureScheme,
};

use crate::driver::Driver;
use crate::peer::client::{Client, Part, Session};
use crate::peer::secrets::Suite;
use crate::script::Script;
use crate::site::{Mood, NOW, Repeatable, Site};

/// Each has a bit of 16: behind the sixteenth, those of DHE share the bits of suites that are not for the same version or
/// not for the same key.
const SUITES: [CipherSuite; 18] = [
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite(0x0035),
    CipherSuite(0xc00a),
    CipherSuite(0xc028),
    CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV,
    CipherSuite::TLS_FALLBACK_SCSV,
    CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_DHE_RSA_WITH_AES_256_CBC_SHA,
];

const GROUPS: [NamedGroup; 6] = [
    NamedGroup::X25519,
    NamedGroup::SECP256R1,
    NamedGroup::SECP384R1,
    NamedGroup::X25519MLKEM768,
    NamedGroup(0x0a0a),
    NamedGroup::FFDHE2048,
];

const SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme(0x0201),
    SignatureScheme(0x0a0a),
];

/// The most things that happen in one run.
const MAX_EVENTS: usize = 80;

/// One input.
pub fn run(data: &[u8]) {
    negotiates(data);
}

/// One input; how often a handshake was completed on the way, and what the last of them negotiated. `None` where the
/// client lost its way.
pub fn negotiates(data: &[u8]) -> (usize, Option<Negotiated>) {
    let mut script = Script::new(data);
    let mut world = World::new(&mut script);
    for _ in 0..MAX_EVENTS {
        if script.is_empty() {
            break;
        }
        world.event(&mut script);
        world.check();
    }
    world.settle();
    world.check();
    world.end();
    let negotiated = world.driver.connection.negotiated();
    let followed = negotiated.filter(|_| !world.client.stream.lost);
    (world.driver.handshakes, followed.cloned())
}

struct World {
    driver: Driver<Server>,
    client: Client,
    /// Whether something was done to the bytes on their way.
    damaged: bool,
}

impl World {
    fn new(script: &mut Script<'_>) -> Self {
        let mut site = site(script);
        let config = config(script, &mut site);
        site.early_data = config.early_data > 0;
        let connection = ServerConnection::new(Arc::new(config)).expect("a configuration");
        Self {
            driver: Driver::new(connection, site, NOW),
            client: client(script),
            damaged: false,
        }
    }

    fn event(&mut self, script: &mut Script<'_>) {
        match script.byte() % 32 {
            0 | 1 => {
                self.next(None, script);
                self.settle();
            }
            2 => self.next(None, script),
            3 | 4 => {
                let edit = script.edit();
                self.next(Some(edit), script);
            }
            5 => self.skip(script),
            6 => self.deliver(usize::from(script.byte()) + 1),
            7 => drop(self.driver.step()),
            8 => {
                let (which, mood) = (script.byte(), script.byte());
                self.driver.answer(usize::from(which), Mood::of(mood));
            }
            9 => drop(self.driver.open.pop()),
            10 => self.collect(usize::from(script.byte()) * 16),
            11 => {
                self.damaged = true;
                let bytes = script.bytes();
                self.client.stream.outgoing.extend_from_slice(bytes);
            }
            12 => {
                let (typ, padding) = (script.byte(), script.byte());
                let bytes = script.bytes();
                let typ = if typ < 8 { 20 + typ % 4 } else { typ };
                self.client.stream.record(typ, bytes, usize::from(padding));
            }
            13 => {
                let (typ, body) = (script.byte(), script.bytes());
                let typ = keyward_wire::values::HandshakeType(typ);
                let message = keyward_wire::handshake::frame(typ, body);
                self.client.send_message(&message);
            }
            14 => {
                let length = usize::from(script.word());
                for piece in vec![0x61; length].chunks(1 << 14) {
                    self.client.stream.record(23, piece, 0);
                }
            }
            15 => {
                let alert = [script.byte(), script.byte()];
                self.client.stream.record(21, &alert, 0);
            }
            16 => self.client.stream.plain(20, &[1]),
            17 => {
                let how = script.byte();
                if self.client.may_renegotiate() {
                    self.renegotiate(how & 2 != 0);
                } else {
                    self.client.stream.record(22, &[24, 0, 0, 1, how & 1], 0);
                    self.client.update_keys();
                }
            }
            18 => {
                let data = vec![0x62; usize::from(script.word())];
                match self.driver.connection.send(&data) {
                    // A TLS 1.3 server that asks for no certificate may speak before the client's Finished.
                    Ok(n) => assert!(n == 0 || self.driver.complete || self.may_speak_first()),
                    Err(error) => {
                        if self.driver.error.is_none() && !self.driver.silent {
                            // Keys are used up, which only the next step tells otherwise.
                            assert!(self.driver.complete, "{error}");
                            self.driver.silent = true;
                        }
                    }
                }
            }
            19 => {
                let _ = self.driver.connection.update_keys(script.byte() & 1 != 0);
            }
            20 => {
                self.driver.connection.close();
                self.driver.silent = true;
            }
            21 => {
                let description = AlertDescription(script.byte());
                self.driver.connection.abort(description);
                self.driver.silent = true;
            }
            22 => self.driver.connection.receive_eof(),
            23 => self.driver.read(usize::from(script.byte())),
            24 => self.driver.connection.release_buffers(),
            25 => self.settle(),
            26 => self.repeat(usize::from(script.byte())),
            27 => {
                // Bytes that change on their way.
                self.damaged = true;
                script.edit().apply(&mut self.client.stream.outgoing);
            }
            28 => {
                let seconds = u64::from(script.word());
                let now = self.driver.now.as_millis() + seconds * 1000;
                self.driver.now = UnixTime::from_millis(now);
            }
            29 => self.client.stream.fragment = usize::from(script.byte()),
            30 => drop(self.driver.connection.take_trace()),
            _ => self.client.stream.write = None,
        }
    }

    /// What a client would send next, in the order that the script says.
    fn next(&mut self, edit: Option<crate::peer::Edit>, script: &mut Script<'_>) {
        let plan = self.client.plan();
        let which = edit.map(|_| usize::from(script.byte()) % plan.len().max(1));
        for (at, part) in plan.into_iter().enumerate() {
            self.client.send(part, edit.filter(|_| which == Some(at)));
        }
    }

    /// The same, with a part left out, doubled, or out of its place.
    fn skip(&mut self, script: &mut Script<'_>) {
        let mut plan = self.client.plan();
        if plan.is_empty() {
            plan = vec![Part::Finished];
        }
        let (how, at) = (script.byte(), usize::from(script.byte()) % plan.len());
        match how % 4 {
            0 => drop(plan.remove(at)),
            1 => plan.insert(at, plan[at]),
            2 => plan.rotate_left(1),
            _ => {
                const PARTS: [Part; 8] = [
                    Part::ClientHello,
                    Part::EndOfEarlyData,
                    Part::Certificate,
                    Part::CertificateVerify,
                    Part::ClientKeyExchange,
                    Part::ChangeCipherSpec,
                    Part::Finished,
                    Part::Data,
                ];
                plan.insert(at, PARTS[usize::from(how / 4) % PARTS.len()]);
            }
        }
        for part in plan {
            self.client.send(part, None);
        }
    }

    /// Another handshake of TLS 1.2, of the client's own accord or because the server asks for one.
    fn renegotiate(&mut self, asked: bool) {
        if asked {
            let _ = self.driver.connection.request_renegotiation();
            self.settle();
        }
        self.client.renegotiate();
    }

    /// Moves bytes to the server.
    fn deliver(&mut self, most: usize) {
        let bytes = &self.client.stream.outgoing;
        let taken = self
            .driver
            .connection
            .receive(&bytes[..most.min(bytes.len())]);
        self.client.stream.outgoing.drain(..taken);
    }

    /// Moves bytes to the client.
    fn collect(&mut self, most: usize) {
        let output = self.driver.connection.output();
        let n = most.min(output.len());
        let bytes = output[..n].to_vec();
        self.driver.connection.consume_output(n);
        self.client.take(&bytes);
    }

    fn settle(&mut self) {
        loop {
            let before = self.client.stream.outgoing.len();
            self.deliver(usize::MAX);
            self.driver.run();
            self.collect(usize::MAX);
            if self.client.stream.outgoing.len() == before {
                return;
            }
        }
    }

    /// The same record again and again.
    fn repeat(&mut self, times: usize) {
        let before = self.client.stream.outgoing.len();
        self.client.stream.record(23, b"", 0);
        for _ in 0..times {
            self.client.stream.record(23, b"", 0);
        }
        assert!(self.client.stream.outgoing.len() > before);
    }

    fn may_speak_first(&self) -> bool {
        let negotiated = self.driver.connection.negotiated();
        negotiated.is_some_and(|negotiated| {
            negotiated.version == ProtocolVersion::TLS13
                && (negotiated.resumed
                    || self.driver.site.client_authentication.request().is_none())
        })
    }

    fn check(&self) {
        self.driver.check();
        let stream = &self.client.stream;
        let read = &self.driver.read;
        let with_early = [&stream.sent_early[..], &stream.sent].concat();
        assert!(
            stream.sent.starts_with(read) || with_early.starts_with(read),
            "the server read what the client did not send"
        );
        assert!(
            !self.driver.complete || self.client.finished,
            "complete without a Finished"
        );
    }

    /// All has arrived: the alert that an error stands for is what the client got last.
    fn end(&mut self) {
        let Some(error) = &self.driver.error else {
            return;
        };
        if let Some(description) = error.alert()
            && !self.driver.silent
            && !self.client.stream.lost
        {
            assert_eq!(
                self.client.stream.alert,
                Some((2, description.0)),
                "the alert for {error:?}"
            );
        }
        assert!(self.driver.connection.receive(&[0; 100_000]) == 100_000);
        assert!(!self.driver.step());
        assert!(self.driver.connection.send(b"data").is_err());
    }
}

fn site(script: &mut Script<'_>) -> Site {
    let choice = script.byte();
    let policy = match choice & 3 {
        0 | 1 => Policy::intermediate(),
        2 => Policy::legacy(),
        _ => Policy::modern(),
    };
    Site {
        policy: Arc::new(policy),
        // P-256 alone, if nothing else is said: it is the fastest.
        credentials: match choice >> 2 & 7 {
            0 => 1,
            bits => bits,
        },
        alpn: match choice >> 5 & 1 {
            0 => Vec::new(),
            _ => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        },
        context: match choice >> 6 & 1 {
            0 => Vec::new(),
            _ => b"context".to_vec(),
        },
        sessions: stored(),
        early_data: false,
        client_authentication: match choice >> 7 {
            0 => ClientAuthentication::Off,
            _ => ClientAuthentication::Optional(ClientCertificateRequest::default()),
        },
        ..Site::default()
    }
}

/// What the server stored of the handshakes before.
pub(crate) fn stored() -> Vec<(Vec<u8>, SessionState)> {
    STORED.1.lock().expect("no holder panics").clone()
}

/// The configuration; its last bit is for the site, whose own are all taken.
fn config(script: &mut Script<'_>, site: &mut Site) -> ServerConfig {
    let choice = script.byte();
    if choice & 0x80 != 0 {
        site.adorned = true;
        Arc::make_mut(&mut site.policy).renegotiation = true;
    }
    let mut config = ServerConfig {
        random: Repeatable::new(u64::from(choice)),
        session_ticket_count_tls13: choice >> 1 & 3,
        ..ServerConfig::default()
    };
    if choice & 1 != 0 {
        config.verify_signatures = VerifySignatures::Always;
    }
    if choice & 8 != 0 {
        config.limits = Limits {
            records_per_key: Some(4),
            skipped_early_data: 600,
            ..Limits::default()
        };
    }
    config.trace = choice & 16 == 0;
    config.early_data = u32::from(choice >> 5 & 1) * 1000;
    if choice & 64 != 0 {
        config.certificate_compression = vec![CertificateCompressionAlgorithm::ZLIB];
    }
    config
}

fn client(script: &mut Script<'_>) -> Client {
    let choice = script.byte();
    let versions = match choice & 3 {
        0 => vec![ProtocolVersion::TLS13, ProtocolVersion::TLS12],
        1 => vec![ProtocolVersion::TLS13],
        2 => vec![ProtocolVersion::TLS12],
        _ => Vec::new(),
    };
    let session = match choice >> 2 & 3 {
        0 | 1 => None,
        2 => STORED.0.first().cloned(),
        _ => STORED.0.get(1 + usize::from(choice >> 4 & 1)).cloned(),
    };
    let flags = script.word() ^ 0b111;
    let flag = |bit: u16| flags & (1 << bit) != 0;
    let groups = script.some(&GROUPS, 3);
    let shares = script.some(&[Group::X25519, Group::Secp256r1, Group::Secp384r1], 1);
    let hello = ClientHello {
        legacy_version: ProtocolVersion::TLS12,
        random: [0xc1; 32],
        session_id: match &session {
            Some(session) if !session.id.is_empty() => session.id.clone(),
            _ => vec![0x1d; if flag(8) { 0 } else { 32 }],
        },
        cipher_suites: script.some(&SUITES, 9),
        compression_methods: vec![CompressionMethod::NULL],
        extensions: ClientHelloExtensions {
            server_name: flag(2).then(|| "shop.example".parse().expect("a name")),
            supported_versions: (!versions.is_empty()).then_some(versions),
            supported_groups: Some(groups),
            signature_algorithms: Some(script.some(&SCHEMES, 6)),
            key_share: (choice & 3 != 2).then(Vec::new),
            psk_key_exchange_modes: (choice & 3 < 2).then(|| vec![PskKeyExchangeMode::PSK_DHE_KE]),
            extended_master_secret: flag(0),
            session_ticket: flag(1).then(Vec::new),
            status_request: flag(3),
            signed_certificate_timestamp: flag(4),
            alpn: flag(5).then(|| vec![b"http/1.1".to_vec()]),
            compress_certificate: flag(6).then(|| vec![CertificateCompressionAlgorithm::ZLIB]),
            record_size_limit: flag(7).then_some(64 + 512 * u16::from(flag(9))),
            early_data: flag(10) && session.is_some(),
            renegotiation_info: flag(11).then(Vec::new),
            encrypt_then_mac: flag(12),
            delegated_credential: flag(13).then(|| {
                vec![
                    SignatureScheme::ECDSA_SECP256R1_SHA256,
                    SignatureScheme::ED25519,
                ]
            }),
            post_handshake_auth: flag(14),
            ..ClientHelloExtensions::default()
        },
    };
    let mut client = Client::new(hello, &shares);
    client.session = session;
    client
}

/// Sessions that clients may offer: of TLS 1.3, of TLS 1.2 by ticket and by id. And what the server stored.
type Stored = (Vec<Session>, Mutex<Vec<(Vec<u8>, SessionState)>>);

static STORED: LazyLock<Stored> = LazyLock::new(|| {
    let mut sessions = Vec::new();
    let mut stored = Vec::new();
    for (version, ticket) in [(1, true), (2, true), (2, false)] {
        let mut client = client(&mut Script::new(&[version, 0, if ticket { 0 } else { 2 }]));
        let site = Site {
            early_data: true,
            ..Site::default()
        };
        let connection = ServerConnection::new(Arc::new(ServerConfig {
            early_data: 1000,
            ..ServerConfig::default()
        }));
        let mut driver = Driver::new(connection.expect("a configuration"), site, NOW);
        for _ in 0..3 {
            for part in client.plan() {
                client.send(part, None);
            }
            driver.connection.receive(&client.stream.outgoing);
            client.stream.outgoing.clear();
            driver.run();
            let output = driver.connection.output().to_vec();
            driver.connection.consume_output(output.len());
            client.take(&output);
        }
        assert!(driver.complete, "{:?}", driver.error);
        if let Some(session) = client.tickets.pop() {
            sessions.push(session);
        } else {
            let hello = client.server_hello.expect("it was complete");
            sessions.push(Session {
                ticket: client.ticket12,
                id: if ticket {
                    vec![0x1d; 32]
                } else {
                    hello.session_id
                },
                secret: client.tls12.expect("it was complete").master,
                suite: Suite::of(hello.cipher_suite).expect("a suite that we offered"),
                age_add: 0,
            });
        }
        stored.extend(driver.site.sessions);
    }
    (sessions, Mutex::new(stored))
});
