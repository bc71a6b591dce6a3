//! A chain told link by link.

use keyward_trust::{ChainReport, Place, Presented, Rejection, Signer};
use rcgen::KeyPair;
use time::Duration;

use crate::support::{Ca, NAME, NOW, Pki, authority, name, now};

fn report(pki: &Pki, chain: &[rustls_pki_types::CertificateDer<'_>], asked: &str) -> ChainReport {
    pki.trust()
        .report(Presented::by_server(chain, name(asked)), now())
}

fn places(report: &ChainReport) -> Vec<Place> {
    report.links.iter().map(|link| link.place).collect()
}

fn signers(report: &ChainReport) -> Vec<Signer> {
    report
        .links
        .iter()
        .map(|link| link.signed_by.clone())
        .collect()
}

#[test]
fn a_trusted_chain_ends_at_the_root_that_was_not_sent() {
    let pki = Pki::new();
    let report = report(&pki, &pki.chain(), NAME);
    assert!(report.is_trusted());
    assert_eq!(
        places(&report),
        [Place::Peer, Place::Intermediate, Place::Root]
    );
    assert_eq!(
        signers(&report),
        [
            Signer::Sent(1),
            Signer::Root("Root".to_owned()),
            Signer::Itself
        ]
    );
    let leaf = &report.links[0];
    assert_eq!(leaf.subject, "CN=shop.example");
    assert_eq!(leaf.issuer, "CN=Intermediate");
    assert_eq!(leaf.serial, "1001");
    assert_eq!(leaf.key, "ECDSA P-256");
    assert_eq!(leaf.signature_algorithm, "ecdsa-with-SHA256");
    assert_eq!(leaf.names, [NAME]);
    assert_eq!(leaf.key_usages, ["digitalSignature"]);
    assert_eq!(leaf.extended_key_usages, ["serverAuth"]);
    assert_eq!(leaf.sha256.len(), 64);
}

#[test]
fn what_was_sent_for_nothing_is_marked() {
    let pki = Pki::new();
    let stranger = Ca::self_signed(authority("Stranger"), KeyPair::generate().unwrap()).unwrap();
    let mut chain = pki.chain();
    chain.insert(1, stranger.der().clone());
    chain.push(pki.root.der().clone());
    let report = report(&pki, &chain, NAME);
    assert!(report.is_trusted());
    assert_eq!(
        places(&report),
        [
            Place::Peer,
            Place::Unused,
            Place::Intermediate,
            Place::Unused
        ]
    );
}

#[test]
fn every_broken_rule_is_told() {
    let pki = Pki::with_leaf(|leaf| leaf.not_after = NOW - Duration::days(1));
    let report = report(&pki, &pki.chain(), "bank.example");
    assert!(!report.is_trusted());
    assert!(matches!(
        report.rejections[..],
        [Rejection::Expired { .. }, Rejection::NameMismatch { .. }]
    ));
}

#[test]
fn where_a_chain_breaks() {
    let (pki, other) = (Pki::new(), Pki::new());
    let absent = report(&pki, &pki.chain()[..1], NAME);
    assert_eq!(signers(&absent), [Signer::Absent]);
    let mixed = [pki.leaf.clone(), other.intermediate.der().clone()];
    let mixed = report(&pki, &mixed, NAME);
    assert_eq!(signers(&mixed), [Signer::Nobody, Signer::Nobody]);
}

#[test]
fn a_report_says_the_same_as_the_verdict() {
    let pki = Pki::new();
    for (chain, asked) in [
        (pki.chain(), NAME),
        (pki.chain(), "bank.example"),
        (pki.chain()[..1].to_vec(), NAME),
        (Vec::new(), NAME),
        (vec![vec![0x30, 0].into()], NAME),
    ] {
        let presented = Presented::by_server(&chain, name(asked));
        let verdict = pki.trust().verify(presented.clone(), now());
        let report = pki.trust().report(presented, now());
        assert_eq!(report.rejections.first().cloned(), verdict.err());
    }
}

#[test]
fn as_json() {
    let pki = Pki::new();
    let report = report(&pki, &pki.chain(), "bank.example");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["links"][0]["place"], "peer");
    assert_eq!(json["links"][0]["not_after"], "2027-07-31 00:00 UTC");
    assert_eq!(json["links"][0]["signed_by"]["who"], 1);
    assert!(
        json["rejections"][0]
            .as_str()
            .unwrap()
            .contains("not for bank.example")
    );
}
