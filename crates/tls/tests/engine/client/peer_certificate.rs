//! What a client is told about the server's certificate when it is asked whether to trust it.

use std::sync::Arc;

use keyward_tls::{
    ClientConfig, ClientConnection, Credential, Need, OcspResponse, PeerCertificateNeed,
    PeerMisbehaved, PeerRole, ServerConfig, SignedCertificateTimestampList, Step,
};
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::handshake::{ClientHello, CompressedCertificate, EncryptedExtensions};
use keyward_wire::values::{
    AlertDescription, CertificateCompressionAlgorithm as Algorithm, ProtocolVersion,
    SignatureScheme,
};

use crate::support::{Duo, HandServer, KeyAlgorithm, Site, Visitor, identity, now};

const OCSP: [u8; 300] = [5; 300];
const SCTS: [u8; 6] = [0, 4, 0, 2, 7, 7];

/// A site whose certificate has everything beside it.
fn site() -> Arc<Site> {
    let plain = identity(KeyAlgorithm::P256);
    let chain = vec![plain.certificate.chain()[0].clone(); 2];
    let credential = Credential::new(chain)
        .unwrap()
        .with_ocsp(OcspResponse(OCSP.to_vec()))
        .unwrap()
        .with_scts(SignedCertificateTimestampList(SCTS.to_vec()))
        .unwrap();
    let mut site = Site::new(&[]);
    site.identities.push(Arc::new(plain.with(credential)));
    Arc::new(site)
}

