//! Which of several certificates of a site a client gets (RFC 9846 §4.5.1.2), and with what its key signs.

use std::sync::Arc;

use keyward_crypto::private_key::PrivateKey;
use keyward_tls::{Credential, Policy};
use keyward_wire::handshake::CertificateTls13;
use keyward_wire::values::SignatureScheme as Scheme;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ED25519};
use rcgen::{PKCS_ECDSA_P256_SHA256, SignatureAlgorithm};

use crate::support::{HandClient, Identity, KeyAlgorithm, Site};

/// A P-256 leaf of an authority of this name, whose key is of this kind; and the authority's name in DER.
fn issued(name: &str, algorithm: &'static SignatureAlgorithm) -> (Identity, Vec<u8>) {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(authority, KeyPair::generate_for(algorithm).unwrap());
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
    let der = leaf.signed_by(&key, &issuer).unwrap().der().clone();
    let info = keyward_crypto::certificate::CertificateInfo::parse(&der).unwrap();
    let name = info.issuer().to_vec();
    let identity = Identity {
        certificate: Arc::new(Credential::new(vec![der]).unwrap()),
        private_key: Arc::new(PrivateKey::from_der(&key.serialize_der()).unwrap()),
        pkcs8: key.serialize_der(),
    };
    (identity, name)
}

struct Fixture {
    site: Arc<Site>,
    /// The authorities' names.
    names: [Vec<u8>; 3],
}

/// A site with leaves of two authorities that sign with ECDSA and one that signs with Ed25519.
fn fixture() -> Fixture {
    let (first, first_name) = issued("first", &PKCS_ECDSA_P256_SHA256);
    let (second, second_name) = issued("second", &PKCS_ECDSA_P256_SHA256);
    let (third, third_name) = issued("third", &PKCS_ED25519);
    let mut site = Site::new(&[]);
    site.identities = [first, second, third].map(Arc::new).to_vec();
    Fixture {
        site: Arc::new(site),
        names: [first_name, second_name, third_name],
    }
}

/// Which of the site's certificates a client gets.
fn presented(fixture: &Fixture, change: impl FnOnce(&mut HandClient)) -> usize {
    let mut client = HandClient::new(&fixture.site);
    client.hello.extensions.signature_algorithms =
        Some(vec![Scheme::ECDSA_SECP256R1_SHA256, Scheme::ED25519]);
    change(&mut client);
    client.handshake();
    let sent: CertificateTls13 = client.message();
    let leaf = &sent.certificate_list[0].cert_data;
    fixture
        .site
        .identities
        .iter()
        .position(|identity| *identity.certificate.chain()[0] == **leaf)
        .unwrap()
}

#[test]
fn without_wishes_the_first() {
    assert_eq!(presented(&fixture(), |_| ()), 0);
}

#[test]
fn one_of_an_authority_that_the_client_names() {
    let fixture = fixture();
    for (i, name) in fixture.names.iter().enumerate() {
        let names = vec![b"\x30\x00".to_vec(), name.clone()];
        let found = presented(&fixture, |client| {
            client.hello.extensions.certificate_authorities = Some(names);
        });
        assert_eq!(found, i);
    }
}

#[test]
fn one_whose_chain_the_client_can_verify() {
    let fixture = fixture();
    let found = presented(&fixture, |client| {
        client.hello.extensions.signature_algorithms_cert = Some(vec![Scheme::ED25519]);
    });
    assert_eq!(found, 2);
    // Without signature_algorithms_cert, signature_algorithms is for certificates as well.
    let found = presented(&fixture, |client| {
        client.hello.extensions.signature_algorithms = Some(vec![Scheme::ECDSA_SECP256R1_SHA256]);
        client.hello.extensions.certificate_authorities = Some(vec![fixture.names[2].clone()]);
    });
    assert_eq!(found, 0, "to verify goes before whom to trust");
}

/// RFC 9846 §4.5.1.2: "If the sender is the server, and the server cannot produce a certificate chain that is
/// signed only via the indicated supported algorithms, then it SHOULD continue the handshake by sending a
/// certificate chain of its choice".
#[test]
fn the_first_if_none_is_as_the_client_wishes() {
    let fixture = fixture();
    let found = presented(&fixture, |client| {
        client.hello.extensions.signature_algorithms_cert = Some(vec![Scheme::RSA_PKCS1_SHA256]);
        client.hello.extensions.certificate_authorities = Some(vec![b"\x30\x00".to_vec()]);
    });
    assert_eq!(found, 0);
}

#[test]
fn the_policy_says_what_keys_may_sign_with() {
    let rsa = [
        Scheme::RSA_PSS_RSAE_SHA256,
        Scheme::RSA_PSS_RSAE_SHA384,
        Scheme::RSA_PSS_RSAE_SHA512,
    ];
    let chosen = |ours: Option<Vec<Scheme>>| {
        let mut site = Site::new(&[KeyAlgorithm::P256, KeyAlgorithm::Rsa2048]);
        site.policy = Policy {
            signature_schemes: ours,
            ..Policy::default()
        };
        let mut client = HandClient::new(&Arc::new(site));
        let mut offered = rsa.to_vec();
        offered.push(Scheme::ECDSA_SECP256R1_SHA256);
        client.hello.extensions.signature_algorithms = Some(offered);
        client.send_hello().ok()?;
        client.server.negotiated()?.signature_scheme
    };
    assert_eq!(chosen(None), Some(Scheme::ECDSA_SECP256R1_SHA256));
    assert_eq!(
        chosen(Some(vec![rsa[2], rsa[0]])),
        Some(rsa[2]),
        "in its order"
    );
    assert_eq!(chosen(Some(vec![Scheme::ED25519])), None);
}
