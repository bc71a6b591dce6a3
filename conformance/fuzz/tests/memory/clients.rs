//! The states of a client. Its server is ours; somebody between them, who has the server's secrets, makes of what it says
//! the largest that there can be.

use std::sync::Arc;

use keyward_fuzz::peer::middle::{Item, Middle};
use keyward_fuzz::site::Site;
use keyward_tls::{
    Client, ClientAuthentication, ClientCertificateRequest, ClientConfig, ClientSession,
    Credential, Need, Policy, Server, ServerConfig,
};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::NewSessionTicketExtensions;
use keyward_wire::handshake::{self, NewSessionTicketTls13, ServerHello};
use keyward_wire::values::{CertificateCompressionAlgorithm, HandshakeType, ProtocolVersion};

use crate::metered::{
    LONGEST, LONGEST_KEPT, Metered, certificates, client, noise, server, unfinished_record,
};

const TLS12: ProtocolVersion = ProtocolVersion::TLS12;
const TLS13: ProtocolVersion = ProtocolVersion::TLS13;

struct Link {
    client: Metered<Client>,
    server: Metered<Server>,
    middle: Middle,
}

/// What a link is to be.
struct Setup {
    client: ClientConfig,
    server: ServerConfig,
    policy: Policy,
    session: Option<ClientSession>,
    /// How long the server's chain is, in bytes.
    chain: usize,
}

impl Setup {
    fn new(version: ProtocolVersion) -> Self {
        Self {
            client: ClientConfig::default(),
            server: ServerConfig::default(),
            policy: Policy {
                versions: vec![version],
                ..Policy::intermediate()
            },
            session: None,
            chain: LONGEST,
        }
    }

    /// The client has sent its ClientHello; the server has the longest chain and asks for one.
    fn link(self) -> Link {
        let policy = Arc::new(self.policy);
        let mut client = client(
            ClientConfig {
                policy: policy.clone(),
                ..self.client
            },
            Site {
                session: self.session,
                ..Site::default()
            },
        );
        client.chain = Some(chain(LONGEST));
        let mut server = server(ServerConfig {
            key_log: true,
            ..self.server
        });
        server.chain = Some(chain(self.chain));
        server.site.policy = policy;
        server.site.early_data = true;
        server.site.client_authentication =
            ClientAuthentication::Optional(ClientCertificateRequest::default());
        client.take_peak();
        Link {
            client,
            server,
            middle: Middle::default(),
        }
    }
}

fn chain(length: usize) -> Arc<Credential> {
    Arc::new(Credential::new(certificates(length)).unwrap())
}

impl Link {
    /// What the client says reaches the server, and what that says the one between.
    fn ask_server(&mut self) {
        let output = self.client.output();
        self.server.fill(&output);
        self.server.answer();
        assert_eq!(self.server.error, None);
        let secrets = self.server.connection.take_key_log();
        self.middle.learn(&secrets);
        let output = self.server.output();
        self.middle.take(&output);
        assert!(!self.middle.lost);
        self.separate();
    }

    /// Gives each of the server's messages an item of its own.
    fn separate(&mut self) {
        let mut items: Vec<Item> = Vec::new();
        let mut partial: Vec<u8> = Vec::new();
        for item in self.middle.items.drain(..) {
            if item.content_type != 22 {
                items.push(item);
                continue;
            }
            partial.extend(&item.content);
            while let Some((message, _)) = handshake::split_first(&partial) {
                let content = message.bytes.to_vec();
                partial.drain(..content.len());
                items.push(Item { content, ..item });
            }
        }
        assert!(partial.is_empty());
        self.middle.items = items.into();
    }

    /// The place of the first message of this type.
    fn place(&self, typ: HandshakeType) -> usize {
        let is_it = |item: &Item| item.content_type == 22 && item.content[0] == typ.0;
        let place = self.middle.items.iter().position(is_it);
        place.unwrap_or_else(|| panic!("no {typ:?}"))
    }

    /// Puts another message in the place of the server's.
    fn replace(&mut self, typ: HandshakeType, message: Vec<u8>) {
        let at = self.place(typ);
        self.middle.items[at].content = message;
    }

    /// Sends so many of the server's messages and records on.
    fn forward(&mut self, count: usize) {
        for item in self.middle.items.drain(..count).collect::<Vec<_>>() {
            self.send(item);
        }
        assert_eq!(self.client.error, None);
    }

    fn send(&mut self, item: Item) {
        for piece in item.content.chunks(1 << 14) {
            self.middle.items.push_front(Item {
                content: piece.to_vec(),
                ..item
            });
            self.middle.forward(0);
        }
        let bytes = std::mem::take(&mut self.middle.outgoing);
        let taken = self.client.fill(&bytes);
        assert!(taken == bytes.len() || !self.client.open.is_empty());
    }

