//! Keys that are too short, signatures that prove nothing.

use keyward_trust::{Presented, Rejection, Roots, Trust};
use rcgen::SubjectPublicKeyInfo;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::support::{NAME, Pki, assert_says, name, now, server, verify};

#[test]
fn rsa_with_1024_bits() {
    let pki = Pki::new();
    let key = SubjectPublicKeyInfo::from_pem(include_str!("data/rsa1024-public.pem")).unwrap();
    let leaf = server().signed_by(&key, &pki.intermediate).unwrap();
    let chain = [leaf.der().clone(), pki.intermediate.der().clone()];
    assert_eq!(
        verify(&pki.trust(), &chain),
        Err(Rejection::WeakKey {
            certificate: NAME.to_owned(),
            key: "RSA 1024".to_owned(),
        })
    );
}

#[test]
fn rsa_with_2048_bits() {
    let pki = Pki::new();
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
        .unwrap();
    let leaf = server().signed_by(&key, &pki.intermediate).unwrap();
    verify(
        &pki.trust(),
        &[leaf.der().clone(), pki.intermediate.der().clone()],
    )
    .unwrap();
}

/// Made by `openssl x509 -req -sha1`: all is well with it but the hash of its signature.
#[test]
fn sha_1() {
    let roots = Roots::parse(include_bytes!("data/sha1-ca.pem")).unwrap();
    let leaf = CertificateDer::from_pem_slice(include_bytes!("data/sha1-leaf.pem")).unwrap();
    let chain = [leaf];
    let rejection = Trust::new(roots)
        .verify(Presented::by_server(&chain, name("old.example")), now())
        .unwrap_err();
    assert_eq!(
        rejection,
        Rejection::SignatureAlgorithm {
            certificate: "old.example".to_owned(),
            algorithm: "ecdsa-with-SHA1".to_owned(),
        }
    );
    assert_says(&rejection, &["proves nothing", "SHA-256"]);
}
