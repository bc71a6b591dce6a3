//! What the engine holds at most in each state, driven by a peer that sends the largest input which that state takes.
//! docs/limits.md has the table; it is held to what is measured here.

use std::sync::Arc;

use allocation_counter::measure;
use keyward_crypto::key_exchange::Group;
use keyward_fuzz::peer::client::{Client, Part};
use keyward_fuzz::site::{CREDENTIALS, Mood, Site};
use keyward_tls::{
    Answer, ClientAuthentication, ClientCertificateRequest, ClientConfig, ClientConnection,
    Connection, Credential, Need, Role, ServerConfig, ServerConnection, Step, UnixTime,
};
use keyward_wire::extensions::ClientHelloExtensions;
use keyward_wire::handshake::{self, ClientHello};
use keyward_wire::values::{
    CipherSuite, CompressionMethod, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const LIMITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");

/// A connection whose heap is counted: what it holds, what the needs hold that it handed out, and its output.
struct Metered<R: Role> {
    connection: Connection<R>,
    held: i64,
    peak: i64,
    site: Site,
    open: Vec<Need>,
}

impl<R: Role> Metered<R> {
    fn new(make: impl FnOnce() -> Connection<R>) -> Self {
        let mut made = None;
        let info = measure(|| made = Some(make()));
        Self {
            connection: made.unwrap(),
            held: info.bytes_current,
            peak: i64::try_from(info.bytes_max).unwrap(),
            site: Site::default(),
            open: Vec::new(),
        }
    }

    fn count<T>(&mut self, act: impl FnOnce(&mut Connection<R>) -> T) -> T {
        let mut outcome = None;
        let connection = &mut self.connection;
        let info = measure(|| outcome = Some(act(connection)));
        self.peak = self
            .peak
            .max(self.held + i64::try_from(info.bytes_max).unwrap());
        self.held += info.bytes_current;
        outcome.unwrap()
    }

    /// Gives it as much as it takes, stepping on the way; how much that was.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            let n = self.count(|connection| connection.receive(rest));
            taken += n;
            self.step();
            if n == 0 || taken == bytes.len() {
                return taken;
            }
        }
    }

    /// Steps until it is blocked; needs stay open, data unread.
    fn step(&mut self) {
        loop {
            match self.count(|connection| connection.step(NOW)).unwrap() {
                Step::Need(need) => self.open.push(need),
                Step::HandshakeComplete | Step::SessionReceived(_) => {}
                _ => return,
            }
        }
    }

    /// Answers what is open. What an answer brings along is the site's, and shared.
    fn answer(&mut self) {
        while !self.open.is_empty() {
            let need = self.open.remove(0);
            let answer = match need {
                Need::ClientCertificate(need) => need.answer(Ok(Some(vec![long_chain()]))),
                Need::OfferSession(need) => need.answer(Ok(None)),
                other => self.site.answer(other, Mood::Right),
            };
            self.take(answer);
            self.step();
        }
    }

    fn take(&mut self, answer: Answer) {
        self.count(|connection| connection.answer(answer)).unwrap();
    }

    fn output(&mut self) -> Vec<u8> {
        let bytes = self.connection.output().to_vec();
        self.count(|connection| connection.consume_output(bytes.len()));
        bytes
    }
}

/// Nearly as long as a chain may be: a leaf, and it again as everybody's issuer.
fn long_chain() -> Arc<Credential> {
    let leaf = CREDENTIALS[0].chain()[0].clone();
    let count = 60 * 1024 / (leaf.len() + 5);
    Arc::new(Credential::new(vec![leaf; count]).unwrap())
}

fn server() -> Metered<keyward_tls::Server> {
    Metered::new(|| ServerConnection::new(Arc::new(ServerConfig::default())).unwrap())
}

fn client() -> Metered<keyward_tls::Client> {
    let name = "shop.example".parse().unwrap();
    let mut client =
        Metered::new(|| ClientConnection::new(Arc::new(ClientConfig::default()), name).unwrap());
    client.step();
    client.answer();
    client
}

