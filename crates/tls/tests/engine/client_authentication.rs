//! Client authentication in TLS 1.3, with rustls as the client.

use std::sync::Arc;

use keyward_tls::{
    CertificateRejection, ClientAuthentication, ClientCertificateRequest, Error, Need, NeedError,
    NeedKind, PeerIncompatible, Step,
};
use keyward_wire::values::{AlertDescription, SignatureScheme};
use rustls::{ClientConfig, HandshakeKind};

use crate::support::{
    ClientOptions, KeyAlgorithm, Pair, Site, client_config, client_identity, now,
};

const KINDS: [KeyAlgorithm; 4] = [
    KeyAlgorithm::P256,
    KeyAlgorithm::P384,
    KeyAlgorithm::Rsa2048,
    KeyAlgorithm::Ed25519,
];

fn site(authentication: ClientAuthentication) -> Site {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.client_authentication = authentication;
    site
}

fn required() -> ClientAuthentication {
    ClientAuthentication::Required(ClientCertificateRequest::default())
}

fn optional() -> ClientAuthentication {
    ClientAuthentication::Optional(ClientCertificateRequest::default())
}

fn anonymous() -> Arc<ClientConfig> {
    client_config(ClientOptions {
        resumption: true,
        ..ClientOptions::default()
    })
}

fn known(kind: KeyAlgorithm) -> Arc<ClientConfig> {
    let identity = client_identity(kind);
    client_config(ClientOptions {
        resumption: true,
        identity: Some(identity),
        ..ClientOptions::default()
    })
}

#[test]
fn a_client_with_a_certificate_is_known_by_it() {
    for authentication in [required(), optional()] {
        for kind in KINDS {
            let mut pair = Pair::new(&known(kind), &Arc::new(site(authentication.clone())));
            pair.handshake();
            pair.echo();
            let expected = client_identity(kind);
            assert_eq!(
                pair.server.peer_certificates(),
                expected.certificate.chain()
            );
            let negotiated = pair.server.negotiated().unwrap();
            let fits = expected.certificate.supported_schemes(negotiated.version);
            assert!(fits.contains(&negotiated.client_signature_scheme.unwrap()));
            assert_eq!(
                pair.site.take_asked()[..3],
                [
                    NeedKind::Certificate,
                    NeedKind::KeyOperation,
                    NeedKind::PeerCertificate
                ]
            );
        }
    }
}

/// A verified signature says that the client has the key, not that anybody knows it.
#[test]
fn a_client_is_known_by_its_certificate_only_once_it_is_trusted() {
    for trust in [
        Ok(()),
        Err(NeedError::Certificate(
            CertificateRejection::UnknownAuthority,
        )),
    ] {
        let site = Site {
            trust,
            ..site(required())
        };
        let mut pair = Pair::new(&known(KeyAlgorithm::P256), &Arc::new(site));
        pair.client_to_server();
        pair.step_server().unwrap();
        pair.server_to_client().unwrap();
        pair.client_to_server();
        let Step::Need(need @ Need::PeerCertificate(_)) = pair.server.step(now()).unwrap() else {
            panic!("the server does not ask");
        };
        let anonymous = |pair: &Pair| {
            let negotiated = pair.server.negotiated().unwrap();
            pair.server.peer_certificates().is_empty()
                && negotiated.client_signature_scheme.is_none()
        };
        assert!(anonymous(&pair));
        let answer = pair.site.answer(need);
        pair.server.answer(answer).unwrap();
        assert_eq!(pair.step_server().is_ok(), trust.is_ok());
        assert_eq!(anonymous(&pair), trust.is_err());
    }
}

#[test]
fn a_client_without_one_goes_on_where_it_may() {
    let mut pair = Pair::new(&anonymous(), &Arc::new(site(optional())));
    pair.handshake();
    pair.echo();
    assert!(pair.server.peer_certificates().is_empty());
    assert!(!pair.site.take_asked().contains(&NeedKind::PeerCertificate));
}

