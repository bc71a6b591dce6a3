//! Certificates are good from one time to another.

use keyward_tls::UnixTime;
use keyward_trust::{Presented, Rejection};
use time::Duration;

use crate::support::{NAME, NOW, Pki, assert_says, at, name, now};

#[test]
fn nothing_is_wrong_with_the_chain_that_all_tests_alter() {
    Pki::new().verify().unwrap();
}

#[test]
fn expired() {
    let pki = Pki::with_leaf(|leaf| leaf.not_after = NOW - Duration::days(3));
    let rejection = pki.verify().unwrap_err();
    assert_eq!(
        rejection,
        Rejection::Expired {
            certificate: NAME.to_owned(),
            not_after: at(NOW - Duration::days(3)),
            now: now(),
        }
    );
    assert_says(
        &rejection,
        &[
            "shop.example",
            "2027-05-29 00:00 UTC",
            "3 days ago",
            "renew",
        ],
    );
}

#[test]
fn not_yet_valid() {
    let pki = Pki::with_leaf(|leaf| leaf.not_before = NOW + Duration::hours(2));
    let rejection = pki.verify().unwrap_err();
    assert!(matches!(rejection, Rejection::NotYetValid { .. }));
    assert_says(
        &rejection,
        &["before 2027-06-01 02:00 UTC, in 2 hours", "clock"],
    );
}

#[test]
fn the_ca_expired() {
    let pki = Pki::with_intermediate(|ca| ca.not_after = NOW - Duration::seconds(1));
    let rejection = pki.verify().unwrap_err();
    assert_says(&rejection, &["the certificate of Intermediate expired"]);
}

#[test]
fn both_ends_of_the_validity_belong_to_it() {
    let pki = Pki::new();
    let chain = pki.chain();
    let verify = |time: UnixTime| {
        pki.trust()
            .verify(Presented::by_server(&chain, name(NAME)), time)
    };
    verify(at(NOW - Duration::days(30))).unwrap();
    verify(at(NOW + Duration::days(60))).unwrap();
    verify(at(NOW - Duration::days(30) - Duration::seconds(1))).unwrap_err();
    verify(at(NOW + Duration::days(60) + Duration::seconds(1))).unwrap_err();
}
