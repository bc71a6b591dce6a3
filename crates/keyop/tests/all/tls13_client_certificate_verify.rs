//! Every check of `Tls13ClientCertificateVerify`, broken once.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{CheckError, OperationResult, tls13};
use keyward_wire::extensions::ServerKeyShare;
use keyward_wire::handshake::{CompressedCertificate, to_message};
use keyward_wire::values::{
    CertificateCompressionAlgorithm, CipherSuite, HandshakeType, NamedGroup, ProtocolVersion,
    SignatureScheme,
};

use crate::support::identity::{ed25519, other_p256, p256, rsa};
use crate::support::tls13_client::{Handshake, handshake, handshake_with, retried};
use crate::support::{Allowed, check, tls13 as server};

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

fn unexpected(found: HandshakeType, expected: &'static str) -> CheckError {
    CheckError::UnexpectedMessage {
        found: Some(found),
        expected,
    }
}

const END: &str = "nothing more before the private-key step";

fn order() -> Vec<Row> {
    vec![
        (
            "no CertificateRequest",
            handshake,
            |h| h.edit = |m| drop(m.remove(3)),
            unexpected(HandshakeType::CERTIFICATE, "CertificateRequest"),
        ),
        (
            "no Certificate of the server",
            handshake,
            |h| h.edit = |m| drop(m.remove(4)),
            unexpected(
                HandshakeType::CERTIFICATE_VERIFY,
                "the server's Certificate",
            ),
        ),
        (
            "no CertificateVerify of the server",
            handshake,
            |h| h.edit = |m| drop(m.remove(5)),
            unexpected(HandshakeType::FINISHED, "CertificateVerify"),
        ),
        (
            "no Finished of the server",
            handshake,
            |h| h.edit = |m| drop(m.remove(6)),
            unexpected(HandshakeType::CERTIFICATE, "Finished"),
        ),
        (
            "no Certificate of the client",
            handshake,
            |h| h.edit = |m| drop(m.pop()),
            CheckError::UnexpectedMessage {
                found: None,
                expected: "the client's Certificate",
            },
        ),
        (
            "what a server signs",
            handshake,
            |h| h.edit = |m| m.truncate(5),
            CheckError::UnexpectedMessage {
                found: None,
                expected: "CertificateVerify",
            },
        ),
        (
            "a message too many",
            handshake,
            |h| h.edit = |m| m.push(vec![20, 0, 0, 0]),
            unexpected(HandshakeType::FINISHED, END),
        ),
    ]
}