#[test]
fn a_client_without_one_is_sent_away_where_it_must_have_one() {
    let mut pair = Pair::new(&anonymous(), &Arc::new(site(required())));
    let error = pair.run().unwrap_err().server();
    assert_eq!(
        error,
        Error::PeerIncompatible(PeerIncompatible::NoClientCertificate)
    );
    assert_eq!(error.alert(), Some(AlertDescription::CERTIFICATE_REQUIRED));
    assert!(!pair.server.is_handshake_complete());
}

#[test]
fn a_client_that_is_not_trusted_is_told_why() {
    for (rejection, alert) in [
        (
            CertificateRejection::Revoked,
            AlertDescription::CERTIFICATE_REVOKED,
        ),
        (
            CertificateRejection::UnknownAuthority,
            AlertDescription::UNKNOWN_CA,
        ),
    ] {
        let mut site = site(optional());
        site.trust = Err(NeedError::Certificate(rejection));
        let mut pair = Pair::new(&known(KeyAlgorithm::P256), &Arc::new(site));
        let error = pair.run().unwrap_err().server();
        let expected = NeedError::Certificate(rejection);
        assert_eq!(error, Error::Need(NeedKind::PeerCertificate, expected));
        assert_eq!(error.alert(), Some(alert));
    }
}

#[test]
fn the_client_is_told_schemes_and_authorities() {
    // rustls chooses by them: a P-256 key cannot sign with Ed25519 alone.
    let request = ClientCertificateRequest {
        signature_schemes: vec![SignatureScheme::ED25519],
        authorities: vec![b"0\x00".to_vec()],
    };
    let optional = ClientAuthentication::Optional(request);
    let mut pair = Pair::new(
        &known(KeyAlgorithm::P256),
        &Arc::new(site(optional.clone())),
    );
    pair.handshake();
    assert!(pair.server.peer_certificates().is_empty());

    let mut pair = Pair::new(&known(KeyAlgorithm::Ed25519), &Arc::new(site(optional)));
    pair.handshake();
    assert_eq!(
        pair.server.negotiated().unwrap().client_signature_scheme,
        Some(SignatureScheme::ED25519)
    );
}

/// Runs a first connection to one site and a second to another, and says whether the second was resumed.
fn resumes(client: &Arc<ClientConfig>, first: Site, second: ClientAuthentication) -> bool {
    let mut pair = Pair::new(client, &Arc::new(first));
    pair.handshake();
    pair.echo();
    let mut pair = Pair::new(client, &Arc::new(site(second)));
    pair.handshake();
    pair.echo();
    let resumed = pair.client.handshake_kind() == Some(HandshakeKind::Resumed);
    assert_eq!(resumed, pair.server.negotiated().unwrap().resumed);
    if resumed && client.client_auth_cert_resolver.has_certs() {
        let chain = client_identity(KeyAlgorithm::P256);
        assert_eq!(pair.server.peer_certificates(), chain.certificate.chain());
        assert!(pair.site.take_asked().contains(&NeedKind::PeerCertificate));
    }
    resumed
}

#[test]
fn a_session_keeps_the_client_and_is_resumed_only_where_that_fits() {
    let known = || known(KeyAlgorithm::P256);
    let off = || ClientAuthentication::Off;
    assert!(resumes(&known(), site(required()), required()));
    assert!(resumes(&known(), site(required()), optional()));
    assert!(!resumes(&known(), site(required()), off()));
    assert!(resumes(&anonymous(), site(optional()), optional()));
    assert!(resumes(&anonymous(), site(off()), optional()));
    // This client has a certificate, and has not been asked for it.
    let client = known();
    let mut pair = Pair::new(&client, &Arc::new(site(off())));
    pair.handshake();
    pair.echo();
    let mut pair = Pair::new(&client, &Arc::new(site(required())));
    pair.handshake();
    assert!(!pair.server.negotiated().unwrap().resumed);
    assert!(!pair.server.peer_certificates().is_empty());
}
