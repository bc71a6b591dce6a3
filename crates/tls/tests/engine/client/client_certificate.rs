//! The client's own certificate (RFC 9846 §4.4.2, §4.5.1, §4.5.2), its key somewhere else.

use std::sync::Arc;

use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::tls13::{client_certificate_verify_message, transcript_hash};
use keyward_tls::{
    CertificateRejection, ClientConfig, Error, KeyOperationFault, NeedError, NeedKind, Policy,
};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::CertificateRequestExtensions;
use keyward_wire::handshake::{self, CertificateRequestTls13, CertificateTls13, CertificateVerify};
use keyward_wire::values::{AlertDescription, HandshakeType, SignatureScheme};

use crate::support::{HandServer, KeyAlgorithm, Visitor, identity};

fn visitor(kinds: &[KeyAlgorithm]) -> Visitor {
    Visitor {
        identities: Some(kinds.iter().map(|kind| identity(*kind)).collect()),
        ..Visitor::default()
    }
}

/// A server that asks for a certificate, with what the client sent until its Finished.
fn asked(
    visitor: Visitor,
    config: ClientConfig,
    schemes: &[SignatureScheme],
) -> (HandServer, Vec<HandshakeType>) {
    let mut server = HandServer::with(config, &Arc::new(visitor));
    server.begin();
    server.send(&request(schemes)).unwrap();
    server.authenticate();
    server.finish().unwrap();
    let types = server.take_client_finished();
    (server, types)
}

fn request(schemes: &[SignatureScheme]) -> CertificateRequestTls13 {
    CertificateRequestTls13 {
        certificate_request_context: Vec::new(),
        extensions: CertificateRequestExtensions {
            signature_algorithms: Some(schemes.to_vec()),
            certificate_authorities: Some(vec![vec![0x30, 0]]),
            ..CertificateRequestExtensions::default()
        },
    }
}

/// RFC 9846 §4.5.2: the CertificateVerify is "immediately after the Certificate message and immediately prior to the
/// Finished message", over all that was said before.
#[test]
fn every_kind_of_key() {
    use SignatureScheme as S;
    for (kind, scheme) in [
        (KeyAlgorithm::P256, S::ECDSA_SECP256R1_SHA256),
        (KeyAlgorithm::P384, S::ECDSA_SECP384R1_SHA384),
        (KeyAlgorithm::Ed25519, S::ED25519),
        (KeyAlgorithm::Rsa2048, S::RSA_PSS_RSAE_SHA256),
    ] {
        let schemes = [S::ECDSA_SHA1, scheme];
        let (server, types) = asked(visitor(&[kind]), ClientConfig::default(), &schemes);
        assert_eq!(
            types,
            [
                HandshakeType::CERTIFICATE,
                HandshakeType::CERTIFICATE_VERIFY,
                HandshakeType::FINISHED
            ]
        );
        let whole = server.messages.clone();
        let messages: Vec<_> = handshake::split(&whole).map(Result::unwrap).collect();
        let [.., certificate, verify, finished] = messages.as_slice() else {
            panic!("too few messages");
        };
        let presented = CertificateTls13::from_bytes(certificate.body).unwrap();
        let identity = identity(kind);
        assert_eq!(
            presented.certificate_list[0].cert_data,
            identity.certificate.chain()[0].to_vec()
        );
        let signed = whole.len() - finished.bytes.len() - verify.bytes.len();
        let content =
            client_certificate_verify_message(&transcript_hash(&whole[..signed], Sha256).unwrap());
        let verify = CertificateVerify::from_bytes(verify.body).unwrap();
        assert_eq!(verify.scheme, scheme);
        identity
            .certificate
            .public_key()
            .verify(
                SignatureAlgorithm::from_code(scheme.0).unwrap(),
                &content,
                &verify.signature,
            )
            .unwrap();
        let negotiated = server.client.negotiated().unwrap();
        assert_eq!(negotiated.client_signature_scheme, Some(scheme));
        assert!(negotiated.certificate.is_some());
        assert_eq!(
            server.visitor.take_asked(),
            [
                NeedKind::OfferSession,
                NeedKind::PeerCertificate,
                NeedKind::ClientCertificate,
                NeedKind::KeyOperation
            ]
        );
    }
}

