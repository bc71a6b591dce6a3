//! Every check of `Tls12ClientCertificateVerify`, broken once.

use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{CheckError, OperationResult};
use keyward_wire::values::{
    CipherSuite, CompressionMethod, HandshakeType, ProtocolVersion, SignatureScheme,
};

use crate::support::check;
use crate::support::identity::{ed25519, other_p256, p256, rsa};
use crate::support::tls12_client::{Handshake, certificate, handshake, handshake_with};

const ECDSA: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
const PKCS1: SignatureScheme = SignatureScheme::RSA_PKCS1_SHA256;
const CBC: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA;
const RSA: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;

type Row = (
    &'static str,
    fn() -> Handshake,
    fn(&mut Handshake),
    CheckError,
);

#[test]
fn every_check_is_made() {
    for (name, start, break_it, expected) in [order(), rest()].concat() {
        let mut handshake = start();
        break_it(&mut handshake);
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        let error = check(&handshake.operation(), &allowed.rules(identity)).expect_err(name);
        assert_eq!(error, expected, "{name}");
        assert!(!error.to_string().is_empty());
    }
}

fn order() -> Vec<Row> {
    fn unexpected(found: HandshakeType, expected: &'static str) -> CheckError {
        CheckError::UnexpectedMessage {
            found: Some(found),
            expected,
        }
    }
    vec![
        (
            "no CertificateRequest",
            handshake,
            |h| h.edit = |m| drop(m.remove(4)),
            unexpected(HandshakeType::SERVER_HELLO_DONE, "CertificateRequest"),
        ),
        (
            "no Certificate of the server",
            handshake,
            |h| h.edit = |m| drop(m.remove(2)),
            unexpected(
                HandshakeType::SERVER_KEY_EXCHANGE,
                "the server's Certificate",
            ),
        ),
        (
            "no ServerHelloDone",
            handshake,
            |h| h.edit = |m| drop(m.remove(5)),
            unexpected(HandshakeType::CERTIFICATE, "ServerHelloDone"),
        ),
        (
            "no Certificate of the client",
            handshake,
            |h| h.edit = |m| drop(m.remove(6)),
            unexpected(
                HandshakeType::CLIENT_KEY_EXCHANGE,
                "the client's Certificate",
            ),
        ),
        (
            "no ClientKeyExchange",
            handshake,
            |h| h.edit = |m| drop(m.pop()),
            CheckError::UnexpectedMessage {
                found: None,
                expected: "ClientKeyExchange",
            },
        ),
        (
            "a message too many",
            handshake,
            |h| h.edit = |m| m.push(vec![20, 0, 0, 0]),
            unexpected(
                HandshakeType::FINISHED,
                "nothing more before the private-key step",
            ),
        ),
    ]
}

fn rest() -> Vec<Row> {
    vec![
        (
            "a key of the server role",
            handshake,
            |h| h.allowed.client = false,
            CheckError::NotAClientKey,
        ),
        (
            "a client of TLS 1.3 alone",
            handshake,
            |h| h.client_hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS13]),
            CheckError::VersionNotOffered,
        ),
        (
            "another version",
            handshake,
            |h| h.server_hello.legacy_version = ProtocolVersion(0x0302),
            CheckError::WrongVersion,
        ),
        (
            "a resumed session",
            handshake,
            |h| h.server_hello.session_id = h.client_hello.session_id.clone(),
            CheckError::Resumption,
        ),
        (
            "compression",
            handshake,
            |h| h.server_hello.compression_method = CompressionMethod(1),
            CheckError::Compression,
        ),
        (
            "no extended master secret",
            handshake,
            |h| h.server_hello.extensions.extended_master_secret = false,
            CheckError::NoExtendedMasterSecret,
        ),
        (
            "a CBC suite without legacy",
            handshake,
            |h| h.server_hello.cipher_suite = CBC,
            CheckError::SuiteNotAllowed(CBC),
        ),
        (
            "RSA key transport without legacy",
            handshake,
            |h| h.server_hello.cipher_suite = RSA,
            CheckError::SuiteNotAllowed(RSA),
        ),
        (
            "a suite of TLS 1.3",
            handshake,
            |h| h.server_hello.cipher_suite = CipherSuite::TLS_AES_128_GCM_SHA256,
            CheckError::SuiteNotAllowed(CipherSuite::TLS_AES_128_GCM_SHA256),
        ),
        (
            "an empty Certificate",
            handshake,
            |h| h.certificate.certificate_list.clear(),
            CheckError::NoCertificate,
        ),
        (
            "the certificate of another key",
            handshake,
            |h| h.certificate = certificate(other_p256()),
            CheckError::CertificateOfAnotherKey,
        ),
        (
            "a scheme that the client offers and the server does not",
            handshake,
            |h| h.request.supported_signature_algorithms = vec![PKCS1],
            CheckError::SchemeNotOffered(ECDSA),
        ),
        (
            "SHA-1",
            || handshake_with(rsa(), SignatureScheme::RSA_PKCS1_SHA1),
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::RSA_PKCS1_SHA1),
        ),
        (
            "a scheme for another key",
            || handshake_with(ed25519(), ECDSA),
            |_| (),
            CheckError::SchemeKeyMismatch(ECDSA),
        ),
        (
            "an RSA key that may not sign",
            || handshake_with(rsa(), PKCS1),
            |h| h.allowed.rsa_signing = false,
            CheckError::SigningDisabled,
        ),
    ]
}

#[test]
fn under_legacy_the_connection_may_be_an_old_one() {
    let old: [fn(&mut Handshake); 3] = [
        |h| h.server_hello.extensions.extended_master_secret = false,
        |h| h.server_hello.cipher_suite = CBC,
        |h| {
            h.server_hello.cipher_suite = RSA;
            // RSA key transport has no ServerKeyExchange.
            h.edit = |m| drop(m.remove(3));
        },
    ];
    for make_old in old {
        let mut handshake = handshake();
        make_old(&mut handshake);
        handshake.allowed.legacy = true;
        let allowed = handshake.allowed;
        assert_eq!(
            check(&handshake.operation(), &allowed.rules(p256())),
            Ok(())
        );
    }
}

#[test]
fn what_is_signed_is_all_messages() {
    let cases = [
        (p256(), ECDSA, SignatureAlgorithm::EcdsaSha256),
        (rsa(), PKCS1, SignatureAlgorithm::RsaPkcs1Sha256),
        (
            ed25519(),
            SignatureScheme::ED25519,
            SignatureAlgorithm::Ed25519,
        ),
    ];
    for (identity, scheme, algorithm) in cases {
        let handshake = handshake_with(identity, scheme);
        let messages = handshake.messages().concat();
        let rules = handshake.allowed.rules(identity);
        let operation = handshake.operation();
        let checked = operation.check(&rules).unwrap();
        assert_eq!(checked.server_name(), Some("shop.example"));
        let OperationResult::Signature(signature) = checked.perform(&identity.key).unwrap() else {
            panic!("no signature");
        };
        let key = identity.key.public_key();
        key.verify(algorithm, &messages, &signature).unwrap();
    }
}
