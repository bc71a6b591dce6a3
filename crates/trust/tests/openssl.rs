//! Certificates, a revocation list and OCSP responses as OpenSSL's `ca` and `ocsp` make them.

use keyward_trust::{Presented, Rejection, RevocationList, RevocationSource, Roots, Trust};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::support::{NAME, name, now};

fn trust() -> Trust {
    Trust::new(Roots::parse(include_bytes!("data/openssl/ca.pem")).unwrap())
}

fn verify(trust: &Trust, response: Option<&[u8]>) -> Result<(), Rejection> {
    let leaf = include_bytes!("data/openssl/leaf.pem");
    let chain = [CertificateDer::from_pem_slice(leaf).unwrap()];
    let presented = Presented::by_server(&chain, name(NAME)).with_ocsp(response);
    trust.verify(presented, now())
}

const BY_ISSUER: &[u8] = include_bytes!("data/openssl/ocsp-issuer.der");
const BY_DELEGATE: &[u8] = include_bytes!("data/openssl/ocsp-delegate.der");
const REVOKED: &[u8] = include_bytes!("data/openssl/ocsp-revoked.der");

#[test]
fn a_response_by_the_issuer() {
    verify(&trust(), Some(BY_ISSUER)).unwrap();
}

#[test]
fn a_response_by_a_delegate() {
    verify(&trust(), Some(BY_DELEGATE)).unwrap();
}

#[test]
fn a_response_that_says_revoked() {
    let rejection = verify(&trust(), Some(REVOKED)).unwrap_err();
    let Rejection::Revoked { source, reason, .. } = rejection else {
        panic!("{rejection}");
    };
    assert_eq!(source, RevocationSource::Ocsp);
    assert_eq!(reason.as_deref(), Some("key compromise"));
}

#[test]
fn the_certificate_demands_a_response() {
    assert_eq!(
        verify(&trust(), None),
        Err(Rejection::NoStatus {
            certificate: NAME.to_owned(),
            must_staple: true,
        })
    );
}

#[test]
fn a_list_that_says_revoked() {
    let lists = RevocationList::parse(include_bytes!("data/openssl/crl.pem")).unwrap();
    let rejection = verify(&trust().with_revocation_lists(lists), Some(BY_ISSUER)).unwrap_err();
    assert!(
        matches!(
            rejection,
            Rejection::Revoked {
                source: RevocationSource::List,
                ..
            }
        ),
        "{rejection}"
    );
}
