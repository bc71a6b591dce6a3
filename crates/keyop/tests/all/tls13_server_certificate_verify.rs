//! Every check of `Tls13ServerCertificateVerify`, broken once.

use keyward_keyop::{CheckError, ServerNonce};
use keyward_wire::extensions::ServerKeyShare;
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::{
    CipherSuite, CompressionMethod, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion,
    SignatureScheme,
};

use crate::support::check;
use crate::support::identity::{ed25519, other_p256, p256, p384, rsa};
use crate::support::tls13::{
    Handshake, certificate, certificate_request, handshake, handshake_with, retried, share,
};

type Row = (
    &'static str,
    fn() -> Handshake,
    fn(&mut Handshake),
    CheckError,
);

#[test]
fn every_check_is_made() {
    for (name, start, break_it, expected) in rows() {
        let mut handshake = start();
        break_it(&mut handshake);
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        let error = check(&handshake.operation(), &allowed.rules(identity)).expect_err(name);
        assert_eq!(error, expected, "{name}");
        assert!(!error.to_string().is_empty());
    }
}

fn rows() -> Vec<Row> {
    [
        order(),
        server_hello(),
        key_and_scheme(),
        hello_retry(),
        second_client_hello(),
    ]
    .concat()
}

fn unexpected(found: Option<HandshakeType>, expected: &'static str) -> CheckError {
    CheckError::UnexpectedMessage { found, expected }
}

const END: &str = "nothing more before the private-key step";

fn order() -> Vec<Row> {
    vec![
        (
            "no messages",
            handshake,
            |h| h.edit = Vec::clear,
            unexpected(None, "ClientHello"),
        ),
        (
            "no ClientHello",
            handshake,
            |h| h.edit = |m| drop(m.remove(0)),
            unexpected(Some(HandshakeType::SERVER_HELLO), "ClientHello"),
        ),
        (
            "two ClientHellos",
            handshake,
            |h| h.edit = |m| m.insert(1, m[0].clone()),
            unexpected(Some(HandshakeType::CLIENT_HELLO), "ServerHello"),
        ),
        (
            "two ServerHellos",
            handshake,
            |h| h.edit = |m| m.insert(2, m[1].clone()),
            unexpected(Some(HandshakeType::SERVER_HELLO), "EncryptedExtensions"),
        ),
        (
            "no EncryptedExtensions",
            handshake,
            |h| h.edit = |m| drop(m.remove(2)),
            unexpected(Some(HandshakeType::CERTIFICATE), "EncryptedExtensions"),
        ),
        (
            "no Certificate",
            handshake,
            |h| h.edit = |m| drop(m.pop()),
            unexpected(None, "Certificate"),
        ),
        (
            "CertificateRequest after Certificate",
            handshake,
            |h| {
                h.certificate_request = Some(certificate_request());
                h.edit = |m| m.swap(3, 4);
            },
            unexpected(Some(HandshakeType::CERTIFICATE_REQUEST), END),
        ),
        (
            "a message after Certificate",
            handshake,
            |h| h.edit = |m| m.push(vec![20, 0, 0, 0]),
            unexpected(Some(HandshakeType::FINISHED), END),
        ),
        (
            "more than may be",
            handshake,
            |h| h.edit = |m| m.push(vec![0; 128 * 1024]),
            CheckError::TooLong {
                len: handshake().messages().concat().len() + 128 * 1024,
            },
        ),
    ]
}

