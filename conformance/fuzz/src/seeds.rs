//! Where the corpora begin: inputs as well-behaved peers make them.

mod connections;

use keyward_crypto::signature::PublicKey;
use keyward_keyop::testing::Handshake;
use keyward_keyop::{KeyId, Operation};
use keyward_wire::codec::{Encode, Put};
use keyward_wire::handshake;
use keyward_wire::values::{CipherSuite, HandshakeType, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::keyop::KEYS;
use crate::{server, wire};

macro_rules! data {
    ($name:literal) => {
        &include_bytes!(concat!("../../../crates/crypto/tests/data/", $name))[..]
    };
}

/// An input, and the file that it goes into.
#[derive(Debug)]
pub struct Seed {
    /// The target.
    pub target: &'static str,
    /// The file's name.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// All of them.
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, operation) in operations() {
        let mut bytes = vec![7];
        operation.encode(&mut bytes);
        seeds.push(seed("keyop", name, bytes));
        for (parser, body) in messages_of(&operation) {
            let bytes = wire::seed(parser, &body).expect("the parser is known");
            seeds.push(seed("wire", &format!("{name}-{parser}"), bytes));
        }
    }
    seeds.extend(values());
    seeds.extend(frames());
    seeds.extend(older_messages());
    seeds.extend(sessions());
    seeds.extend(keys());
    seeds.extend(connections::servers());
    seeds.extend(connections::clients());
    seeds.extend(stapled());
    seeds.extend(certificates());
    seeds.extend(beside_ours());
    seeds
}

/// Certificates, alone and compressed.
fn certificates() -> Vec<Seed> {
    let names = [
        ("p256", data!("p256.crt.pem")),
        ("rsa-pss", data!("rsa-pss.crt.pem")),
    ];
    let mut seeds = Vec::new();
    for (name, pem) in names {
        let der = certificate(pem);
        let message = der.repeat(2);
        seeds.push(seed("certificates", name, [&[2][..], &der].concat()));
        let length = u16::try_from(message.len()).expect("two certificates are short");
        for (at, algorithm) in (0_u8..).zip(keyward_compression::ALGORITHMS) {
            let choice = at << 2;
            let plain = [&[choice | 1][..], &message].concat();
            let compressed = keyward_compression::compress(algorithm, &message)
                .expect("what is there twice becomes smaller");
            let bytes = &compressed.compressed_certificate_message;
            let bytes = [&[choice][..], &length.to_be_bytes(), bytes].concat();
            seeds.push(seed(
                "certificates",
                &format!("{name} {algorithm} plain"),
                plain,
            ));
            seeds.push(seed("certificates", &format!("{name} {algorithm}"), bytes));
        }
    }
    // Zstandard with a window of 8 MiB, for the three bytes of one raw block; Brotli with 16 MiB, for none.
    let zstandard = b"\x04\0\x03\x28\xb5\x2f\xfd\0\x68\x19\0\0abc".to_vec();
    seeds.push(seed("certificates", "wide window zstd", zstandard));
    seeds.push(seed(
        "certificates",
        "wide window brotli",
        vec![0, 0, 0, 0x3f],
    ));
    seeds
}

/// What stands beside our own certificate.
fn beside_ours() -> Vec<Seed> {
    let delegated = crate::site::delegated(&certificate(crate::site::DELEGATES)).to_bytes();
    [
        ("ocsp", 0, &[0x30, 0][..]),
        ("timestamps", 1, &[0, 9, 0, 2, 7, 7, 0, 3, 8, 8, 8]),
        ("delegated credential", 2, &delegated),
    ]
    .into_iter()
    .map(|(name, what, bytes)| {
        let bytes = [&[what << 2 | 3][..], bytes].concat();
        seed("certificates", &format!("ours {name}"), bytes)
    })
    .collect()
}

/// What a server presents: a certificate, and an OCSP response for it.
fn stapled() -> Vec<Seed> {
    macro_rules! response {
        ($name:literal) => {
            &include_bytes!(concat!(
                "../../../crates/trust/tests/data/openssl/ocsp-",
                $name,
                ".der"
            ))[..]
        };
    }
    [
        ("by-issuer", response!("issuer")),
        ("by-delegate", response!("delegate")),
        ("revoked", response!("revoked")),
        ("not-stapled", &[][..]),
    ]
    .into_iter()
    .map(|(name, response)| {
        let mut bytes = Vec::new();
        bytes.put_opaque_u16(response);
        bytes.put_opaque_u16(&crate::trust::leaf());
        seed("trust", name, bytes)
    })
    .collect()
}

fn seed(target: &'static str, name: &str, bytes: Vec<u8>) -> Seed {
    let name = name.replace([' ', '<'], "-").replace('>', "");
    Seed {
        target,
        name: format!("seed-{name}"),
        bytes,
    }
}

