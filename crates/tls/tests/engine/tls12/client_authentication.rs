//! Clients that authenticate themselves (RFC 5246 §7.4.4, §7.4.6, §7.4.8).

use std::sync::Arc;

use keyward_tls::{
    CertificateRejection, ClientAuthentication, ClientCertificateRequest, ClientConfig, Error,
    NeedError, NeedKind, PeerIncompatible, PeerMisbehaved, Policy, ServerConfig,
};
use keyward_wire::handshake::{CertificateRequestTls12, CertificateTls12, CertificateVerify};
use keyward_wire::values::{
    AlertDescription, CipherSuite, ClientCertificateType, HandshakeType, ProtocolVersion,
    SignatureScheme,
};

use super::flight::Flight;
use crate::support::{
    Duo, Failed, KeyAlgorithm, Site, Visitor, client_identity, with_unreadable_key_usage,
};

fn tls12() -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::intermediate()
    }
}

fn site(authentication: ClientAuthentication) -> Site {
    Site {
        policy: tls12(),
        client_authentication: authentication,
        ..Site::new(&[KeyAlgorithm::P256])
    }
}

fn required() -> ClientAuthentication {
    ClientAuthentication::Required(ClientCertificateRequest::default())
}

fn optional() -> ClientAuthentication {
    ClientAuthentication::Optional(ClientCertificateRequest::default())
}

fn visitor(kinds: &[KeyAlgorithm]) -> Visitor {
    Visitor {
        identities: Some(kinds.iter().map(|kind| client_identity(*kind)).collect()),
        ..Visitor::default()
    }
}

fn duo(site: Site, visitor: Visitor) -> Duo {
    let client = ClientConfig {
        policy: site.policy.clone().into(),
        ..ClientConfig::default()
    };
    let (site, visitor) = (Arc::new(site), Arc::new(visitor));
    Duo::with(&site, &visitor, client, ServerConfig::default())
}

/// Each kind of key, by ECDHE, and where the key server decrypts.
#[test]
fn every_kind_of_certificate() {
    let transport = Policy {
        cipher_suites: vec![CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256],
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::legacy()
    };
    for kind in [
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        for policy in [tls12(), transport.clone()] {
            let server = if policy.legacy {
                KeyAlgorithm::Rsa2048
            } else {
                KeyAlgorithm::P256
            };
            let visitor = Visitor {
                legacy: policy.legacy,
                ..visitor(&[kind])
            };
            let site = Site {
                policy,
                client_authentication: required(),
                ..Site::new(&[server])
            };
            let mut duo = duo(site, visitor);
            duo.handshake();
            duo.echo();
            let chain = duo.visitor.identities.as_ref().unwrap()[0]
                .certificate
                .chain()
                .to_vec();
            assert_eq!(duo.server.peer_certificates(), chain, "{kind:?}");
            let server = duo.server.negotiated().unwrap();
            let client = duo.client.negotiated().unwrap();
            assert!(server.client_signature_scheme.is_some());
            assert_eq!(
                server.client_signature_scheme,
                client.client_signature_scheme
            );
            assert_eq!(
                duo.visitor.take_asked(),
                [
                    NeedKind::OfferSession,
                    NeedKind::PeerCertificate,
                    NeedKind::ClientCertificate,
                    NeedKind::KeyOperation,
                ]
            );
            assert_eq!(
                duo.site.take_asked(),
                [
                    NeedKind::Certificate,
                    NeedKind::KeyOperation,
                    NeedKind::PeerCertificate,
                    NeedKind::NewSession,
                ]
            );
        }
    }
}

/// RFC 5246 §7.4.6: "If no suitable certificate is available, the client MUST send a certificate message containing
/// no certificates." "If the client does not send any certificates, the server MAY at its discretion either continue
/// the handshake without client authentication, or respond with a fatal handshake_failure alert."
#[test]
fn a_client_without_a_certificate() {
    let mut duo_optional = duo(site(optional()), Visitor::default());
    duo_optional.handshake();
    duo_optional.echo();
    assert!(duo_optional.server.peer_certificates().is_empty());

    let mut duo_required = duo(site(required()), Visitor::default());
    let error = PeerIncompatible::NoTls12ClientCertificate.into();
    assert_eq!(duo_required.run(), Err(Failed::Server(error)));
    let error = Error::AlertReceived(AlertDescription::HANDSHAKE_FAILURE);
    duo_required.client.receive(duo_required.server.output());
    assert_eq!(duo_required.step_client(), Err(error));
}

#[test]
fn a_server_that_does_not_ask_is_told_nothing() {
    let mut duo = duo(
        site(ClientAuthentication::Off),
        visitor(&[KeyAlgorithm::P256]),
    );
    duo.handshake();
    assert!(duo.server.peer_certificates().is_empty());
    assert!(
        !duo.visitor
            .take_asked()
            .contains(&NeedKind::ClientCertificate)
    );
}

