//! The states of a server, driven by a client that is made by hand.

use std::sync::Arc;

use keyward_crypto::key_exchange::Group;
use keyward_fuzz::peer::client::{Client, Part};
use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, Error, Need, PeerMisbehaved, Policy, Server,
    ServerConfig,
};
use keyward_wire::extensions::{CertificateEntryExtensions, ClientHelloExtensions};
use keyward_wire::handshake::{
    self, CertificateEntry, CertificateTls12, CertificateTls13, ClientHello, CompressedCertificate,
};
use keyward_wire::values::{
    CertificateCompressionAlgorithm, CipherSuite, CompressionMethod, HandshakeType, NamedGroup,
    ProtocolVersion, PskKeyExchangeMode, SignatureScheme,
};

use crate::metered::{LONGEST, Metered, certificates, noise, server, unfinished_record};

const TLS12: ProtocolVersion = ProtocolVersion::TLS12;
const TLS13: ProtocolVersion = ProtocolVersion::TLS13;

/// So many cipher suites that a ClientHello has the largest size.
const MANY: usize = 32_000;

pub(crate) fn peer(version: ProtocolVersion, suites: usize) -> Client {
    let mut cipher_suites = vec![
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ];
    cipher_suites.extend((0..suites).map(|_| CipherSuite(0x0a0a)));
    let tls13 = version == TLS13;
    let hello = ClientHello {
        legacy_version: TLS12,
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
            psk_key_exchange_modes: tls13.then(|| vec![PskKeyExchangeMode::PSK_DHE_KE]),
            extended_master_secret: true,
            renegotiation_info: (!tls13).then(Vec::new),
            ..ClientHelloExtensions::default()
        },
    };
    Client::new(hello, &[Group::X25519])
}

fn usual() -> Metered<Server> {
    server(ServerConfig::default())
}

/// Asks clients for certificates.
fn asking(config: ServerConfig) -> Metered<Server> {
    let mut server = server(config);
    server.site.client_authentication =
        ClientAuthentication::Required(ClientCertificateRequest::default());
    server
}

fn exchange(server: &mut Metered<Server>, client: &mut Client) {
    let sent = std::mem::take(&mut client.stream.outgoing);
    server.fill(&sent);
    server.answer();
    let output = server.output();
    client.take(&output);
    assert_eq!(server.error, None);
}

fn hello(server: &mut Metered<Server>, client: &mut Client) {
    client.send(Part::ClientHello, None);
    exchange(server, client);
}

fn complete(server: &mut Metered<Server>, client: &mut Client) {
    for part in client.plan() {
        client.send(part, None);
    }
    exchange(server, client);
    assert!(server.connection.is_handshake_complete());
}

/// A handshake message that is all there but for its last byte, in records, and what fills the buffer behind it.
fn endless(client: &mut Client, typ: HandshakeType) -> Vec<u8> {
    let mut message = handshake::frame(typ, &vec![0x5a; 64 * 1024][..]);
    message.pop();
    client.stream.handshake(&message);
    let mut bytes = std::mem::take(&mut client.stream.outgoing);
    bytes.extend(unfinished_record(client.stream.write.is_some()));
    bytes
}

fn data(client: &mut Client) -> Vec<u8> {
    for _ in 0..8 {
        client.stream.record(23, &vec![0x61; 1 << 14], 0);
    }
    std::mem::take(&mut client.stream.outgoing)
}

/// The Certificate message with the longest chain.
fn long_certificate(version: ProtocolVersion) -> Vec<u8> {
    let chain = certificates(LONGEST).into_iter().map(|der| der.to_vec());
    if version == TLS12 {
        return handshake::to_message(&CertificateTls12 {
            certificate_list: chain.collect(),
        });
    }
    handshake::to_message(&CertificateTls13 {
        certificate_request_context: Vec::new(),
        certificate_list: chain
            .map(|cert_data| CertificateEntry {
                cert_data,
                extensions: CertificateEntryExtensions::default(),
            })
            .collect(),
    })
}