fn peer(version: ProtocolVersion, suites: usize) -> Client {
    let mut cipher_suites = vec![
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ];
    cipher_suites.extend((0..suites).map(|_| CipherSuite(0x0a0a)));
    let tls13 = version == ProtocolVersion::TLS13;
    let hello = ClientHello {
        legacy_version: ProtocolVersion::TLS12,
        random: [0xc1; 32],
        session_id: vec![0x1d; 32],
        cipher_suites,
        compression_methods: vec![CompressionMethod::NULL],
        extensions: ClientHelloExtensions {
            server_name: Some("shop.example".parse().unwrap()),
            supported_versions: Some(vec![version]),
            supported_groups: Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]),
            signature_algorithms: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
            key_share: tls13.then(Vec::new),
            extended_master_secret: true,
            ..ClientHelloExtensions::default()
        },
    };
    Client::new(hello, &[Group::X25519])
}

/// A server that has sent its flight to this client.
fn after_the_flight(client: &mut Client) -> Metered<keyward_tls::Server> {
    let mut server = server();
    client.send(Part::ClientHello, None);
    exchange(&mut server, client);
    server
}

fn exchange(server: &mut Metered<keyward_tls::Server>, client: &mut Client) {
    let sent = std::mem::take(&mut client.stream.outgoing);
    server.fill(&sent);
    server.answer();
    let output = server.output();
    client.take(&output);
}

/// A handshake message that is all there but for its last byte, in records, and what fills the buffer behind it.
fn endless(client: &mut Client, typ: HandshakeType) -> Vec<u8> {
    let mut message = handshake::frame(typ, &vec![0x5a; 64 * 1024][..]);
    message.pop();
    client.stream.handshake(&message);
    let mut bytes = std::mem::take(&mut client.stream.outgoing);
    bytes.extend([22, 3, 3, 0x40, 0]);
    if client.stream.write.is_some() {
        bytes[0] = 23;
        let at = bytes.len() - 5;
        bytes[at] = 23;
    }
    bytes.resize(bytes.len() + (1 << 14) - 1, 0);
    bytes
}

fn data(client: &mut Client) -> Vec<u8> {
    for _ in 0..8 {
        client.stream.record(23, &vec![0x61; 1 << 14], 0);
    }
    std::mem::take(&mut client.stream.outgoing)
}