fn certificate(pem: &[u8]) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_slice(pem).expect("the tests' certificate is one");
    certificate.to_vec()
}

/// One of each kind, of our own keys.
pub(crate) fn operations() -> Vec<(&'static str, Operation)> {
    let of = |key: usize, pem| {
        let certificate = certificate(pem);
        (KeyId::of_public_key(KEYS[key].public_key()), certificate)
    };
    let (p256, p256_certificate) = of(0, data!("p256.crt.pem"));
    let (rsa, rsa_certificate) = of(1, data!("rsa2048.crt.pem"));
    let (ed25519, ed25519_certificate) = of(2, data!("ed25519.crt.pem"));
    let with_p256 = Handshake {
        key: p256,
        certificate: &p256_certificate,
        server_name: Some("shop.example"),
    };
    let with_rsa = Handshake {
        key: rsa,
        certificate: &rsa_certificate,
        server_name: Some("shop.example"),
    };
    let with_ed25519 = Handshake {
        key: ed25519,
        certificate: &ed25519_certificate,
        server_name: None,
    };
    let ecdhe = |handshake: &Handshake<'_>, suite, scheme| {
        handshake
            .tls12_ecdhe(suite, scheme)
            .expect("there is randomness")
    };
    vec![
        (
            "tls13 p256",
            with_p256.tls13(SignatureScheme::ECDSA_SECP256R1_SHA256),
        ),
        (
            "tls13 rsa",
            with_rsa.tls13(SignatureScheme::RSA_PSS_RSAE_SHA256),
        ),
        (
            "tls13 ed25519",
            with_ed25519.tls13(SignatureScheme::ED25519),
        ),
        (
            "tls12 p256",
            ecdhe(
                &with_p256,
                CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                SignatureScheme::ECDSA_SECP256R1_SHA256,
            ),
        ),
        (
            "tls12 rsa",
            ecdhe(
                &with_rsa,
                CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                SignatureScheme::RSA_PKCS1_SHA256,
            ),
        ),
        (
            "tls12 rsa master secret",
            with_rsa.tls12_rsa(vec![0x42; 256]),
        ),
    ]
}

/// The messages that an operation carries, by the parser that each is for.
fn messages_of(operation: &Operation) -> Vec<(&'static str, Vec<u8>)> {
    let (run, tls13) = match operation {
        Operation::Tls13ServerCertificateVerify(operation) => (&operation.messages, true),
        Operation::Tls12ServerKeyExchange(operation) => (&operation.messages, false),
        Operation::Tls12RsaMasterSecret(operation) => (&operation.messages, false),
        Operation::Tls13ClientCertificateVerify(operation) => (&operation.messages, true),
        Operation::Tls12ClientCertificateVerify(operation) => (&operation.messages, false),
        Operation::DelegatedCredential(_)
        | Operation::CertificateRequest(_)
        | Operation::Tls13TranscriptHash(_) => return Vec::new(),
    };
    let mut messages = vec![("messages", run.clone())];
    for message in handshake::split(run).map_while(Result::ok) {
        if let Some(parser) = parser(message.message_type, tls13) {
            messages.push((parser, message.body.to_vec()));
        }
        if message.message_type == HandshakeType::CLIENT_HELLO {
            messages.push(("binders", message.bytes.to_vec()));
        }
    }
    messages
}

/// The parser for a message of this type.
fn parser(message_type: HandshakeType, tls13: bool) -> Option<&'static str> {
    Some(match message_type {
        HandshakeType::CLIENT_HELLO => "ClientHello",
        HandshakeType::SERVER_HELLO => "ServerHello",
        HandshakeType::ENCRYPTED_EXTENSIONS => "EncryptedExtensions",
        HandshakeType::CERTIFICATE if tls13 => "CertificateTls13",
        HandshakeType::CERTIFICATE => "CertificateTls12",
        HandshakeType::CLIENT_KEY_EXCHANGE => "RsaClientKeyExchange",
        _ => return None,
    })
}