    /// Sends, in place of the next message, one that is all there but for its last byte, and what fills the buffer behind it.
    fn endless(&mut self, epoch: usize, typ: HandshakeType) {
        let mut content = handshake::frame(typ, &vec![0x5a; 64 * 1024][..]);
        content.pop();
        self.send(Item {
            content_type: 22,
            content,
            epoch,
        });
        self.client.fill(&unfinished_record(epoch > 0));
    }

    fn handshake(&mut self) {
        while !self.client.connection.is_handshake_complete() {
            self.ask_server();
            self.forward(self.middle.items.len());
            self.client.answer();
        }
        self.ask_server();
        self.forward(self.middle.items.len());
    }
}

/// The peak of each state in bytes, by the names that the table has.
pub(crate) fn rows() -> Vec<(String, i64)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, peak| rows.push((format!("client: {name}"), peak));
    row("waits for a ServerHello", {
        let mut link = Setup::new(TLS13).link();
        link.endless(0, HandshakeType::SERVER_HELLO);
        link.client.take_peak()
    });
    row("waits for a ServerHello after the longest cookie", cookie());
    for (version, name) in [(TLS13, "TLS 1.3"), (TLS12, "TLS 1.2")] {
        row(
            &format!("waits for a message of {name} behind the ServerHello"),
            behind_the_server_hello(version),
        );
        row(
            &format!("decides on the longest chain of {name}"),
            decides(version),
        );
        row(
            &format!("is asked for a certificate at length in {name}, and has the longest"),
            asked(version),
        );
        row(
            &format!("waits for a session of {name}"),
            waits_for_a_session(version),
        );
        row(
            &format!("data of {name} not read, output not sent"),
            data(version),
        );
    }
    for (algorithm, name) in [
        (CertificateCompressionAlgorithm::ZLIB, "zlib"),
        (CertificateCompressionAlgorithm::BROTLI, "Brotli"),
        (CertificateCompressionAlgorithm::ZSTD, "Zstandard"),
    ] {
        row(
            &format!("decompresses the longest chain with {name}"),
            compressed(algorithm),
        );
    }
    row("takes the largest session", largest_session());
    row("early data not sent", early_data());
    row("renegotiates with a server of the longest chain", {
        renegotiation()
    });
    rows
}

/// A HelloRetryRequest with the longest cookie that is taken, which the second ClientHello repeats.
fn cookie() -> i64 {
    let mut setup = Setup::new(TLS13);
    setup.client.key_shares = keyward_tls::KeyShares::First(0);
    let mut link = setup.link();
    link.ask_server();
    let retry = &link.middle.items[0].content;
    let mut retry = ServerHello::from_bytes(&retry[4..]).unwrap();
    retry.extensions.cookie = Some(vec![0xc0; 40 * 1024]);
    link.replace(HandshakeType::SERVER_HELLO, handshake::to_message(&retry));
    link.forward(link.middle.items.len());
    assert!(link.client.connection.output().len() > 40 * 1024);
    link.endless(0, HandshakeType::SERVER_HELLO);
    link.client.take_peak()
}

/// Whatever comes next is never whole.
fn behind_the_server_hello(version: ProtocolVersion) -> i64 {
    let after_hello = |link: &mut Link| {
        link.ask_server();
        link.place(HandshakeType::SERVER_HELLO) + 1
    };
    let count = {
        let mut link = Setup::new(version).link();
        after_hello(&mut link);
        link.middle.items.len()
    };
    let peaks = (1..count).filter_map(|place| {
        let mut link = Setup::new(version).link();
        let first = after_hello(&mut link);
        let item = link.middle.items[place].clone();
        if place < first || item.content_type != 22 {
            return None;
        }
        link.forward(place);
        link.client.answer();
        link.endless(item.epoch, HandshakeType(item.content[0]));
        Some(link.client.take_peak())
    });
    peaks.max().unwrap()
}

fn decides(version: ProtocolVersion) -> i64 {
    let mut link = Setup::new(version).link();
    link.ask_server();
    link.forward(link.middle.items.len());
    link.client.fill(&noise());
    assert!(matches!(link.client.open[..], [Need::PeerCertificate(_)]));
    link.client.take_peak()
}

/// The server names as many authorities as it can, and the client presents the longest chain: its key's holder is to sign
/// all that, and what the client says is not taken.
fn asked(version: ProtocolVersion) -> i64 {
    let mut link = Setup::new(version).link();
    link.server.site.client_authentication =
        ClientAuthentication::Optional(ClientCertificateRequest {
            authorities: vec![vec![0x30; 250]; 240],
            ..ClientCertificateRequest::default()
        });
    link.ask_server();
    let at = link.place(HandshakeType::CERTIFICATE_REQUEST);
    assert!(link.middle.items[at].content.len() > 58 * 1024);
    link.forward(link.middle.items.len());
    while !matches!(link.client.open[..], [Need::KeyOperation(_)]) {
        link.client.answer_first();
    }
    let output = link.client.connection.output().len();
    assert!(output > 55 * 1024, "{output}");
    link.client.fill(&noise());
    link.client.take_peak()
}