/// The first whose key and kind the server takes.
#[test]
fn the_certificate_is_chosen_by_what_the_server_takes() {
    let rsa = vec![SignatureScheme::RSA_PSS_RSAE_SHA256];
    let request = ClientCertificateRequest {
        signature_schemes: rsa,
        ..ClientCertificateRequest::default()
    };
    let authentication = ClientAuthentication::Required(request);
    let candidates = [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048];
    let mut duo = duo(site(authentication.clone()), visitor(&candidates));
    duo.handshake();
    let scheme = duo.server.negotiated().unwrap().client_signature_scheme;
    assert_eq!(scheme, Some(SignatureScheme::RSA_PSS_RSAE_SHA256));

    let mut none = self::duo(site(authentication), visitor(&candidates[..1]));
    let error = PeerIncompatible::NoTls12ClientCertificate.into();
    assert_eq!(none.run(), Err(Failed::Server(error)));
}

#[test]
fn a_certificate_that_is_not_trusted_ends_the_handshake() {
    let rejection = NeedError::Certificate(CertificateRejection::UnknownAuthority);
    let site = Site {
        trust: Err(rejection),
        ..site(required())
    };
    let mut duo = duo(site, visitor(&[KeyAlgorithm::P256]));
    let error = Error::Need(NeedKind::PeerCertificate, rejection);
    assert_eq!(error.alert(), Some(AlertDescription::UNKNOWN_CA));
    assert_eq!(duo.run(), Err(Failed::Server(error)));
    assert!(duo.server.peer_certificates().is_empty());
}

/// The client's own certificate leaves it only when the server is trusted.
#[test]
fn a_server_that_is_not_trusted_does_not_learn_who_the_client_is() {
    let rejection = NeedError::Certificate(CertificateRejection::NameMismatch);
    let visitor = Visitor {
        errors: vec![(NeedKind::PeerCertificate, rejection)],
        ..visitor(&[KeyAlgorithm::P256])
    };
    let mut duo = duo(site(required()), visitor);
    let error = Error::Need(NeedKind::PeerCertificate, rejection);
    assert_eq!(duo.run(), Err(Failed::Client(error)));
    assert!(
        !duo.visitor
            .take_asked()
            .contains(&NeedKind::ClientCertificate)
    );
}

/// A whole handshake up to the client's second flight.
fn at_second_flight(authentication: ClientAuthentication, visitor: Visitor) -> (Duo, Flight) {
    let mut duo = duo(site(authentication), visitor);
    duo.step_client().unwrap();
    Flight::take(&mut duo.client).give(&mut duo.server);
    duo.step_server().unwrap();
    Flight::take(&mut duo.server).give(&mut duo.client);
    duo.step_client().unwrap();
    let flight = Flight::take(&mut duo.client);
    (duo, flight)
}

#[test]
fn the_messages_are_in_the_rfcs_order() {
    use HandshakeType as H;
    let (_, flight) = at_second_flight(required(), visitor(&[KeyAlgorithm::P256]));
    let expected = [
        H::CERTIFICATE,
        H::CLIENT_KEY_EXCHANGE,
        H::CERTIFICATE_VERIFY,
    ];
    assert_eq!(flight.types(), expected);
    let (_, flight) = at_second_flight(required(), Visitor::default());
    assert_eq!(flight.types(), expected[..2]);
}

/// Every message of the flight has its place.
#[test]
fn a_message_left_out_or_moved_is_refused() {
    use HandshakeType as H;
    for (typ, next) in [
        (H::CERTIFICATE, H::CLIENT_KEY_EXCHANGE),
        (H::CLIENT_KEY_EXCHANGE, H::CERTIFICATE_VERIFY),
    ] {
        let (mut duo, mut flight) = at_second_flight(required(), visitor(&[KeyAlgorithm::P256]));
        flight.remove(typ);
        flight.give(&mut duo.server);
        assert_eq!(
            duo.step_server(),
            Err(PeerMisbehaved::UnexpectedHandshake(next).into())
        );
    }
    // A client with a certificate has to prove that it is its own.
    let (mut duo, mut flight) = at_second_flight(required(), visitor(&[KeyAlgorithm::P256]));
    flight.remove(H::CERTIFICATE_VERIFY);
    flight.give(&mut duo.server);
    let error = duo.step_server().unwrap_err();
    assert_eq!(error.alert(), Some(AlertDescription::UNEXPECTED_MESSAGE));
    // And one without cannot.
    let (mut duo, mut flight) = at_second_flight(optional(), Visitor::default());
    flight
        .messages
        .push((H::CERTIFICATE_VERIFY, vec![4, 3, 0, 0]));
    flight.give(&mut duo.server);
    assert_eq!(
        duo.step_server(),
        Err(PeerMisbehaved::UnexpectedHandshake(H::CERTIFICATE_VERIFY).into())
    );
}