fn server_hello() -> Vec<Row> {
    vec![
        (
            "client without supported_versions",
            handshake,
            |h| h.client_hello.extensions.supported_versions = None,
            CheckError::VersionNotOffered,
        ),
        (
            "client without TLS 1.3",
            handshake,
            |h| h.client_hello.extensions.supported_versions = Some(vec![ProtocolVersion::TLS12]),
            CheckError::VersionNotOffered,
        ),
        (
            "ServerHello without supported_versions",
            handshake,
            |h| h.server_hello.extensions.supported_versions = None,
            CheckError::WrongVersion,
        ),
        (
            "legacy_version 0x0304",
            handshake,
            |h| h.server_hello.legacy_version = ProtocolVersion::TLS13,
            CheckError::WrongVersion,
        ),
        (
            "PSK handshake",
            handshake,
            |h| h.server_hello.extensions.pre_shared_key = Some(0),
            CheckError::Resumption,
        ),
        (
            "another random",
            handshake,
            |h| h.server_hello.random[31] ^= 1,
            CheckError::RandomNotDerived,
        ),
        (
            "another nonce",
            handshake,
            |h| h.nonce = ServerNonce::from_bytes([0x5b; 32]),
            CheckError::RandomNotDerived,
        ),
        (
            "the random of TLS 1.2",
            handshake,
            |h| h.server_hello.random = h.nonce.tls12_random(),
            CheckError::RandomNotDerived,
        ),
        (
            "session ID not echoed",
            handshake,
            |h| h.server_hello.session_id.clear(),
            CheckError::SessionIdNotEchoed,
        ),
        (
            "compression",
            handshake,
            |h| h.server_hello.compression_method = CompressionMethod(1),
            CheckError::Compression,
        ),
        (
            "suite not offered",
            handshake,
            |h| {
                h.client_hello
                    .cipher_suites
                    .retain(|suite| *suite != CipherSuite::TLS_AES_128_GCM_SHA256);
            },
            CheckError::SuiteNotOffered(CipherSuite::TLS_AES_128_GCM_SHA256),
        ),
        (
            "suite of TLS 1.2",
            handshake,
            |h| h.server_hello.cipher_suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            CheckError::SuiteNotAllowed(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "suite without known hash",
            handshake,
            |h| h.server_hello.cipher_suite = CipherSuite(0x1a1a),
            CheckError::SuiteNotAllowed(CipherSuite(0x1a1a)),
        ),
        (
            "no key share",
            handshake,
            |h| h.server_hello.extensions.key_share = None,
            CheckError::KeyShareNotOffered,
        ),
        (
            "key share of another group",
            handshake,
            |h| {
                h.server_hello.extensions.key_share =
                    Some(ServerKeyShare::Share(share(NamedGroup::SECP256R1)));
            },
            CheckError::KeyShareNotOffered,
        ),
    ]
}

fn key_and_scheme() -> Vec<Row> {
    vec![
        (
            "leaf of another key",
            handshake,
            |h| h.certificate = certificate(other_p256()),
            CheckError::CertificateOfAnotherKey,
        ),
        (
            "this key second in the chain",
            handshake,
            |h| {
                h.certificate
                    .certificate_list
                    .insert(0, certificate(other_p256()).certificate_list.remove(0));
            },
            CheckError::CertificateOfAnotherKey,
        ),
        (
            "no certificate",
            handshake,
            |h| h.certificate.certificate_list.clear(),
            CheckError::NoCertificate,
        ),
        (
            "certificate with a request context",
            handshake,
            |h| h.certificate.certificate_request_context = vec![1],
            CheckError::CertificateContext,
        ),
        (
            "no signature_algorithms",
            handshake,
            |h| h.client_hello.extensions.signature_algorithms = None,
            CheckError::SchemeNotOffered(SignatureScheme::ECDSA_SECP256R1_SHA256),
        ),
        (
            "scheme not offered",
            || handshake_with(rsa(), SignatureScheme::RSA_PSS_RSAE_SHA512),
            |_| (),
            CheckError::SchemeNotOffered(SignatureScheme::RSA_PSS_RSAE_SHA512),
        ),
        (
            "PKCS#1 v1.5",
            || handshake_with(rsa(), SignatureScheme::RSA_PKCS1_SHA256),
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::RSA_PKCS1_SHA256),
        ),
        (
            "RSA with SHA-1",
            || handshake_with(rsa(), SignatureScheme::RSA_PKCS1_SHA1),
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::RSA_PKCS1_SHA1),
        ),
        (
            "ECDSA with SHA-1",
            || handshake_with(p256(), SignatureScheme::ECDSA_SHA1),
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::ECDSA_SHA1),
        ),
        (
            "PSS with the scheme of keys for PSS alone",
            || handshake_with(rsa(), SignatureScheme::RSA_PSS_PSS_SHA256),
            |_| (),
            CheckError::SchemeKeyMismatch(SignatureScheme::RSA_PSS_PSS_SHA256),
        ),
        (
            "curve of another scheme",
            || handshake_with(p256(), SignatureScheme::ECDSA_SECP384R1_SHA384),
            |_| (),
            CheckError::SchemeKeyMismatch(SignatureScheme::ECDSA_SECP384R1_SHA384),
        ),
        (
            "P-384 with P-256's scheme",
            || handshake_with(p384(), SignatureScheme::ECDSA_SECP256R1_SHA256),
            |_| (),
            CheckError::SchemeKeyMismatch(SignatureScheme::ECDSA_SECP256R1_SHA256),
        ),
        (
            "RSA scheme with an ECDSA key",
            || handshake_with(p256(), SignatureScheme::RSA_PSS_RSAE_SHA256),
            |_| (),
            CheckError::SchemeKeyMismatch(SignatureScheme::RSA_PSS_RSAE_SHA256),
        ),
        (
            "ECDSA scheme with an Ed25519 key",
            || handshake_with(ed25519(), SignatureScheme::ECDSA_SECP256R1_SHA256),
            |_| (),
            CheckError::SchemeKeyMismatch(SignatureScheme::ECDSA_SECP256R1_SHA256),
        ),
        (
            "RSA key that may not sign",
            || handshake_with(rsa(), SignatureScheme::RSA_PSS_RSAE_SHA256),
            |h| {
                h.allowed.rsa_signing = false;
                h.allowed.rsa_decryption = true;
            },
            CheckError::SigningDisabled,
        ),
    ]
}