fn waits_for_a_session(version: ProtocolVersion) -> i64 {
    let mut link = Setup::new(version).link();
    if version == TLS13 {
        link.handshake();
        link.client.take_peak();
        link.endless(2, HandshakeType::NEW_SESSION_TICKET);
        return link.client.take_peak();
    }
    link.ask_server();
    link.forward(link.middle.items.len());
    link.client.answer();
    link.ask_server();
    let at = link.place(HandshakeType::NEW_SESSION_TICKET);
    link.forward(at);
    link.endless(0, HandshakeType::NEW_SESSION_TICKET);
    link.client.take_peak()
}

/// A ticket as long as it can be, and one as long as it can be kept.
fn largest_session() -> i64 {
    let peaks = [64 * 1024 - 300, 24 * 1024].map(|length| {
        let mut setup = Setup::new(TLS13);
        setup.chain = LONGEST_KEPT;
        let mut link = setup.link();
        link.handshake();
        link.client.take_peak();
        let content = handshake::to_message(&NewSessionTicketTls13 {
            ticket_lifetime: 1000,
            ticket_age_add: 7,
            ticket_nonce: vec![7; 255],
            ticket: vec![7; length],
            extensions: NewSessionTicketExtensions::default(),
        });
        link.client.session = None;
        link.send(Item {
            content_type: 22,
            content,
            epoch: 2,
        });
        assert_eq!(link.client.session.is_some(), length == 24 * 1024);
        link.client.take_peak()
    });
    peaks[0].max(peaks[1])
}

fn data(version: ProtocolVersion) -> i64 {
    let mut link = Setup::new(version).link();
    link.handshake();
    link.client.take_peak();
    let epoch = if version == TLS13 { 2 } else { 1 };
    for _ in 0..8 {
        link.middle.items.push_front(Item {
            content_type: 23,
            content: vec![0x61; 1 << 14],
            epoch,
        });
        link.middle.forward(0);
    }
    let bytes = std::mem::take(&mut link.middle.outgoing);
    link.client.fill(&bytes);
    assert_eq!(link.client.connection.readable(), 1 << 14);
    let noise = noise();
    while link
        .client
        .count(|connection| connection.send(&noise))
        .unwrap()
        > 0
    {}
    link.client.take_peak()
}

fn compressed(algorithm: CertificateCompressionAlgorithm) -> i64 {
    let mut setup = Setup::new(TLS13);
    setup.client.certificate_compression = vec![algorithm];
    setup.server.certificate_compression = vec![algorithm];
    let mut link = setup.link();
    link.ask_server();
    link.place(HandshakeType::COMPRESSED_CERTIFICATE);
    link.forward(link.middle.items.len());
    assert!(matches!(link.client.open[..], [Need::PeerCertificate(_)]));
    link.client.take_peak()
}

fn early_data() -> i64 {
    let with_early_data = || {
        let mut setup = Setup::new(TLS13);
        setup.chain = LONGEST_KEPT;
        setup.client.early_data = true;
        setup.server.early_data = 1 << 20;
        setup
    };
    let mut link = with_early_data().link();
    // The server keeps it as well.
    link.client.chain = Some(chain(LONGEST_KEPT / 2));
    link.handshake();
    let session = link.client.session.take().unwrap();
    let mut setup = with_early_data();
    setup.session = Some(ClientSession::decode(&session).unwrap());
    let mut link = setup.link();
    let noise = noise();
    let mut sent = 0;
    loop {
        match link
            .client
            .count(|connection| connection.send_early(&noise))
            .unwrap()
        {
            0 => break,
            n => sent += n,
        }
    }
    assert!(sent > 32 * 1024);
    link.client.fill(&unfinished_record(false));
    link.client.take_peak()
}

fn renegotiation() -> i64 {
    let mut setup = Setup::new(TLS12);
    setup.policy.renegotiation = true;
    let mut link = setup.link();
    link.handshake();
    link.client.take_peak();
    link.server
        .count(|connection| connection.request_renegotiation())
        .unwrap();
    link.server.step();
    link.ask_server();
    link.forward(link.middle.items.len());
    link.ask_server();
    let at = link.place(HandshakeType::SERVER_HELLO_DONE);
    let epoch = link.middle.items[at].epoch;
    assert_eq!(epoch, 1);
    link.forward(at);
    link.endless(epoch, HandshakeType::SERVER_HELLO_DONE);
    link.client.take_peak()
}
