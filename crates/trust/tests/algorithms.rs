//! How certificates may be signed: also by ML-DSA (FIPS 204), and by RSA keys for RSASSA-PSS alone (RFC 4055).

use keyward_trust::{Presented, Rejection, Roots, Trust};
use rcgen::{KeyPair, SignatureAlgorithm};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::support::{Ca, NAME, authority, name, now, server, trust, verify};

/// Root, intermediate and leaf, all with keys of this kind.
fn chain(algorithm: &'static SignatureAlgorithm) -> (Trust, Vec<CertificateDer<'static>>) {
    let key = || KeyPair::generate_for(algorithm).unwrap();
    let root = Ca::self_signed(authority("Root"), key()).unwrap();
    let intermediate = Ca::signed_by(authority("Intermediate"), key(), &root).unwrap();
    let leaf = server().signed_by(&key(), &intermediate).unwrap();
    let chain = vec![leaf.der().clone(), intermediate.der().clone()];
    (trust(&[root.der()]), chain)
}

#[test]
fn chains_of_ml_dsa() {
    for algorithm in [
        &rcgen::PKCS_ML_DSA_44,
        &rcgen::PKCS_ML_DSA_65,
        &rcgen::PKCS_ML_DSA_87,
    ] {
        let (trust, mut chain) = chain(algorithm);
        verify(&trust, &chain).unwrap();

        let mut spoilt = chain[0].to_vec();
        *spoilt.last_mut().unwrap() ^= 1;
        chain[0] = spoilt.into();
        let rejection = verify(&trust, &chain).unwrap_err();
        assert!(
            matches!(rejection, Rejection::BadSignature { .. }),
            "{rejection}"
        );
    }
}

fn pss(leaf: &[u8], roots: &[u8]) -> Result<(), Rejection> {
    let chain = [CertificateDer::from_pem_slice(leaf).unwrap()];
    let trust = Trust::new(Roots::parse(roots).unwrap());
    trust.verify(Presented::by_server(&chain, name(NAME)), now())
}

/// Made by OpenSSL: `pss-any` is a CA whose key has no parameters, that of `pss-384` allows SHA-384 alone. Their leaves
/// have the same kind of key.
#[test]
fn chains_of_rsa_for_pss_alone() {
    let any = include_bytes!("data/openssl/pss-any.pem");
    let sha384 = include_bytes!("data/openssl/pss-384.pem");
    let by_any = include_bytes!("data/openssl/pss-any-leaf.pem");
    let by_sha384 = include_bytes!("data/openssl/pss-384-leaf.pem");
    pss(by_any, any).unwrap();
    pss(by_sha384, sha384).unwrap();
    for (leaf, root) in [(&by_any[..], &sha384[..]), (by_sha384, any)] {
        assert!(matches!(
            pss(leaf, root),
            Err(Rejection::UnknownIssuer { .. })
        ));
    }
}
