//! Certificates that cannot be read, or not all of it.

use keyward_trust::{Rejection, Roots, RootsError, Trust};
use rustls_pki_types::CertificateDer;

use crate::support::{NAME, Pki, now, verify};

#[test]
fn no_certificate() {
    assert_eq!(
        verify(&Pki::new().trust(), &[]),
        Err(Rejection::NoCertificate)
    );
}

#[test]
fn noise() {
    let pki = Pki::new();
    for position in 0..2 {
        let mut chain = pki.chain();
        chain[position] = CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]);
        let rejection = verify(&pki.trust(), &chain).unwrap_err();
        assert!(
            matches!(rejection, Rejection::Malformed { position: p, .. } if p == position),
            "{rejection}"
        );
    }
}

#[test]
fn bytes_behind_the_end() {
    let pki = Pki::new();
    let mut chain = pki.chain();
    let mut longer = chain[0].to_vec();
    longer.push(0);
    chain[0] = longer.into();
    let rejection = verify(&pki.trust(), &chain).unwrap_err();
    assert!(matches!(
        rejection,
        Rejection::Malformed { position: 0, .. }
    ));
}

#[test]
fn a_critical_extension_that_nobody_knows() {
    let pki = |critical| {
        Pki::with_leaf(|leaf| {
            let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(critical);
            leaf.custom_extensions = vec![extension];
        })
    };
    pki(false).verify().unwrap();
    assert_eq!(
        pki(true).verify(),
        Err(Rejection::CriticalExtension {
            certificate: NAME.to_owned(),
            extension: "1.2.3.4".to_owned(),
        })
    );
}

#[test]
fn every_cut_and_every_flipped_byte_is_refused() {
    let pki = Pki::new();
    let trust = pki.trust();
    let whole = pki.leaf.to_vec();
    for at in 0..whole.len() {
        let mut chain = pki.chain();
        chain[0] = CertificateDer::from(whole[..at].to_vec());
        verify(&trust, &chain).unwrap_err();
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        chain[0] = CertificateDer::from(flipped);
        verify(&trust, &chain).unwrap_err();
    }
}

#[test]
fn roots_are_read_from_pem_and_der() {
    let pki = Pki::new();
    let pem = pki.root.pem();
    assert_eq!(Roots::parse(pem.as_bytes()).unwrap().len(), 1);
    let roots = Roots::parse(pki.root.der()).unwrap();
    verify(&Trust::new(roots), &pki.chain()).unwrap();
    assert_eq!(Roots::parse(b"nothing").unwrap_err(), RootsError::Empty);
    let broken = pem.replace("-----END", "!!-----END");
    assert!(matches!(
        Roots::parse(broken.as_bytes()),
        Err(RootsError::Pem(_))
    ));
    assert!(matches!(
        Roots::parse(&[0x30, 1, 0]),
        Err(RootsError::Certificate(1, _))
    ));
}

#[test]
fn without_roots_nothing_is_trusted() {
    let pki = Pki::new();
    let trust = Trust::new(Roots::default());
    let presented = keyward_trust::Presented::by_client(&[]);
    assert_eq!(
        trust.verify(presented, now()),
        Err(Rejection::NoCertificate)
    );
    assert!(matches!(
        verify(&trust, &pki.chain()),
        Err(Rejection::UnknownIssuer { .. })
    ));
}

#[test]
fn every_rejection_has_its_alert() {
    use keyward_wire::values::AlertDescription as Alert;

    let expired = Pki::with_leaf(|leaf| leaf.not_after = crate::support::NOW - time::Duration::DAY);
    let rejection = expired.verify().unwrap_err();
    assert_eq!(rejection.alert(), Alert::CERTIFICATE_EXPIRED);
    assert_eq!(
        keyward_tls::NeedError::from(rejection).alert(),
        Alert::CERTIFICATE_EXPIRED
    );
    let (pki, other) = (Pki::new(), Pki::new());
    let unknown = verify(&pki.trust(), &other.chain()[..1]).unwrap_err();
    assert_eq!(unknown.alert(), Alert::UNKNOWN_CA);
    assert_eq!(
        Rejection::NoCertificate.alert(),
        Alert::CERTIFICATE_REQUIRED
    );
}