fn rest() -> Vec<Row> {
    const P256: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
    const PSS: SignatureScheme = SignatureScheme::RSA_PSS_RSAE_SHA256;
    vec![
        (
            "a key of the server role",
            handshake,
            |h| h.allowed.client = false,
            CheckError::NotAClientKey,
        ),
        (
            "a resumed session",
            handshake,
            |h| h.server.server_hello.extensions.pre_shared_key = Some(0),
            CheckError::Resumption,
        ),
        (
            "another version",
            handshake,
            |h| {
                h.server.server_hello.extensions.supported_versions = Some(ProtocolVersion::TLS12);
            },
            CheckError::WrongVersion,
        ),
        (
            "a suite that was not offered",
            handshake,
            |h| h.server.server_hello.cipher_suite = CipherSuite(0x1304),
            CheckError::SuiteNotOffered(CipherSuite(0x1304)),
        ),
        (
            "a share for a group without one",
            handshake,
            |h| {
                h.server.server_hello.extensions.key_share =
                    Some(ServerKeyShare::Share(server::share(NamedGroup::SECP384R1)));
            },
            CheckError::KeyShareNotOffered,
        ),
        (
            "a second ClientHello that differs",
            retried,
            |h| h.server.retry.as_mut().unwrap().1.random[0] ^= 1,
            CheckError::SecondClientHelloDiffers { field: "random" },
        ),
        (
            "another context than the request's",
            handshake,
            |h| h.certificate.certificate_request_context = vec![1],
            CheckError::ContextNotEchoed,
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
            |h| h.certificate = server::certificate(other_p256()),
            CheckError::CertificateOfAnotherKey,
        ),
        (
            "a compression that the server does not offer",
            handshake,
            |h| {
                h.edit = |m| {
                    m[7] = to_message(&CompressedCertificate {
                        algorithm: CertificateCompressionAlgorithm::ZLIB,
                        uncompressed_length: 100,
                        compressed_certificate_message: vec![0; 10],
                    });
                }
            },
            CheckError::CompressionNotOffered(CertificateCompressionAlgorithm::ZLIB),
        ),
        (
            "a scheme that the client offers and the server does not",
            handshake,
            |h| h.request.extensions.signature_algorithms = Some(vec![PSS]),
            CheckError::SchemeNotOffered(P256),
        ),
        (
            "PKCS#1 v1.5",
            || {
                handshake_with(
                    rsa(),
                    SignatureScheme::RSA_PKCS1_SHA256,
                    server::handshake(),
                )
            },
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::RSA_PKCS1_SHA256),
        ),
        (
            "SHA-1",
            || handshake_with(p256(), SignatureScheme::ECDSA_SHA1, server::handshake()),
            |_| (),
            CheckError::SchemeNotAllowed(SignatureScheme::ECDSA_SHA1),
        ),
        (
            "a scheme for another key",
            || handshake_with(ed25519(), P256, server::handshake()),
            |_| (),
            CheckError::SchemeKeyMismatch(P256),
        ),
        (
            "an RSA key that may not sign",
            || handshake_with(rsa(), PSS, server::handshake()),
            |h| h.allowed.rsa_signing = false,
            CheckError::SigningDisabled,
        ),
    ]
}

/// Keys are of one role: what a server signs, a client's key does not.
#[test]
fn a_clients_key_signs_for_no_server() {
    let client = Allowed {
        client: true,
        rsa_decryption: true,
        ..Allowed::default()
    };
    for operation in [
        server::handshake().operation(),
        crate::support::tls12_ecdhe::handshake().operation(),
    ] {
        assert_eq!(
            check(&operation, &client.rules(p256())),
            Err(CheckError::ClientKey)
        );
    }
    let operation = crate::support::tls12_rsa::handshake().operation();
    assert_eq!(
        check(&operation, &client.rules(rsa())),
        Err(CheckError::ClientKey)
    );
}

#[test]
fn what_is_signed_is_the_transcript_as_a_client() {
    for handshake in [handshake(), retried()] {
        let messages = handshake.messages();
        let (identity, allowed) = (handshake.identity, handshake.allowed);
        let transcript = match &handshake.server.retry {
            None => messages.concat(),
            Some(_) => {
                let hash = HashAlgorithm::Sha256.digest(&messages[0]);
                [&[254, 0, 0, 32], &hash[..], &messages[1..].concat()].concat()
            }
        };
        let operation = handshake.operation();
        let rules = allowed.rules(identity);
        let checked = operation.check(&rules).unwrap();
        assert_eq!(checked.server_name(), Some("shop.example"));
        let OperationResult::Signature(signature) = checked.perform(&identity.key).unwrap() else {
            panic!("no signature");
        };
        // RFC 9846 §4.5.2, written out.
        let mut signed = vec![0x20; 64];
        signed.extend_from_slice(b"TLS 1.3, client CertificateVerify\0");
        signed.extend_from_slice(&HashAlgorithm::Sha256.digest(&transcript));
        let key = identity.key.public_key();
        key.verify(SignatureAlgorithm::EcdsaSha256, &signed, &signature)
            .unwrap();
        let hash = HashAlgorithm::Sha256.digest(&transcript);
        assert_eq!(tls13::client_certificate_verify_message(&hash), signed);
        assert_ne!(tls13::server_certificate_verify_message(&hash), signed);
    }
}
