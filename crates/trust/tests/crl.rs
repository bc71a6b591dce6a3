//! Revocation lists.

use keyward_trust::{Rejection, RevocationList, RevocationSource};
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use crate::support::{Ca, NAME, NOW, Pki, assert_says, at, verify};

/// A list of `issuer`'s, made `age` ago and good for ten days, that revokes these serial numbers.
fn list(issuer: &Ca, age: Duration, revoked: &[u64]) -> RevocationList {
    let params = CertificateRevocationListParams {
        this_update: NOW - age,
        next_update: NOW - age + Duration::days(10),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(*serial),
                revocation_time: revoked_at(),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    RevocationList::from_der(params.signed_by(issuer).unwrap().der()).unwrap()
}

fn revoked_at() -> OffsetDateTime {
    NOW - Duration::days(5)
}

pub(crate) fn fresh(issuer: &Ca, revoked: &[u64]) -> RevocationList {
    list(issuer, Duration::days(1), revoked)
}

fn check(pki: &Pki, lists: Vec<RevocationList>) -> Result<(), Rejection> {
    verify(&pki.trust().with_revocation_lists(lists), &pki.chain())
}

#[test]
fn revoked() {
    let pki = Pki::new();
    let lists = vec![
        fresh(&pki.intermediate, &[7, 0x1001]),
        fresh(&pki.root, &[]),
    ];
    let rejection = check(&pki, lists).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::Revoked {
            certificate: NAME.to_owned(),
            source: RevocationSource::List,
            since: Some(at(revoked_at())),
            reason: Some("key compromise".to_owned()),
        }
    );
    assert_says(&rejection, &["since 2027-05-27", "revocation list"]);
}

#[test]
fn another_is_revoked() {
    let pki = Pki::new();
    check(
        &pki,
        vec![fresh(&pki.intermediate, &[7]), fresh(&pki.root, &[0x1001])],
    )
    .unwrap();
}

#[test]
fn the_ca_is_revoked() {
    let pki = Pki::with_intermediate(|ca| ca.serial_number = Some(SerialNumber::from(0x77_u64)));
    let lists = vec![fresh(&pki.intermediate, &[]), fresh(&pki.root, &[0x77])];
    let rejection = check(&pki, lists).unwrap_err();
    assert_says(&rejection, &["the certificate of Intermediate is revoked"]);
}

#[test]
fn every_issuer_needs_a_list() {
    let pki = Pki::new();
    let rejection = check(&pki, vec![fresh(&pki.root, &[])]).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::NoRevocationList {
            certificate: NAME.to_owned(),
            issuer: "CN=Intermediate".to_owned(),
            url: None,
        }
    );
    let trust = pki
        .trust()
        .with_revocation_lists(vec![fresh(&pki.root, &[])])
        .accept_uncovered();
    verify(&trust, &pki.chain()).unwrap();
}

#[test]
fn out_of_date() {
    let pki = Pki::new();
    let old = || {
        vec![
            list(&pki.intermediate, Duration::days(11), &[]),
            fresh(&pki.root, &[]),
        ]
    };
    let rejection = check(&pki, old()).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::RevocationListExpired {
            issuer: "CN=Intermediate".to_owned(),
            next_update: at(NOW - Duration::days(1)),
        }
    );
    let trust = pki
        .trust()
        .with_revocation_lists(old())
        .accept_expired_lists();
    verify(&trust, &pki.chain()).unwrap();
}

#[test]
fn the_newest_list_counts() {
    let pki = Pki::new();
    let lists = vec![
        list(&pki.intermediate, Duration::days(11), &[]),
        fresh(&pki.intermediate, &[0x1001]),
        fresh(&pki.root, &[]),
    ];
    let rejection = check(&pki, lists).unwrap_err();
    assert!(
        matches!(rejection, Rejection::Revoked { .. }),
        "{rejection}"
    );
}

#[test]
fn a_list_that_somebody_else_signed() {
    let (pki, impostor) = (Pki::new(), Pki::new());
    let lists = vec![fresh(&impostor.intermediate, &[]), fresh(&pki.root, &[])];
    let rejection = check(&pki, lists).unwrap_err();
    assert_says(&rejection, &["cannot be used: its CA did not sign it"]);
}

#[test]
fn a_ca_that_may_not_sign_lists() {
    let pki = Pki::with_intermediate(|ca| ca.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    // rcgen asks for the right to sign lists; the same key has it here.
    let mut params = crate::support::authority("Intermediate");
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let key = rcgen::KeyPair::from_pem(&pki.intermediate.key().serialize_pem()).unwrap();
    let signer = Ca::signed_by(params, key, &pki.root).unwrap();
    let lists = vec![fresh(&signer, &[]), fresh(&pki.root, &[])];
    let rejection = check(&pki, lists).unwrap_err();
    assert_says(&rejection, &["may not sign lists"]);
}

#[test]
fn lists_are_read_from_pem_and_der() {
    let pki = Pki::new();
    let params = CertificateRevocationListParams {
        this_update: NOW,
        next_update: NOW + Duration::days(1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let made = params.signed_by(&pki.root).unwrap();
    for content in [made.pem().unwrap().into_bytes(), made.der().to_vec()] {
        let lists = RevocationList::parse(&content).unwrap();
        assert_eq!(lists.len(), 1);
        assert_eq!(lists[0].issuer(), "CN=Root");
        assert_eq!(lists[0].this_update(), at(NOW));
        assert_eq!(lists[0].next_update(), Some(at(NOW + Duration::days(1))));
    }
    assert!(RevocationList::parse(b"").is_err());
    assert!(RevocationList::parse(&[0x30, 0]).is_err());
}