/// The need that a client of our server raises.
fn need(client: ClientConfig, server: ServerConfig, name: &str) -> PeerCertificateNeed {
    let visitor = Arc::new(Visitor::default());
    let mut duo = Duo::with(&site(), &visitor, client.clone(), server);
    duo.client = ClientConnection::new(Arc::new(client), name.parse().unwrap()).unwrap();
    loop {
        match duo.client.step(now()).unwrap() {
            Step::Need(Need::PeerCertificate(need)) => return need,
            Step::Need(need) => duo.client.answer(visitor.answer(need)).unwrap(),
            Step::Blocked => {
                let n = duo.server.receive(duo.client.output());
                duo.client.consume_output(n);
                duo.step_server().unwrap();
                let n = duo.client.receive(duo.server.output());
                duo.server.consume_output(n);
                assert!(n > 0, "nothing moves");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_was_asked_for_is_there() {
    let config = ClientConfig {
        request_ocsp: true,
        request_scts: true,
        ..ClientConfig::default()
    };
    let need = need(config, ServerConfig::default(), "shop.example");
    assert_eq!(need.role(), PeerRole::Server);
    assert_eq!(need.version(), ProtocolVersion::TLS13);
    assert_eq!(need.name(), Some(&"shop.example".parse().unwrap()));
    assert_eq!(need.chain(), site().identities[0].certificate.chain());
    assert_eq!(need.ocsp(), Some(&OCSP[..]));
    assert_eq!(need.scts(), Some(&SCTS[..]));
    assert_eq!(need.delegated_credential(), None);
}

#[test]
fn what_was_not_asked_for_is_not() {
    let config = ClientConfig {
        request_ocsp: false,
        request_scts: false,
        ..ClientConfig::default()
    };
    let need = need(config, ServerConfig::default(), "shop.example");
    assert_eq!((need.ocsp(), need.scts()), (None, None));
}

/// RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"."
#[test]
fn a_server_by_its_address() {
    let need = need(
        ClientConfig::default(),
        ServerConfig::default(),
        "192.0.2.7",
    );
    assert_eq!(need.name(), Some(&"192.0.2.7".parse().unwrap()));
    let mut client = ClientConnection::new(
        Arc::new(ClientConfig {
            resumption: false,
            ..ClientConfig::default()
        }),
        "2001:db8::7".parse().unwrap(),
    )
    .unwrap();
    client.step(now()).unwrap();
    let hello = &client.output()[5 + 4..];
    let hello: ClientHello = Decode::from_bytes(hello).unwrap();
    assert_eq!(hello.extensions.server_name, None);
}

#[test]
fn a_compressed_certificate_is_the_same() {
    for algorithm in [Algorithm::BROTLI, Algorithm::ZSTD, Algorithm::ZLIB] {
        let client = ClientConfig {
            certificate_compression: vec![Algorithm(0x1234), algorithm],
            ..ClientConfig::default()
        };
        let server = ServerConfig {
            certificate_compression: vec![algorithm],
            ..ServerConfig::default()
        };
        let need = need(client, server, "shop.example");
        assert_eq!(need.chain(), site().identities[0].certificate.chain());
        assert_eq!(need.ocsp(), Some(&OCSP[..]));
    }
}

/// A server by hand, the client of which takes zlib.
fn compressing(
    algorithm: Algorithm,
    change: impl FnOnce(&mut CompressedCertificate),
) -> HandServer {
    let mut server = HandServer::new(ClientConfig {
        certificate_compression: vec![Algorithm::ZLIB],
        ..ClientConfig::default()
    });
    assert_eq!(
        server.hello.extensions.compress_certificate,
        Some(vec![Algorithm::ZLIB])
    );
    let hello = server.server_hello();
    server.send_server_hello(&hello).unwrap();
    server.send(&EncryptedExtensions::default()).unwrap();
    let mut certificate = server.certificate();
    for _ in 0..3 {
        let entry = certificate.certificate_list[0].clone();
        certificate.certificate_list.push(entry);
    }
    let body = certificate.to_bytes();
    let mut compressed = keyward_compression::compress(algorithm, &body).unwrap();
    change(&mut compressed);
    let outcome = server.send(&compressed);
    assert!(outcome.is_err());
    server
}

/// RFC 8879 §4: "The algorithm MUST be one of the algorithms listed in the peer's compress_certificate extension."
#[test]
fn a_compression_that_was_not_offered() {
    let mut server = compressing(Algorithm::BROTLI, |_| ());
    assert_eq!(server.alert(), AlertDescription::ILLEGAL_PARAMETER);
}

/// RFC 8879 §4: "If the received CompressedCertificate message cannot be decompressed, the connection MUST be
/// terminated with the "bad_certificate" alert."
#[test]
fn a_compressed_certificate_that_is_none() {
    type Change = fn(&mut CompressedCertificate);
    let changes: [Change; 4] = [
        |compressed| compressed.compressed_certificate_message[5] ^= 0x55,
        |compressed| compressed.uncompressed_length += 1,
        |compressed| compressed.uncompressed_length -= 1,
        |compressed| compressed.uncompressed_length = 0xff_ffff,
    ];
    for change in changes {
        let mut server = compressing(Algorithm::ZLIB, change);
        assert_eq!(server.alert(), AlertDescription::BAD_CERTIFICATE);
    }
}

// --- delegated credentials ---

/// A server whose leaf has this in its `delegated_credential`.
fn delegating(asked: bool, credential: &[u8]) -> (HandServer, Result<(), keyward_tls::Error>) {
    let mut server = HandServer::new(ClientConfig {
        delegated_credentials: asked,
        ..ClientConfig::default()
    });
    server.begin();
    let mut certificate = server.certificate();
    let leaf = &mut certificate.certificate_list[0].extensions;
    leaf.delegated_credential = Some(credential.to_vec());
    let outcome = server.send(&certificate);
    (server, outcome)
}

/// RFC 9345 §4.1.1: "If the client receives a delegated credential without having indicated support in its
/// ClientHello, then the client MUST abort the handshake with an "unexpected_message" alert."
#[test]
fn a_delegated_credential_that_was_not_asked_for() {
    let (mut server, outcome) = delegating(false, &[1; 20]);
    assert_eq!(server.hello.extensions.delegated_credential, None);
    server.refused(
        outcome,
        PeerMisbehaved::UnaskedDelegatedCredential,
        AlertDescription::UNEXPECTED_MESSAGE,
    );
}

/// RFC 9345 §4: the key that is delegated to is no RSA key of the usual kind.
#[test]
fn what_a_delegated_key_may_sign_with_is_offered() {
    let (server, outcome) = delegating(true, &[1; 20]);
    outcome.unwrap();
    let offered = server.hello.extensions.delegated_credential.unwrap();
    assert!(offered.contains(&SignatureScheme::ECDSA_SECP256R1_SHA256));
    assert!(offered.contains(&SignatureScheme::ED25519));
    assert!(!offered.contains(&SignatureScheme::RSA_PSS_RSAE_SHA256));
}

/// RFC 9345 §4.1.3: "Clients and servers that receive non-valid delegated credentials MUST terminate the connection
/// with an "illegal_parameter" alert."
#[test]
fn a_delegated_credential_that_is_none() {
    let (mut server, outcome) = delegating(true, &[1; 20]);
    outcome.unwrap();
    let verify = server.certificate_verify();
    let outcome = server.send(&verify);
    let error = PeerMisbehaved::BadDelegatedCredential("it does not parse");
    server.misbehaved(outcome, error);
}