#[track_caller]
fn refused(
    change: impl FnOnce(&mut CertificateVerify),
    error: PeerMisbehaved,
    alert: AlertDescription,
) {
    let (mut duo, mut flight) = at_second_flight(required(), visitor(&[KeyAlgorithm::P256]));
    flight.edit(HandshakeType::CERTIFICATE_VERIFY, change);
    flight.give(&mut duo.server);
    let found = duo.step_server().unwrap_err();
    assert_eq!(found, error.into());
    assert_eq!(found.alert(), Some(alert));
}

#[test]
fn a_wrong_signature_is_refused() {
    refused(
        |verify| verify.signature[10] ^= 1,
        PeerMisbehaved::BadSignature,
        AlertDescription::DECRYPT_ERROR,
    );
}

/// RFC 5246 §7.4.8: the algorithm "MUST be one of those present in the supported_signature_algorithms field of the
/// CertificateRequest message", and "MUST be compatible with the key in the client's end-entity certificate".
#[test]
fn a_scheme_that_was_not_asked_for_or_does_not_fit_is_refused() {
    for scheme in [
        SignatureScheme::ECDSA_SHA1,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::ED25519,
        SignatureScheme(0x0a0a),
    ] {
        refused(
            |verify| verify.scheme = scheme,
            PeerMisbehaved::UnofferedSignatureScheme,
            AlertDescription::ILLEGAL_PARAMETER,
        );
    }
}

/// Somebody else's certificate, whose key the client has not.
#[test]
fn a_stolen_certificate_does_not_help() {
    let (mut duo, mut flight) = at_second_flight(required(), visitor(&[KeyAlgorithm::P256]));
    let other = client_identity(KeyAlgorithm::P384);
    flight.edit(
        HandshakeType::CERTIFICATE,
        |certificate: &mut CertificateTls12| {
            certificate.certificate_list = vec![other.certificate.chain()[0].to_vec()];
        },
    );
    flight.give(&mut duo.server);
    assert_eq!(duo.step_server(), Err(PeerMisbehaved::BadSignature.into()));
}

#[test]
fn a_certificate_that_is_none_is_refused() {
    let ours = client_identity(KeyAlgorithm::P256);
    for leaf in [
        vec![0x30, 0],
        with_unreadable_key_usage(&ours.certificate.chain()[0]),
    ] {
        let (mut duo, mut flight) = at_second_flight(required(), visitor(&[KeyAlgorithm::P256]));
        flight.edit(
            HandshakeType::CERTIFICATE,
            |certificate: &mut CertificateTls12| certificate.certificate_list = vec![leaf],
        );
        flight.give(&mut duo.server);
        let error = duo.step_server().unwrap_err();
        assert_eq!(error, PeerMisbehaved::BadCertificate.into());
        assert_eq!(error.alert(), Some(AlertDescription::BAD_CERTIFICATE));
    }
}

#[test]
fn the_request_says_what_is_taken() {
    let authorities = vec![vec![0x30, 0x00], vec![0x30, 0x02, 0x31, 0x00]];
    let request = ClientCertificateRequest {
        authorities: authorities.clone(),
        signature_schemes: vec![
            SignatureScheme::ECDSA_SECP256R1_SHA256,
            SignatureScheme::ED25519,
        ],
    };
    let mut duo = duo(
        site(ClientAuthentication::Required(request.clone())),
        Visitor::default(),
    );
    duo.step_client().unwrap();
    Flight::take(&mut duo.client).give(&mut duo.server);
    duo.step_server().unwrap();
    let flight = Flight::take(&mut duo.server);
    let sent: CertificateRequestTls12 = flight.get(HandshakeType::CERTIFICATE_REQUEST);
    assert_eq!(sent.certificate_authorities, authorities);
    assert_eq!(
        sent.supported_signature_algorithms,
        request.signature_schemes
    );
    assert_eq!(sent.certificate_types, [ClientCertificateType::ECDSA_SIGN]);
}

/// A site that wants to know its clients resumes only sessions whose client it knows, and tells who it is.
#[test]
fn resumption_keeps_the_clients_identity() {
    let shared = Arc::new(visitor(&[KeyAlgorithm::P256]));
    let round = |site: Site| {
        let client = ClientConfig {
            policy: site.policy.clone().into(),
            ..ClientConfig::default()
        };
        let mut duo = Duo::with(&Arc::new(site), &shared, client, ServerConfig::default());
        duo.handshake();
        duo.echo();
        let resumed = duo.server.negotiated().unwrap().resumed;
        (resumed, duo.server.peer_certificates().len())
    };
    let (resumed, certificates) = round(site(required()));
    assert!(!resumed && certificates > 0);
    assert_eq!(round(site(required())), (true, certificates));

    // A session of nobody's is not enough.
    shared.sessions.lock().unwrap().clear();
    assert_eq!(round(site(ClientAuthentication::Off)), (false, 0));
    let (resumed, _) = round(site(required()));
    assert!(!resumed);
    // Nor does somebody's lead to where nobody is asked.
    let (resumed, certificates) = round(site(ClientAuthentication::Off));
    assert!(!resumed && certificates == 0);
}
