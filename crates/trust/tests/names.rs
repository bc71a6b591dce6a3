//! RFC 9525: the name that was asked for is among the subject alternative names.

use std::net::IpAddr;

use keyward_trust::{Presented, Rejection};
use rcgen::SanType;

use crate::support::{NAME, Pki, assert_says, dns, name, now};

/// Whether a certificate for `names` is good for `asked`.
fn is_for(names: &[&str], asked: &str) -> bool {
    check(names, asked).is_ok()
}

fn check(names: &[&str], asked: &str) -> Result<(), Rejection> {
    let pki = Pki::with_leaf(|leaf| {
        leaf.subject_alt_names = names
            .iter()
            .map(|name| match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => dns(name),
            })
            .collect();
    });
    pki.trust()
        .verify(Presented::by_server(&pki.chain(), name(asked)), now())
}

#[test]
fn another_name() {
    let rejection = check(&["shop.example", "www.shop.example"], "bank.example").unwrap_err();
    assert_eq!(
        rejection,
        Rejection::NameMismatch {
            asked: "bank.example".to_owned(),
            names: vec!["shop.example".to_owned(), "www.shop.example".to_owned()],
        }
    );
    assert_says(
        &rejection,
        &["is for shop.example and www.shop.example, not for bank.example"],
    );
}

#[test]
fn a_common_name_does_not_count() {
    let rejection = check(&[], NAME).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::CommonNameOnly {
            asked: NAME.to_owned(),
            common_name: NAME.to_owned(),
        }
    );
    assert_says(
        &rejection,
        &[
            "only in its common name",
            "no subject alternative name",
            "issue it with",
        ],
    );
}

#[test]
fn case_does_not_matter() {
    assert!(is_for(&["Shop.Example"], "sHOP.eXAMPLE"));
}

#[test]
fn a_wildcard_stands_for_one_label() {
    assert!(is_for(&["*.shop.example"], "www.shop.example"));
    assert!(!is_for(&["*.shop.example"], "shop.example"));
    assert!(!is_for(&["*.shop.example"], "a.b.shop.example"));
}

#[test]
fn a_wildcard_stands_for_a_whole_first_label() {
    assert!(!is_for(&["w*.shop.example"], "www.shop.example"));
    assert!(!is_for(&["*w.shop.example"], "www.shop.example"));
    assert!(!is_for(&["www.*.example"], "www.shop.example"));
    assert!(!is_for(&["*"], "example"));
}

#[test]
fn addresses_match_addresses() {
    assert!(is_for(&["192.0.2.1"], "192.0.2.1"));
    assert!(is_for(&["2001:db8::1"], "2001:db8::1"));
    assert!(!is_for(&["192.0.2.1"], "192.0.2.2"));
    assert!(!is_for(&["shop.example"], "192.0.2.1"));
    let rejection = check(&["192.0.2.1"], "192.0.2.2").unwrap_err();
    assert_says(&rejection, &["is for 192.0.2.1, not for 192.0.2.2"]);
}

#[test]
fn a_client_needs_no_name() {
    let pki = Pki::with_leaf(|leaf| {
        leaf.subject_alt_names = Vec::new();
        leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    pki.verify_client().unwrap();
}
