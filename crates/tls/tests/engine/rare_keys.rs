//! Keys that few have: RSA for RSASSA-PSS alone (RFC 4055, the `rsa_pss_pss` schemes of RFC 9846 §4.3.3), and ML-DSA
//! (draft-ietf-tls-mldsa). Both sides take and present them without being told.

use std::sync::{Arc, LazyLock};

use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::SignatureAlgorithm as Algorithm;
use keyward_keyop::tls13::{server_certificate_verify_message, transcript_hash};
use keyward_tls::{
    ClientAuthentication, ClientConfig, Credential, PeerIncompatible, PeerMisbehaved, Policy,
    ServerConfig,
};
use keyward_wire::handshake::CertificateVerify;
use keyward_wire::values::{CipherSuite, ProtocolVersion, SignatureScheme as Scheme};
use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::support::{Duo, Failed, HandClient, HandServer, Identity, KeyAlgorithm, Site, Visitor};

fn identity(certificate: CertificateDer<'static>, key: &[u8]) -> Arc<Identity> {
    Arc::new(Identity {
        certificate: Arc::new(Credential::new(vec![certificate]).unwrap()),
        private_key: Arc::new(PrivateKey::from_der(key).unwrap()),
        pkcs8: key.to_vec(),
    })
}

/// Made by OpenSSL; the second's parameters allow SHA-384 alone.
static PSS: LazyLock<[Arc<Identity>; 2]> = LazyLock::new(|| {
    let files: [(&[u8], &[u8]); 2] = [
        (
            include_bytes!("../../../crypto/tests/data/rsa-pss.crt.pem"),
            include_bytes!("../../../crypto/tests/data/rsa-pss.pkcs8.pem"),
        ),
        (
            include_bytes!("../../../crypto/tests/data/rsa-pss-sha384.crt.pem"),
            include_bytes!("../../../crypto/tests/data/rsa-pss-sha384.pkcs8.pem"),
        ),
    ];
    files.map(|(certificate, key)| {
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(key).unwrap();
        identity(
            CertificateDer::from_pem_slice(certificate).unwrap(),
            key.secret_pkcs8_der(),
        )
    })
});

fn ml_dsa(algorithm: &'static SignatureAlgorithm) -> Arc<Identity> {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    identity(certificate.der().clone(), &key.serialize_der())
}

static ML_DSA: LazyLock<[(Scheme, Arc<Identity>); 3]> = LazyLock::new(|| {
    [
        (Scheme::MLDSA44, ml_dsa(&rcgen::PKCS_ML_DSA_44)),
        (Scheme::MLDSA65, ml_dsa(&rcgen::PKCS_ML_DSA_65)),
        (Scheme::MLDSA87, ml_dsa(&rcgen::PKCS_ML_DSA_87)),
    ]
});

fn site(identity: &Arc<Identity>) -> Site {
    let mut site = Site::new(&[]);
    site.identities = vec![identity.clone()];
    site
}

fn cases() -> Vec<(Scheme, Arc<Identity>)> {
    let [any, sha384] = &*PSS;
    let mut cases = ML_DSA.to_vec();
    cases.push((Scheme::RSA_PSS_PSS_SHA256, any.clone()));
    cases.push((Scheme::RSA_PSS_PSS_SHA384, sha384.clone()));
    cases
}

fn tls12() -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::default()
    }
}

#[test]
fn a_server_has_one_in_tls13() {
    for (scheme, identity) in cases() {
        let site = Arc::new(site(&identity));
        let visitor = Arc::new(Visitor::of(&site));
        let mut duo = Duo::new(&site, &visitor);
        duo.handshake();
        duo.echo();
        let negotiated = duo.server.negotiated().unwrap();
        assert_eq!(negotiated.version, ProtocolVersion::TLS13);
        assert_eq!(negotiated.signature_scheme, Some(scheme));
        let seen = duo.client.negotiated().unwrap();
        assert_eq!(seen.signature_scheme, Some(scheme));
        assert_eq!(seen.peer_certificates[..], *identity.certificate.chain());
    }
}

#[test]
fn a_client_has_one_in_tls13() {
    for (scheme, identity) in cases() {
        let mut site = Site::new(&[KeyAlgorithm::P256]);
        site.client_authentication = ClientAuthentication::Required(Default::default());
        let visitor = Visitor {
            identities: Some(vec![identity.clone()]),
            ..Visitor::default()
        };
        let mut duo = Duo::new(&Arc::new(site), &Arc::new(visitor));
        duo.handshake();
        duo.echo();
        let negotiated = duo.server.negotiated().unwrap();
        assert_eq!(negotiated.client_signature_scheme, Some(scheme));
        assert_eq!(
            negotiated.peer_certificates[..],
            *identity.certificate.chain()
        );
    }
}

