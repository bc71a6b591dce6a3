//! Key usage and extended key usage.

use keyward_trust::{KeyUse, Presented, Rejection};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};

use crate::support::{NAME, Pki, assert_says, name, now};

fn verify_with(pki: &Pki, key_use: KeyUse) -> Result<(), Rejection> {
    let chain = pki.chain();
    let presented = Presented::by_server(&chain, name(NAME)).with_key_use(key_use);
    pki.trust().verify(presented, now())
}

#[test]
fn a_clients_certificate_is_not_a_servers() {
    let pki = Pki::with_leaf(|leaf| {
        leaf.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::EmailProtection,
        ];
    });
    let rejection = pki.verify().unwrap_err();
    assert_eq!(
        rejection,
        Rejection::ExtendedKeyUsage {
            certificate: NAME.to_owned(),
            needed: "serverAuth",
            present: vec!["clientAuth".to_owned(), "emailProtection".to_owned()],
        }
    );
    pki.verify_client().unwrap();
}

#[test]
fn a_servers_certificate_is_not_a_clients() {
    let rejection = Pki::new().verify_client().unwrap_err();
    assert_says(&rejection, &["not for clientAuth but for serverAuth"]);
}

#[test]
fn without_extended_key_usages_it_is_for_both() {
    let pki = Pki::with_leaf(|leaf| leaf.extended_key_usages = Vec::new());
    pki.verify().unwrap();
    pki.verify_client().unwrap();
}

#[test]
fn a_ca_for_mail_issues_no_servers() {
    let pki = Pki::with_intermediate(|ca| {
        ca.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    });
    let rejection = pki.verify().unwrap_err();
    assert_says(
        &rejection,
        &["the certificate of Intermediate is not for serverAuth but for emailProtection"],
    );
}

#[test]
fn what_signs_needs_digital_signature() {
    let pki = Pki::with_leaf(|leaf| leaf.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    let rejection = verify_with(&pki, KeyUse::Signs).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::KeyUsage {
            certificate: NAME.to_owned(),
            key_use: KeyUse::Signs,
            present: vec!["keyEncipherment"],
        }
    );
    verify_with(&pki, KeyUse::Decrypts).unwrap();
}

#[test]
fn what_decrypts_needs_key_encipherment() {
    let pki = Pki::new();
    let rejection = verify_with(&pki, KeyUse::Decrypts).unwrap_err();
    assert_says(
        &rejection,
        &["keyEncipherment", "its key usage is digitalSignature"],
    );
    verify_with(&pki, KeyUse::Signs).unwrap();
}

#[test]
fn without_key_usages_a_key_does_both() {
    let pki = Pki::with_leaf(|leaf| leaf.key_usages = Vec::new());
    verify_with(&pki, KeyUse::Signs).unwrap();
    verify_with(&pki, KeyUse::Decrypts).unwrap();
}

#[test]
fn a_key_usage_that_does_not_parse_allows_nothing() {
    let pki = Pki::with_leaf(|leaf| {
        leaf.key_usages = Vec::new();
        // An OCTET STRING where a BIT STRING belongs.
        leaf.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(
            &[2, 5, 29, 15],
            vec![4, 1, 0x80],
        )];
    });
    let rejection = verify_with(&pki, KeyUse::Signs).unwrap_err();
    assert_says(&rejection, &["its key usage is empty"]);
}

/// RFC 5280 §6.1.4 (n): "If a key usage extension is present, verify that the keyCertSign bit is set."
#[test]
fn a_ca_whose_key_must_not_sign_certificates() {
    let pki = Pki::with_intermediate(|ca| {
        ca.key_usages = vec![KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    });
    let rejection = pki.verify().unwrap_err();
    assert_eq!(
        rejection,
        Rejection::MayNotIssue {
            certificate: "Intermediate".to_owned(),
            present: vec!["digitalSignature", "cRLSign"],
        }
    );
    assert_says(&rejection, &["must not sign certificates", "keyCertSign"]);
    pki.verify_client().unwrap_err();

    let unreadable = Pki::with_intermediate(|ca| {
        ca.key_usages = Vec::new();
        ca.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(
            &[2, 5, 29, 15],
            vec![4, 1, 0x80],
        )];
    });
    unreadable.verify().unwrap_err();
    Pki::with_intermediate(|ca| ca.key_usages = Vec::new())
        .verify()
        .unwrap();
}

#[test]
fn an_extended_key_usage_that_does_not_parse_allows_nothing() {
    let pki = Pki::with_leaf(|leaf| {
        leaf.extended_key_usages = Vec::new();
        leaf.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(
            &[2, 5, 29, 37],
            vec![4, 1, 0x80],
        )];
    });
    pki.verify().unwrap_err();
    pki.verify_client().unwrap_err();
}