fn hello_retry() -> Vec<Row> {
    fn retry(handshake: &mut Handshake) -> &mut ServerHello {
        &mut handshake.retry.as_mut().unwrap().0
    }
    vec![
        (
            "retry after retry",
            retried,
            |h| h.edit = |m| m.insert(3, m[1].clone()),
            CheckError::KeyShareNotOffered,
        ),
        (
            "retry without second ClientHello",
            retried,
            |h| h.edit = |m| drop(m.remove(2)),
            unexpected(Some(HandshakeType::SERVER_HELLO), "the second ClientHello"),
        ),
        (
            "a first ServerHello that is no retry",
            retried,
            |h| {
                *retry(h) = handshake().server_hello;
                retry(h).random = [7; 32];
            },
            CheckError::RandomNotDerived,
        ),
        (
            "a second ClientHello without retry",
            retried,
            |h| *retry(h) = handshake().server_hello,
            unexpected(Some(HandshakeType::CLIENT_HELLO), "EncryptedExtensions"),
        ),
        (
            "retry of another version",
            retried,
            |h| retry(h).legacy_version = ProtocolVersion::TLS13,
            CheckError::WrongVersion,
        ),
        (
            "retry without session ID",
            retried,
            |h| retry(h).session_id.clear(),
            CheckError::SessionIdNotEchoed,
        ),
        (
            "retry with a suite that is not offered",
            retried,
            |h| retry(h).cipher_suite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            CheckError::SuiteNotOffered(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256),
        ),
        (
            "suite changes after the retry",
            retried,
            |h| h.server_hello.cipher_suite = CipherSuite::TLS_AES_256_GCM_SHA384,
            CheckError::SuiteChangedAfterRetry,
        ),
        (
            "retry that asks for nothing",
            retried,
            |h| {
                retry(h).extensions.key_share = None;
                retry(h).extensions.cookie = None;
            },
            CheckError::RetryWithoutCause,
        ),
        (
            "retry for a share that is there",
            retried,
            |h| retry(h).extensions.key_share = Some(ServerKeyShare::Retry(NamedGroup::X25519)),
            CheckError::RetryWithoutCause,
        ),
        (
            "retry for a group that is not offered",
            retried,
            |h| retry(h).extensions.key_share = Some(ServerKeyShare::Retry(NamedGroup::SECP384R1)),
            CheckError::RetryWithoutCause,
        ),
        (
            "ServerHello for the first share",
            retried,
            |h| {
                h.server_hello.extensions.key_share =
                    Some(ServerKeyShare::Share(share(NamedGroup::X25519)));
            },
            CheckError::KeyShareNotOffered,
        ),
    ]
}