/// The peak of each state in bytes, by the names that the table has.
fn measured() -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    let noise = vec![0x17; 256 * 1024];

    let mut waiting = server();
    waiting.fill(&endless(
        &mut peer(ProtocolVersion::TLS13, 0),
        HandshakeType::CLIENT_HELLO,
    ));
    rows.push(("server: waits for a ClientHello", waiting.peak));

    for (name, version) in [
        (
            "server: needs open after a ClientHello of TLS 1.3",
            ProtocolVersion::TLS13,
        ),
        (
            "server: needs open after a ClientHello of TLS 1.2",
            ProtocolVersion::TLS12,
        ),
    ] {
        let mut client = peer(version, 32_000);
        client.send(Part::ClientHello, None);
        let mut server = server();
        server.fill(&client.stream.outgoing);
        server.fill(&noise);
        assert_eq!(server.open.len(), 1, "{name}");
        rows.push((name, server.peak));
    }

    let mut client13 = peer(ProtocolVersion::TLS13, 0);
    let mut server13 = after_the_flight(&mut client13);
    server13.fill(&endless(&mut client13, HandshakeType::FINISHED));
    rows.push(("server: waits for the Finished of TLS 1.3", server13.peak));

    let mut client12 = peer(ProtocolVersion::TLS12, 0);
    let mut server12 = after_the_flight(&mut client12);
    server12.fill(&endless(&mut client12, HandshakeType::CLIENT_KEY_EXCHANGE));
    rows.push((
        "server: waits for the ClientKeyExchange of TLS 1.2",
        server12.peak,
    ));

    for (name, version) in [
        (
            "server: data of TLS 1.3 not read, output not sent",
            ProtocolVersion::TLS13,
        ),
        (
            "server: data of TLS 1.2 not read, output not sent",
            ProtocolVersion::TLS12,
        ),
    ] {
        let mut client = peer(version, 0);
        let mut server = after_the_flight(&mut client);
        for part in client.plan() {
            client.send(part, None);
        }
        exchange(&mut server, &mut client);
        assert!(server.connection.is_handshake_complete(), "{name}");
        let handshake = server.peak;
        server.peak = 0;
        server.fill(&data(&mut client));
        while server.count(|connection| connection.send(&noise)).unwrap() > 0 {}
        rows.push((name, server.peak));
        rows.push(match version {
            ProtocolVersion::TLS13 => (
                "server: a whole handshake of TLS 1.3, usual input",
                handshake,
            ),
            _ => (
                "server: a whole handshake of TLS 1.2, usual input",
                handshake,
            ),
        });
    }

    // Ours on both sides, with chains as long as may be.
    let mut client = client();
    let mut server = server();
    server.site.client_authentication =
        ClientAuthentication::Required(ClientCertificateRequest::default());
    let hello = client.output();
    rows.push(("client: waits for a ServerHello", {
        let mut waiting = self::client();
        waiting.fill(&endless(
            &mut peer(ProtocolVersion::TLS13, 0),
            HandshakeType::SERVER_HELLO,
        ));
        waiting.peak
    }));
    server.fill(&hello);
    while let Some(need) = server.open.pop() {
        let answer = match need {
            Need::Certificate(need) => {
                let mut answer = server.site.certificate(None);
                answer.candidates = vec![long_chain()];
                need.answer(Ok(answer))
            }
            other => server.site.answer(other, Mood::Right),
        };
        server.take(answer);
        server.step();
    }
    let flight = server.output();
    client.fill(&flight);
    client.fill(&noise);
    assert!(matches!(client.open[..], [Need::PeerCertificate(_)]));
    rows.push(("client: decides on the longest chain", client.peak));

    let mut client = self::client();
    let hello = client.output();
    let mut server = self::server();
    server.site.client_authentication =
        ClientAuthentication::Required(ClientCertificateRequest::default());
    server.fill(&hello);
    server.answer();
    let flight = server.output();
    client.fill(&flight);
    client.answer();
    server.peak = 0;
    let answer = client.output();
    server.fill(&answer);
    server.fill(&noise);
    assert!(matches!(server.open[..], [Need::PeerCertificate(_)]));
    rows.push(("server: decides on a client's longest chain", server.peak));
    rows
}

#[test]
fn no_state_holds_more_than_the_table_says() {
    let text = std::fs::read_to_string(LIMITS).unwrap();
    let stated = |name: &str| {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| {name} |")))?;
        row.split('|')
            .nth(2)?
            .trim()
            .strip_suffix(" KiB")?
            .parse::<i64>()
            .ok()
    };
    let rows = measured();
    let table: Vec<_> = rows
        .iter()
        .map(|(name, peak)| format!("| {name} | {} KiB |", (peak + 4 * 1024) / 1024))
        .collect();
    for (name, peak) in &rows {
        let limit = stated(name).map(|kib| kib * 1024);
        assert!(
            // Not so much lower, either, that the table says nothing.
            limit.is_some_and(|limit| *peak <= limit && *peak > limit / 3),
            "{name}: {peak} bytes, the table says {limit:?}; measured are\n{}",
            table.join("\n")
        );
    }
    let is_row = |line: &&str| line.starts_with("| server: ") || line.starts_with("| client: ");
    let stated = text.lines().filter(is_row).count();
    assert_eq!(stated, rows.len(), "rows that nobody measures");
}