/// The peak of each state in bytes, by the names that the table has.
pub(crate) fn rows() -> Vec<(String, i64)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, peak| rows.push((format!("server: {name}"), peak));
    row("waits for a ClientHello", {
        let mut server = usual();
        server.fill(&endless(&mut peer(TLS13, 0), HandshakeType::CLIENT_HELLO));
        server.take_peak()
    });
    for (version, name) in [(TLS13, "TLS 1.3"), (TLS12, "TLS 1.2")] {
        row(
            &format!("needs open after a ClientHello of {name}"),
            needs_open(version),
        );
    }
    row("waits for the second ClientHello", second_hello());
    row("needs open after the second ClientHello", retried());
    row("waits for the Finished of TLS 1.3", {
        let (mut server, mut client) = (usual(), peer(TLS13, 0));
        hello(&mut server, &mut client);
        server.fill(&endless(&mut client, HandshakeType::FINISHED));
        server.take_peak()
    });
    row("waits for the ClientKeyExchange of TLS 1.2", {
        let (mut server, mut client) = (usual(), peer(TLS12, 0));
        hello(&mut server, &mut client);
        server.fill(&endless(&mut client, HandshakeType::CLIENT_KEY_EXCHANGE));
        server.take_peak()
    });
    for (version, name) in [(TLS13, "TLS 1.3"), (TLS12, "TLS 1.2")] {
        row(
            &format!("waits for a client's Certificate, CertificateVerify or Finished of {name}"),
            client_authentication(version),
        );
        row(
            &format!("decides on a client's longest chain in {name}"),
            decides(version),
        );
    }
    for (algorithm, name) in [
        (CertificateCompressionAlgorithm::ZLIB, "zlib"),
        (CertificateCompressionAlgorithm::BROTLI, "Brotli"),
        (CertificateCompressionAlgorithm::ZSTD, "Zstandard"),
    ] {
        row(
            &format!("decompresses a client's longest chain with {name}"),
            compressed(algorithm),
        );
    }
    row("refuses a compressed chain that is longer than it says", {
        bomb()
    });
    let (accepted, refused) = early_data();
    row("early data not read, output not sent", accepted);
    row("skips early data", refused);
    for (version, name) in [(TLS13, "TLS 1.3"), (TLS12, "TLS 1.2")] {
        let (mut server, mut client) = (usual(), peer(version, 0));
        hello(&mut server, &mut client);
        complete(&mut server, &mut client);
        row(
            &format!("a whole handshake of {name}, usual input"),
            server.take_peak(),
        );
        server.fill(&data(&mut client));
        fill_output(&mut server);
        row(
            &format!("data of {name} not read, output not sent"),
            server.take_peak(),
        );
    }
    row("waits for the rest of a KeyUpdate, output not sent", {
        let (mut server, mut client) = (usual(), peer(TLS13, 0));
        hello(&mut server, &mut client);
        complete(&mut server, &mut client);
        server.take_peak();
        fill_output(&mut server);
        server.fill(&endless(&mut client, HandshakeType::KEY_UPDATE));
        server.take_peak()
    });
    let (needs, chain) = renegotiation();
    row("needs open in a renegotiation, output not sent", needs);
    row("renegotiates with a client of the longest chain", chain);
    rows
}

fn fill_output(server: &mut Metered<Server>) {
    let noise = noise();
    while server.count(|connection| connection.send(&noise)).unwrap() > 0 {}
}

fn needs_open(version: ProtocolVersion) -> i64 {
    let (mut server, mut client) = (usual(), peer(version, MANY));
    client.send(Part::ClientHello, None);
    server.fill(&client.stream.outgoing);
    server.fill(&noise());
    assert!(matches!(server.open[..], [Need::Certificate(_)]));
    server.take_peak()
}