/// RFC 9846 §4.5.1: "If the server requests certificate-based client authentication but no suitable certificate is
/// available, the client MUST send a Certificate message containing no certificates ... A Finished message MUST be
/// sent regardless of whether the Certificate message is empty."
#[test]
fn no_certificate_that_fits() {
    let schemes = [SignatureScheme::ED25519];
    for visitor in [
        Visitor::default(),
        visitor(&[]),
        visitor(&[KeyAlgorithm::P256, KeyAlgorithm::Rsa2048]),
    ] {
        let (server, types) = asked(visitor, ClientConfig::default(), &schemes);
        assert_eq!(types, [HandshakeType::CERTIFICATE, HandshakeType::FINISHED]);
        let negotiated = server.client.negotiated().unwrap();
        assert!(negotiated.certificate.is_none());
        assert_eq!(negotiated.client_signature_scheme, None);
    }
}

#[test]
fn the_policy_says_what_our_key_may_sign_with() {
    let policy = Policy {
        signature_schemes: Some(vec![SignatureScheme::RSA_PSS_RSAE_SHA512]),
        ..Policy::default()
    };
    let config = ClientConfig {
        policy: Arc::new(policy),
        ..ClientConfig::default()
    };
    let schemes = [
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA512,
    ];
    let kinds = [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048];
    let (server, _) = asked(visitor(&kinds), config, &schemes);
    let negotiated = server.client.negotiated().unwrap();
    assert_eq!(
        negotiated.client_signature_scheme,
        Some(SignatureScheme::RSA_PSS_RSAE_SHA512)
    );
}

/// A server that is not trusted learns nothing of who we are.
#[test]
fn who_we_are_is_asked_when_the_server_has_shown_who_it_is() {
    let rejection = NeedError::Certificate(CertificateRejection::UnknownAuthority);
    let visitor = Arc::new(Visitor {
        errors: vec![(NeedKind::PeerCertificate, rejection)],
        ..visitor(&[KeyAlgorithm::P256])
    });
    let mut server = HandServer::with(ClientConfig::default(), &visitor);
    server.begin();
    server
        .send(&request(&[SignatureScheme::ECDSA_SECP256R1_SHA256]))
        .unwrap();
    let certificate = server.certificate();
    server.send(&certificate).unwrap();
    let verify = server.certificate_verify();
    let outcome = server.send(&verify);
    server.refused(
        outcome,
        Error::Need(NeedKind::PeerCertificate, rejection),
        AlertDescription::UNKNOWN_CA,
    );
    assert_eq!(
        visitor.take_asked(),
        [NeedKind::OfferSession, NeedKind::PeerCertificate]
    );
}

/// What ends the handshake because somebody on our side fails.
#[test]
fn needs_that_fail() {
    for (kind, error, alert) in [
        (
            NeedKind::ClientCertificate,
            NeedError::Unavailable,
            AlertDescription::INTERNAL_ERROR,
        ),
        (
            NeedKind::KeyOperation,
            NeedError::Refused,
            AlertDescription::ACCESS_DENIED,
        ),
    ] {
        let visitor = Arc::new(Visitor {
            errors: vec![(kind, error)],
            ..visitor(&[KeyAlgorithm::P256])
        });
        let mut server = HandServer::with(ClientConfig::default(), &visitor);
        server.begin();
        server
            .send(&request(&[SignatureScheme::ECDSA_SECP256R1_SHA256]))
            .unwrap();
        server.authenticate();
        let outcome = server.finish();
        server.refused(outcome, Error::Need(kind, error), alert);
    }
}

/// Our key's holder is not believed: a signature that is not ours is not sent.
#[test]
fn a_wrong_signature_by_our_own_key_server() {
    let visitor = Arc::new(Visitor {
        wrong_signature: true,
        ..visitor(&[KeyAlgorithm::Rsa2048])
    });
    let mut server = HandServer::with(ClientConfig::default(), &visitor);
    server.begin();
    server
        .send(&request(&[SignatureScheme::RSA_PSS_RSAE_SHA256]))
        .unwrap();
    server.authenticate();
    let outcome = server.finish();
    server.refused(
        outcome,
        Error::KeyOperation(KeyOperationFault::WrongSignature),
        AlertDescription::INTERNAL_ERROR,
    );
}
