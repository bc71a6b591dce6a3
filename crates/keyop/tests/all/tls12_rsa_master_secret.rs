//! Every check of `Tls12RsaMasterSecret`, broken once.

use keyward_keyop::CheckError;
use keyward_wire::handshake::{
    CertificateRequestTls12, CertificateStatus, CertificateTls12, to_message,
};
use keyward_wire::values::{
    CipherSuite, ClientCertificateType, HandshakeType, ProtocolVersion, SignatureScheme,
};

use crate::support::check;
use crate::support::identity::{p256, rsa3072};
use crate::support::tls12_rsa::{Handshake, certificate, handshake};

type Row = (&'static str, fn(&mut Handshake), CheckError);
/// Something that is allowed.
type Case = (&'static str, fn(&mut Handshake));

#[test]
fn every_check_is_made() {
    for (name, break_it, expected) in [order(), choices(), key()].concat() {
        let mut handshake = handshake();
        break_it(&mut handshake);
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        let error = check(&handshake.operation(), &allowed.rules(identity)).expect_err(name);
        assert_eq!(error, expected, "{name}");
        assert!(!error.to_string().is_empty());
    }
}

fn order() -> Vec<Row> {
    fn unexpected(found: Option<HandshakeType>, expected: &'static str) -> CheckError {
        CheckError::UnexpectedMessage { found, expected }
    }
    vec![
        (
            "no Certificate",
            |h| h.edit = |m| drop(m.remove(2)),
            unexpected(Some(HandshakeType::SERVER_HELLO_DONE), "Certificate"),
        ),
        (
            "a ServerKeyExchange",
            |h| h.request = vec![vec![12, 0, 0, 0]],
            unexpected(Some(HandshakeType::SERVER_KEY_EXCHANGE), "ServerHelloDone"),
        ),
        (
            "no ServerHelloDone",
            |h| h.edit = |m| drop(m.remove(3)),
            unexpected(Some(HandshakeType::CLIENT_KEY_EXCHANGE), "ServerHelloDone"),
        ),
        (
            "a client's Certificate that nobody asked for",
            |h| h.client_certificate = Some(CertificateTls12::default()),
            unexpected(Some(HandshakeType::CERTIFICATE), "ClientKeyExchange"),
        ),
        (
            "no client's Certificate where one was asked for",
            |h| h.request = vec![certificate_request()],
            unexpected(
                Some(HandshakeType::CLIENT_KEY_EXCHANGE),
                "the client's Certificate",
            ),
        ),
        (
            "CertificateRequest before CertificateStatus",
            |h| h.request = vec![certificate_request(), certificate_status()],
            unexpected(Some(HandshakeType::CERTIFICATE_STATUS), "ServerHelloDone"),
        ),
        (
            "no ClientKeyExchange",
            |h| h.edit = |m| drop(m.pop()),
            unexpected(None, "ClientKeyExchange"),
        ),
        (
            "a message after ClientKeyExchange",
            |h| h.edit = |m| m.push(vec![20, 0, 0, 0]),
            unexpected(
                Some(HandshakeType::FINISHED),
                "nothing more before the private-key step",
            ),
        ),
    ]
}

fn choices() -> Vec<Row> {
    vec![
        (
            "a client of TLS 1.3 alone",
            |h| h.client_hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS13]),
            CheckError::VersionNotOffered,
        ),
        (
            "a server of TLS 1.1",
            |h| h.server_hello.legacy_version = ProtocolVersion(0x0302),
            CheckError::WrongVersion,
        ),
        (
            "another random",
            |h| h.server_hello.random[5] ^= 1,
            CheckError::RandomNotDerived,
        ),
        (
            "a resumed session",
            |h| h.server_hello.session_id = h.client_hello.session_id.clone(),
            CheckError::Resumption,
        ),
        (
            "extended master secret without request",
            |h| h.client_hello.extensions.extended_master_secret = false,
            CheckError::UnsolicitedExtension,
        ),
        (
            "suite not offered",
            |h| h.client_hello.cipher_suites = vec![CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384],
            CheckError::SuiteNotOffered(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "an ECDHE suite",
            |h| h.server_hello.cipher_suite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            CheckError::SuiteNotAllowed(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "3DES",
            |h| h.server_hello.cipher_suite = CipherSuite::TLS_RSA_WITH_3DES_EDE_CBC_SHA,
            CheckError::SuiteNotAllowed(CipherSuite::TLS_RSA_WITH_3DES_EDE_CBC_SHA),
        ),
    ]
}

fn key() -> Vec<Row> {
    vec![
        (
            "a key that may not decrypt",
            |h| h.allowed.rsa_decryption = false,
            CheckError::DecryptionDisabled,
        ),
        (
            "a key that may sign and not decrypt",
            |h| {
                h.allowed.rsa_signing = true;
                h.allowed.rsa_decryption = false;
            },
            CheckError::DecryptionDisabled,
        ),
        (
            "a leaf of another key",
            |h| h.certificate = certificate(rsa3072()),
            CheckError::CertificateOfAnotherKey,
        ),
        (
            "no certificate",
            |h| h.certificate.certificate_list.clear(),
            CheckError::NoCertificate,
        ),
        (
            "an ECDSA key",
            |h| {
                h.identity = p256();
                h.certificate = certificate(p256());
            },
            CheckError::SuiteKeyMismatch(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "a ciphertext too short",
            |h| h.ciphertext.truncate(255),
            CheckError::CiphertextLength {
                found: 255,
                modulus: 256,
            },
        ),
        (
            "a ciphertext too long",
            |h| h.ciphertext.insert(0, 0),
            CheckError::CiphertextLength {
                found: 257,
                modulus: 256,
            },
        ),
        (
            "no ciphertext",
            |h| h.ciphertext.clear(),
            CheckError::CiphertextLength {
                found: 0,
                modulus: 256,
            },
        ),
    ]
}

fn certificate_request() -> Vec<u8> {
    to_message(&CertificateRequestTls12 {
        certificate_types: vec![ClientCertificateType(1)],
        supported_signature_algorithms: vec![SignatureScheme::RSA_PKCS1_SHA256],
        certificate_authorities: vec![],
    })
}

fn certificate_status() -> Vec<u8> {
    to_message(&CertificateStatus {
        ocsp_response: vec![1],
    })
}

#[test]
fn an_operation_for_another_key_is_refused() {
    let handshake = handshake();
    let allowed = handshake.allowed;
    let error = check(&handshake.operation(), &allowed.rules(rsa3072()));
    assert_eq!(error, Err(CheckError::WrongKey));
}

#[test]
fn a_client_key_exchange_that_does_not_parse_is_malformed() {
    let mut handshake = handshake();
    // Without the length, as SSL 3.0 had it.
    handshake.edit = |messages| {
        let last = messages.last_mut().unwrap();
        last.drain(4..6);
        last[3] -= 2;
    };
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    let error = check(&handshake.operation(), &allowed.rules(identity));
    assert!(matches!(error, Err(CheckError::Malformed(_))), "{error:?}");
}

#[test]
fn what_is_right_passes() {
    let cases: [Case; 5] = [
        ("as it is", |_| ()),
        ("AES-256", |h| {
            h.server_hello.cipher_suite = CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384;
        }),
        ("without the extended master secret", |h| {
            h.server_hello.extensions.extended_master_secret = false;
        }),
        ("stapling and client authentication", |h| {
            h.request = vec![certificate_status(), certificate_request()];
            h.client_certificate = Some(CertificateTls12::default());
        }),
        ("a key for both uses", |h| h.allowed.rsa_signing = true),
    ];
    for (name, change) in cases {
        let mut handshake = handshake();
        change(&mut handshake);
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        assert_eq!(
            check(&handshake.operation(), &allowed.rules(identity)),
            Ok(()),
            "{name}"
        );
    }
}