/// Both ClientHellos have the largest size, which is too much together: the second one is all there but for its end, or whole
/// and refused.
fn second_hello() -> i64 {
    let retry = || {
        let (mut server, mut client) = (usual(), peer(TLS13, MANY));
        client.hello.extensions.key_share = Some(Vec::new());
        hello(&mut server, &mut client);
        assert!(server.connection.negotiated().is_none());
        (server, client)
    };
    let (mut server, mut client) = retry();
    server.fill(&endless(&mut client, HandshakeType::CLIENT_HELLO));
    let waits = server.take_peak();
    let (mut server, mut client) = retry();
    client.send(Part::ClientHello, None);
    server.fill(&client.stream.outgoing);
    assert!(server.error.take().is_some());
    waits.max(server.take_peak())
}

/// Two ClientHellos that have the largest size together.
fn retried() -> i64 {
    let (mut server, mut client) = (usual(), peer(TLS13, MANY / 2));
    client.hello.extensions.key_share = Some(Vec::new());
    hello(&mut server, &mut client);
    client.send(Part::ClientHello, None);
    server.fill(&client.stream.outgoing);
    server.fill(&noise());
    assert!(matches!(server.open[..], [Need::KeyOperation(_)]));
    server.take_peak()
}

/// Whatever is missing of the client's flight, the longest chain before it.
fn client_authentication(version: ProtocolVersion) -> i64 {
    let peaks = (0..4).map(|count| {
        let (mut server, mut client) = (asking(ServerConfig::default()), peer(version, 0));
        hello(&mut server, &mut client);
        server.take_peak();
        let next = client.plan()[count];
        send(&mut client, count, &long_certificate(version));
        exchange(&mut server, &mut client);
        let typ = match next {
            Part::Certificate | Part::ChangeCipherSpec => HandshakeType::CERTIFICATE,
            Part::ClientKeyExchange => HandshakeType::CLIENT_KEY_EXCHANGE,
            Part::CertificateVerify => HandshakeType::CERTIFICATE_VERIFY,
            _ => HandshakeType::FINISHED,
        };
        server.fill(&endless(&mut client, typ));
        server.take_peak()
    });
    peaks.max().unwrap()
}

/// Sends so many of the parts that a client would send now, with this Certificate message.
fn send(client: &mut Client, count: usize, certificate: &[u8]) {
    for part in client.plan().into_iter().take(count) {
        match part {
            Part::Certificate => client.send_message(certificate),
            part => client.send(part, None),
        }
    }
}

/// The client has sent a chain, and its signature over it.
fn signed(server: &mut Metered<Server>, client: &mut Client, certificate: &[u8]) {
    hello(server, client);
    server.take_peak();
    let before_finished = client.plan().len() - 1;
    send(client, before_finished, certificate);
    let sent = std::mem::take(&mut client.stream.outgoing);
    server.fill(&sent);
    server.fill(&noise());
    assert!(matches!(server.open[..], [Need::PeerCertificate(_)]));
}

fn decides(version: ProtocolVersion) -> i64 {
    let (mut server, mut client) = (asking(ServerConfig::default()), peer(version, 0));
    signed(&mut server, &mut client, &long_certificate(version));
    server.take_peak()
}

fn compressed(algorithm: CertificateCompressionAlgorithm) -> i64 {
    let config = ServerConfig {
        certificate_compression: vec![algorithm],
        ..ServerConfig::default()
    };
    let (mut server, mut client) = (asking(config), peer(TLS13, 0));
    let whole = long_certificate(TLS13);
    let compressed = keyward_compression::compress(algorithm, &whole[4..]).unwrap();
    let message = handshake::to_message(&compressed);
    assert!(message.len() < whole.len() / 10);
    signed(&mut server, &mut client, &message);
    server.take_peak()
}