/// The smaller messages, and extensions that the handshakes above do not have.
fn values() -> Vec<Seed> {
    let extension = |typ: u16, body: &[u8]| {
        let mut out = typ.to_be_bytes().to_vec();
        out.put_opaque_u16(body);
        out
    };
    let block = |extensions: &[Vec<u8>]| {
        let mut out = Vec::new();
        out.put_opaque_u16(&extensions.concat());
        out
    };
    let psk = [
        &[0, 10, 0, 4, b't', b'i', b'c', b'k', 0, 0, 0, 7, 0, 33, 32][..],
        &[0xb1; 32],
    ]
    .concat();
    let client = block(&[
        extension(0, b"\0\x0f\0\0\x0cshop.example"),
        extension(1, &[1]),
        extension(5, &[1, 0, 0, 0, 0]),
        extension(10, &[0, 4, 0, 29, 0, 23]),
        extension(11, &[1, 0]),
        extension(13, &[0, 4, 4, 3, 8, 4]),
        extension(16, b"\0\x0c\x02h2\x08http/1.1"),
        extension(18, &[]),
        extension(22, &[]),
        extension(23, &[]),
        extension(27, &[2, 0, 1]),
        extension(28, &[0x40, 1]),
        extension(34, &[0, 2, 4, 3]),
        extension(35, &[]),
        extension(42, &[]),
        extension(43, &[4, 3, 4, 3, 3]),
        extension(44, &[0, 3, 1, 2, 3]),
        extension(45, &[1, 1]),
        extension(47, &[0, 5, 0, 3, b'c', b'a', b'!']),
        extension(50, &[0, 2, 4, 3]),
        extension(51, &[0, 6, 0, 29, 0, 2, 1, 2]),
        extension(0x2a2a, &[1, 2]),
        extension(0xff01, &[0]),
        extension(41, &psk),
    ]);
    let server = block(&[
        extension(43, &[3, 4]),
        extension(51, &[0, 29, 0, 2, 1, 2]),
        extension(41, &[0, 0]),
    ]);
    let entry = block(&[
        extension(5, &[1, 0, 0, 2, 0x30, 0]),
        extension(18, &[0, 4, 0, 2, 9, 9]),
    ]);
    let request = block(&[
        extension(13, &[0, 2, 4, 3]),
        extension(47, &[0, 3, 0, 1, 7]),
        extension(48, &[0, 5, 1, 0x55, 0, 1, 9]),
    ]);
    let ticket = block(&[extension(42, &[0, 0, 0x40, 0])]);
    let request_tls13 = [&[0][..], &request].concat();
    let ticket_tls13 = [&[0, 0, 0, 60, 1, 2, 3, 4, 1, 0, 0, 2, 7, 7][..], &ticket].concat();
    [
        ("ClientHelloExtensions", &client[..]),
        ("ServerHelloExtensions", &server),
        ("CertificateEntryExtensions", &entry),
        ("CertificateRequestExtensions", &request),
        ("NewSessionTicketExtensions", &ticket),
        ("CertificateRequestTls13", &request_tls13),
        (
            "CertificateRequestTls12",
            &[2, 1, 64, 0, 2, 4, 3, 0, 3, 0, 1, 7],
        ),
        ("CertificateStatus", &[1, 0, 0, 2, 0x30, 0]),
        ("CertificateVerify", &[4, 3, 0, 2, 0x30, 0]),
        ("CompressedCertificate", &[0, 2, 0, 0, 9, 0, 0, 2, 7, 7]),
        (
            "ServerKeyExchange",
            &[3, 0, 29, 2, 1, 2, 4, 3, 0, 2, 0x30, 0],
        ),
        ("ServerEcdhParams", &[3, 0, 29, 2, 1, 2]),
        ("EcdhClientKeyExchange", &[2, 1, 2]),
        ("ServerDhParams", &[0, 1, 23, 0, 1, 5, 0, 1, 8]),
        (
            "ServerKeyExchange<ServerDhParams>",
            &[0, 1, 23, 0, 1, 5, 0, 1, 8, 8, 4, 0, 2, 7, 7],
        ),
        ("DhClientKeyExchange", &[0, 1, 19]),
        ("NewSessionTicketTls13", &ticket_tls13),
        ("NewSessionTicketTls12", &[0, 0, 0, 60, 0, 2, 7, 7]),
        ("Finished", &[0xf1; 32]),
        ("KeyUpdate", &[1]),
        ("KeyShareEntry", &[0, 29, 0, 2, 1, 2]),
        ("RecordHeader", &[22, 3, 3, 0, 4]),
        ("Alert", &[2, 40]),
        ("server name", b"shop.example"),
        (
            "DelegatedCredential",
            &[0, 1, 2, 3, 8, 7, 0, 0, 2, 0x30, 0, 4, 3, 0, 2, 7, 7],
        ),
    ]
    .into_iter()
    .map(|(parser, bytes)| {
        let bytes = wire::seed(parser, bytes).expect("the parser is known");
        seed("wire", parser, bytes)
    })
    .collect()
}