fn second_client_hello() -> Vec<Row> {
    fn second(handshake: &mut Handshake) -> &mut keyward_wire::handshake::ClientHello {
        &mut handshake.retry.as_mut().unwrap().1
    }
    fn differs(field: &'static str) -> CheckError {
        CheckError::SecondClientHelloDiffers { field }
    }
    vec![
        (
            "random",
            retried,
            |h| second(h).random[0] ^= 1,
            differs("random"),
        ),
        (
            "version",
            retried,
            |h| second(h).legacy_version = ProtocolVersion(0x0302),
            differs("legacy_version"),
        ),
        (
            "session ID",
            retried,
            |h| second(h).session_id.clear(),
            differs("legacy_session_id"),
        ),
        (
            "suites",
            retried,
            |h| second(h).cipher_suites.truncate(2),
            differs("cipher_suites"),
        ),
        (
            "compression methods",
            retried,
            |h| second(h).compression_methods.push(CompressionMethod(1)),
            differs("legacy_compression_methods"),
        ),
        (
            "early data",
            retried,
            |h| second(h).extensions.early_data = true,
            differs("early_data"),
        ),
        (
            "server name",
            retried,
            |h| second(h).extensions.server_name = Some("other.example".parse().unwrap()),
            differs("extension"),
        ),
        (
            "schemes",
            retried,
            |h| second(h).extensions.signature_algorithms = Some(vec![SignatureScheme::ED25519]),
            differs("extension"),
        ),
        (
            "an unknown extension",
            retried,
            |h| {
                second(h)
                    .extensions
                    .unknown
                    .push((ExtensionType(0x4a4a), vec![]));
            },
            differs("extension"),
        ),
        (
            "cookie",
            retried,
            |h| second(h).extensions.cookie = Some(b"other".to_vec()),
            differs("cookie"),
        ),
        (
            "no cookie",
            retried,
            |h| second(h).extensions.cookie = None,
            differs("cookie"),
        ),
        (
            "the first key share again",
            retried,
            |h| second(h).extensions.key_share = Some(vec![share(NamedGroup::X25519)]),
            differs("key_share"),
        ),
        (
            "two key shares",
            retried,
            |h| {
                second(h)
                    .extensions
                    .key_share
                    .as_mut()
                    .unwrap()
                    .push(share(NamedGroup::X25519));
            },
            differs("key_share"),
        ),
    ]
}

#[test]
fn an_operation_for_another_key_is_refused_before_it_is_read() {
    let handshake = handshake();
    let allowed = handshake.allowed;
    let error = check(&handshake.operation(), &allowed.rules(other_p256()));
    assert_eq!(error, Err(CheckError::WrongKey));
}

#[test]
fn a_message_that_does_not_parse_is_malformed() {
    for edit in [
        |messages: &mut Vec<Vec<u8>>| messages.last_mut().unwrap().truncate(9),
        |messages: &mut Vec<Vec<u8>>| messages[2] = vec![8, 0, 0, 1, 0],
        |messages: &mut Vec<Vec<u8>>| messages.push(vec![11, 0]),
    ] {
        let mut handshake = handshake();
        handshake.edit = edit;
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        let error = check(&handshake.operation(), &allowed.rules(identity));
        assert!(matches!(error, Err(CheckError::Malformed(_))), "{error:?}");
    }
}

#[test]
fn a_leaf_that_is_no_certificate_is_malformed() {
    let mut handshake = handshake();
    handshake.certificate.certificate_list[0].cert_data = b"no certificate".to_vec();
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    let error = check(&handshake.operation(), &allowed.rules(identity));
    assert!(matches!(error, Err(CheckError::Malformed(_))), "{error:?}");
}

#[test]
fn what_may_differ_in_a_second_client_hello_may() {
    let mut handshake = retried();
    handshake.client_hello.extensions.early_data = true;
    let padding = (ExtensionType::PADDING, vec![0; 100]);
    handshake.client_hello.extensions.unknown.push(padding);
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    assert_eq!(
        check(&handshake.operation(), &allowed.rules(identity)),
        Ok(())
    );
}

#[test]
fn a_retry_for_a_cookie_alone_keeps_the_key_share() {
    let mut handshake = retried();
    let shares = handshake.client_hello.extensions.key_share.clone();
    let (retry, second) = handshake.retry.as_mut().unwrap();
    retry.extensions.key_share = None;
    second.extensions.key_share = shares;
    handshake.server_hello.extensions.key_share =
        Some(ServerKeyShare::Share(share(NamedGroup::X25519)));
    let (identity, allowed) = (handshake.identity, handshake.allowed);
    assert_eq!(
        check(&handshake.operation(), &allowed.rules(identity)),
        Ok(())
    );
}
