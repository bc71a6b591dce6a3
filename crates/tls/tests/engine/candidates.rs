//! Which of several certificates of a site a client gets (RFC 9846 §4.5.1.2), and with what its key signs.

use std::sync::Arc;

use keyward_crypto::private_key::PrivateKey;
use keyward_tls::{Credential, PeerIncompatible, Policy};
use keyward_wire::handshake::CertificateTls13;
use keyward_wire::values::SignatureScheme as Scheme;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ED25519};
use rcgen::{PKCS_ECDSA_P256_SHA256, SignatureAlgorithm};

use crate::support::{HandClient, Identity, KeyAlgorithm, Site};
use crate::tls12;

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

/// RFC 5246 §7.4.2: "all certificates provided by the server MUST be signed by a hash/signature algorithm pair that
/// appears in that extension."
#[test]
fn in_tls12_as_well_one_whose_chain_the_client_can_verify() {
    let fixture = fixture();
    let all = vec![Scheme::ECDSA_SECP256R1_SHA256, Scheme::ED25519];
    for (schemes, certificates, expected) in [
        (all.clone(), None, 0),
        (all.clone(), Some(vec![Scheme::ED25519]), 2),
        (vec![all[0]], None, 0),
        (vec![all[0]], Some(vec![Scheme::RSA_PKCS1_SHA256]), 0),
    ] {
        let mut client = tls12::HandClient::new(&fixture.site);
        client.hello.extensions.signature_algorithms = Some(schemes);
        client.hello.extensions.signature_algorithms_cert = certificates;
        client.send_hello().unwrap();
        let negotiated = client.server.negotiated().unwrap();
        let leaf = &negotiated.certificate.as_ref().unwrap().chain()[0];
        let wanted = &fixture.site.identities[expected];
        assert_eq!(leaf, &wanted.certificate.chain()[0]);
    }
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

/// RFC 9846 §4.5.1.2: "This fallback chain MUST NOT use the deprecated SHA-1 hash, unless the client
/// specifically advertises that it is willing to accept SHA-1."
#[test]
fn none_that_is_signed_with_sha1_unless_the_client_takes_it() {
    let plain = crate::support::identity(KeyAlgorithm::P256);
    let leaf = plain.certificate.chain()[0].to_vec();
    // Another algorithm in the certificate's last place for it: nobody here verifies it.
    let ecdsa_with_sha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let at = leaf
        .windows(8)
        .rposition(|window| window == ecdsa_with_sha256)
        .unwrap();
    let mut sha1 = leaf.clone();
    // ecdsa-with-SHA1 (1.2.840.10045.4.1) is a byte shorter.
    let header = at - 4;
    assert_eq!(sha1[header..at], [0x30, 10, 6, 8]);
    sha1.splice(
        header..at + 8,
        [0x30, 9, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1],
    );
    let length = u16::from_be_bytes([sha1[2], sha1[3]]) - 1;
    assert_eq!(sha1[..2], [0x30, 0x82]);
    sha1[2..4].copy_from_slice(&length.to_be_bytes());
    let mut site = Site::new(&[]);
    let credential = Credential::new(vec![sha1.into()]).unwrap();
    site.identities.push(Arc::new(plain.with(credential)));
    let site = Arc::new(site);

    let mut client = HandClient::new(&site);
    assert_eq!(
        client.send_hello(),
        Err(PeerIncompatible::NoSignatureScheme.into())
    );
    let mut client = HandClient::new(&site);
    client.hello.extensions.signature_algorithms_cert = Some(vec![Scheme::ECDSA_SHA1]);
    client.handshake();
}