/// A frame of Zstandard with a window of 8 MiB, the largest that is taken, and in it the longest block, which is longer
/// than the whole is said to be, but shows so only when it is there.
fn bomb() -> i64 {
    let algorithm = CertificateCompressionAlgorithm::ZSTD;
    let config = ServerConfig {
        certificate_compression: vec![algorithm],
        ..ServerConfig::default()
    };
    let (mut server, mut client) = (asking(config), peer(TLS13, 0));
    hello(&mut server, &mut client);
    server.take_peak();
    let mut compressed = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    // The last block: one byte so many times.
    let block: u32 = 1 | 1 << 1 | (128 << 10) << 3;
    compressed.extend(&block.to_le_bytes()[..3]);
    compressed.push(0);
    client.send_message(&handshake::to_message(&CompressedCertificate {
        algorithm,
        uncompressed_length: 60 * 1024,
        compressed_certificate_message: compressed,
    }));
    server.fill(&client.stream.outgoing);
    assert!(matches!(
        server.error.take(),
        Some(Error::PeerMisbehaved(
            PeerMisbehaved::CompressedCertificate(_)
        ))
    ));
    server.take_peak()
}

/// Early data that is taken, and such that is not.
fn early_data() -> (i64, i64) {
    let config = || ServerConfig {
        early_data: 1 << 20,
        ..ServerConfig::default()
    };
    let (mut first, mut before) = (server(config()), peer(TLS13, 0));
    hello(&mut first, &mut before);
    complete(&mut first, &mut before);
    let ticket = before.tickets.pop().unwrap();
    let again = |accepted: bool| {
        let mut client = peer(TLS13, 0);
        client.hello.extensions.early_data = true;
        client.session = Some(ticket.clone());
        let mut server = server(config());
        server.site.early_data = accepted;
        (server, client)
    };

    let (mut server, mut client) = again(true);
    client.send(Part::ClientHello, None);
    let early = data(&mut client);
    server.fill(&early);
    server.answer();
    server.fill(&early);
    assert_eq!(server.connection.readable(), 1 << 14);
    fill_output(&mut server);
    let accepted = server.take_peak();

    let (mut server, mut client) = again(true);
    server.site.context = b"another".to_vec();
    client.send(Part::ClientHello, None);
    let hello = std::mem::take(&mut client.stream.outgoing);
    server.fill(&hello);
    server.answer();
    server.take_peak();
    server.fill(&data(&mut client));
    assert_eq!(server.connection.readable(), 0);
    server.fill(&unfinished_record(true));
    (accepted, server.take_peak())
}

/// A client that renegotiates while data waits to be sent, at first with the largest ClientHello, then with the longest chain.
fn renegotiation() -> (i64, i64) {
    let connected = || {
        let mut server = asking(ServerConfig::default());
        let mut policy = Policy::intermediate();
        policy.renegotiation = true;
        server.site.policy = Arc::new(policy);
        let mut client = peer(TLS12, 0);
        hello(&mut server, &mut client);
        send(&mut client, usize::MAX, &long_certificate(TLS12));
        exchange(&mut server, &mut client);
        assert!(server.connection.is_handshake_complete());
        server.take_peak();
        (server, client)
    };
    let (mut server, mut client) = connected();
    fill_output(&mut server);
    let many = (0..MANY).map(|_| CipherSuite(0x0a0a));
    client.hello.cipher_suites.extend(many);
    client.renegotiate();
    server.fill(&client.stream.outgoing);
    server.fill(&noise());
    assert!(matches!(server.open[..], [Need::KeyOperation(_)]));
    let needs = server.take_peak();

    let (mut server, mut client) = connected();
    client.renegotiate();
    exchange(&mut server, &mut client);
    // All but ChangeCipherSpec and Finished.
    let count = client.plan().len() - 2;
    send(&mut client, count, &long_certificate(TLS12));
    exchange(&mut server, &mut client);
    server.fill(&endless(&mut client, HandshakeType::FINISHED));
    (needs, server.take_peak())
}