/// The frames whose bytes the protocol's specification shows.
fn frames() -> Vec<Seed> {
    let specification = include_str!("../../../docs/protocol.md");
    let blocks = specification.split("```hex ").skip(1);
    let mut stream = Vec::new();
    let mut seeds: Vec<_> = blocks
        .filter_map(|block| {
            let (name, rest) = block.split_once('\n')?;
            let (dump, _) = rest.split_once("```")?;
            let words = dump
                .lines()
                .filter_map(|line| line.split(';').next())
                .flat_map(str::split_whitespace);
            let frame: Vec<u8> = words
                .map(|word| u8::from_str_radix(word, 16))
                .collect::<Result<_, _>>()
                .ok()?;
            stream.extend_from_slice(&frame);
            Some(seed("protocol", name.trim(), [&[255][..], &frame].concat()))
        })
        .collect();
    seeds.push(seed("protocol", "all frames", [&[6][..], &stream].concat()));
    seeds
}

/// Messages of the older protocol, by hand and without the padding that would fill them.
fn older_messages() -> Vec<Seed> {
    let message = |items: &[(u8, &[u8])]| {
        let mut body = Vec::new();
        for (tag, data) in items {
            body.push(*tag);
            body.put_opaque_u16(data);
        }
        let mut out = vec![1, 0];
        let length = u16::try_from(body.len()).expect("a short message");
        out.extend(length.to_be_bytes());
        out.extend([0, 0, 0, 7]);
        out.extend(body);
        out
    };
    let ski = (4, &[0xab; 20][..]);
    let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let messages = [
        ("ping", message(&[(0x11, &[0xf1]), (0x12, b"hello")])),
        (
            "ecdsa",
            message(&[
                (0x11, &[0x15]),
                ski,
                (2, b"shop.example"),
                (3, &[192, 0, 2, 1]),
                (0x12, &[7; 32]),
                (0x20, &[0; 9]),
            ]),
        ),
        (
            "decryption",
            message(&[(0x11, &[1]), ski, (5, &v6), (0x12, &[7; 256])]),
        ),
        (
            "all items",
            message(&[
                (1, &[1; 32]),
                (6, b"id"),
                (0x13, b"f"),
                (0x14, b"x"),
                (0x15, b"s"),
                (0x16, b"{}"),
                (0x17, b"eu"),
                (0x77, b"?"),
                (0x11, &[0x18]),
                (0x12, b"message"),
            ]),
        ),
        ("signature", message(&[(0x11, &[0xf0]), (0x12, &[3; 64])])),
        ("pong", message(&[(0x11, &[0xf2]), (0x12, b"hello")])),
        ("error", message(&[(0x11, &[0xff]), (0x12, &[2])])),
    ];
    let all: Vec<u8> = messages
        .iter()
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    let mut seeds = vec![seed("gokeyless", "all messages", [&[6][..], &all].concat())];
    for (name, bytes) in messages {
        seeds.push(seed("gokeyless", name, [&[255][..], &bytes].concat()));
    }
    seeds
}

/// Session states of real handshakes.
fn sessions() -> Vec<Seed> {
    let stored = server::stored();
    let states = stored.iter().enumerate();
    states
        .map(|(at, (_, state))| seed("sessions", &format!("state {at}"), state.encode().to_vec()))
        .collect()
}

/// The key files of crypto's tests, small ones.
fn keys() -> Vec<Seed> {
    let pem = [
        ("p256 pkcs8", data!("p256.pkcs8.pem")),
        ("p256 sec1", data!("p256.sec1-with-parameters.pem")),
        ("p256 explicit", data!("p256.explicit.pem")),
        ("p384 sec1", data!("p384.sec1.pem")),
        ("p521 pkcs8", data!("p521.pkcs8.pem")),
        ("rsa2048 pkcs1", data!("rsa2048.pkcs1.pem")),
        ("rsa2048 pkcs8", data!("rsa2048.pkcs8.pem")),
        ("ed25519 pkcs8", data!("ed25519.pkcs8.pem")),
        ("encrypted", data!("rsa2048.encrypted-pkcs8.pem")),
        ("openssh", data!("openssh.pem")),
    ];
    let certificates = [
        ("p256", data!("p256.crt.pem")),
        ("rsa2048", data!("rsa2048.crt.pem")),
        ("rsa-pss", data!("rsa-pss.crt.pem")),
        ("ed25519", data!("ed25519.crt.pem")),
    ];
    let mut seeds = Vec::new();
    for (name, pem) in pem {
        seeds.push(seed("keys", name, [&[0][..], pem].concat()));
        if let Ok(der) = PrivateKeyDer::from_pem_slice(pem) {
            let der = [&[1][..], der.secret_der()].concat();
            seeds.push(seed("keys", &format!("{name} der"), der));
        }
    }
    for (name, pem) in certificates {
        let der = certificate(pem);
        let whole = [&[3][..], &der].concat();
        seeds.push(seed("keys", &format!("{name} certificate"), whole));
        if let Ok(key) = PublicKey::from_certificate_der(&der) {
            let spki = [&[2][..], key.spki_der()].concat();
            seeds.push(seed("keys", &format!("{name} spki"), spki));
        }
    }
    seeds
}