/// RFC 9846 §4.3.3: RSASSA-PSS signs in TLS 1.2, too: for the suites of ECDHE with RSA, on both sides.
#[test]
fn rsa_for_pss_alone_signs_in_tls12() {
    for (identity, scheme) in PSS
        .iter()
        .zip([Scheme::RSA_PSS_PSS_SHA256, Scheme::RSA_PSS_PSS_SHA384])
    {
        let mut site = site(identity);
        site.policy = tls12();
        site.client_authentication = ClientAuthentication::Required(Default::default());
        let visitor = Visitor {
            identities: Some(vec![identity.clone()]),
            ..Visitor::default()
        };
        let mut duo = Duo::new(&Arc::new(site), &Arc::new(visitor));
        duo.client = keyward_tls::ClientConnection::new(
            Arc::new(ClientConfig {
                policy: Arc::new(tls12()),
                ..ClientConfig::default()
            }),
            "shop.example".parse().unwrap(),
        )
        .unwrap();
        duo.handshake();
        duo.echo();
        let negotiated = duo.server.negotiated().unwrap();
        assert_eq!(
            negotiated.cipher_suite,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        );
        assert_eq!(negotiated.signature_scheme, Some(scheme));
        assert_eq!(negotiated.client_signature_scheme, Some(scheme));
    }
}

/// RFC 4055 §1.2: such a key is for signatures; it is no candidate for RSA key transport.
#[test]
fn rsa_for_pss_alone_does_not_decrypt() {
    let mut site = site(&PSS[0]);
    site.policy = Policy::legacy();
    let mut client = crate::tls12::HandClient::rsa(&Arc::new(site));
    assert_eq!(
        client.send_hello(),
        Err(PeerIncompatible::NoCipherSuite.into())
    );
}

/// A key with parameters signs with its own hash and no other.
#[test]
fn the_keys_parameters_choose_the_scheme() {
    let site = Arc::new(site(&PSS[1]));
    let mut client = HandClient::new(&site);
    client.hello.extensions.signature_algorithms = Some(vec![
        Scheme::RSA_PSS_PSS_SHA256,
        Scheme::RSA_PSS_RSAE_SHA384,
        Scheme::RSA_PSS_PSS_SHA512,
    ]);
    assert_eq!(
        client.send_hello(),
        Err(PeerIncompatible::NoSignatureScheme.into())
    );
    let mut client = HandClient::new(&site);
    client.hello.extensions.signature_algorithms =
        Some(vec![Scheme::RSA_PSS_PSS_SHA256, Scheme::RSA_PSS_PSS_SHA384]);
    client.send_hello().unwrap();
    let chosen = client.server.negotiated().unwrap().signature_scheme;
    assert_eq!(chosen, Some(Scheme::RSA_PSS_PSS_SHA384));
}

/// draft-ietf-tls-mldsa has the schemes for TLS 1.3 alone: they are not offered without it, and a server that has
/// nothing else for a client of TLS 1.2 says so.
#[test]
fn ml_dsa_is_not_for_tls12() {
    let (_, identity) = &ML_DSA[0];
    let mut other = site(identity);
    other.policy = tls12();
    let mut duo = Duo::with(
        &Arc::new(other),
        &Arc::default(),
        ClientConfig {
            policy: Arc::new(tls12()),
            ..ClientConfig::default()
        },
        ServerConfig::default(),
    );
    assert_eq!(
        duo.run(),
        Err(Failed::Server(PeerIncompatible::NoCipherSuite.into()))
    );

    for (policy, offered) in [(Policy::default(), true), (tls12(), false)] {
        let server = HandServer::new(ClientConfig {
            policy: Arc::new(policy),
            resumption: false,
            ..ClientConfig::default()
        });
        let schemes = server.hello.extensions.signature_algorithms.unwrap();
        for scheme in [Scheme::MLDSA44, Scheme::MLDSA65, Scheme::MLDSA87] {
            assert_eq!(schemes.contains(&scheme), offered);
        }
    }
}

/// The schemes of one kind of RSA key are not those of the other, though the numbers would do.
#[test]
fn a_server_that_signs_with_the_other_kinds_scheme() {
    let plain = crate::support::identity(KeyAlgorithm::Rsa2048);
    for (identity, how, scheme) in [
        (&plain, Algorithm::RsaPssSha256, Scheme::RSA_PSS_PSS_SHA256),
        (
            &PSS[0],
            Algorithm::RsaPssPssSha256,
            Scheme::RSA_PSS_RSAE_SHA256,
        ),
    ] {
        let mut server = HandServer::new(ClientConfig::default());
        server.begin();
        let mut certificate = server.certificate();
        certificate.certificate_list[0].cert_data = identity.certificate.chain()[0].to_vec();
        server.send(&certificate).unwrap();
        let hash = transcript_hash(&server.messages, Sha256).unwrap();
        let message = server_certificate_verify_message(&hash);
        let outcome = server.send(&CertificateVerify {
            scheme,
            signature: identity.private_key.sign(how, &message).unwrap(),
        });
        server.misbehaved(outcome, PeerMisbehaved::UnofferedSignatureScheme);
    }
}
