//! A path of good signatures to a certificate that is trusted.

use keyward_trust::{Presented, Rejection};
use rcgen::{BasicConstraints, CertificateParams, GeneralSubtree, IsCa, KeyPair, NameConstraints};

use crate::support::{
    Ca, NAME, Pki, assert_says, authority, der, dns, issue, name, now, server, trust, verify,
};

#[test]
fn missing_intermediate() {
    let pki = Pki::with_leaf(|leaf| leaf.custom_extensions = vec![issuer_url()]);
    let rejection = verify(&pki.trust(), std::slice::from_ref(&pki.leaf)).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::UnknownIssuer {
            certificate: NAME.to_owned(),
            issuer: "CN=Intermediate".to_owned(),
            issuer_url: Some("http://ca.example/i.der".to_owned()),
        }
    );
    assert_says(
        &rejection,
        &["neither trusted nor among", "http://ca.example/i.der"],
    );
}

/// authorityInfoAccess with caIssuers.
fn issuer_url() -> rcgen::CustomExtension {
    let method = der(6, &[0x2b, 6, 1, 5, 5, 7, 48, 2]);
    let location = der(0x86, b"http://ca.example/i.der");
    let description = der(0x30, &[method, location].concat());
    rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], der(0x30, &description))
}

#[test]
fn unknown_ca() {
    let (pki, other) = (Pki::new(), Pki::new());
    let mut chain = pki.chain();
    chain.push(pki.root.der().clone());
    // Of the same name, with another key.
    let rejection = verify(&other.trust(), &chain).unwrap_err();
    assert!(
        matches!(rejection, Rejection::BadSignature { .. }),
        "{rejection}"
    );

    let stranger = Ca::self_signed(authority("Stranger"), KeyPair::generate().unwrap()).unwrap();
    let rejection = verify(&trust(&[stranger.der()]), &chain).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::UntrustedRoot {
            root: "Root".to_owned(),
        }
    );
}

#[test]
fn the_order_of_the_others_does_not_matter() {
    let pki = Pki::new();
    let chain = [
        pki.leaf.clone(),
        pki.root.der().clone(),
        pki.intermediate.der().clone(),
    ];
    verify(&pki.trust(), &chain).unwrap();
}

#[test]
fn a_leaf_that_signed_itself() {
    let leaf = self_signed_leaf();
    let rejection = verify(&Pki::new().trust(), &[leaf]).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::SelfSigned {
            certificate: NAME.to_owned(),
        }
    );
}

#[test]
fn self_signed_as_openssl_makes_them() {
    let leaf = self_signed(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let rejection = verify(&Pki::new().trust(), &[leaf]).unwrap_err();
    assert!(
        matches!(rejection, Rejection::SelfSigned { .. }),
        "{rejection}"
    );
}

#[test]
fn a_certificate_that_is_trusted_itself() {
    for is_ca in [
        IsCa::ExplicitNoCa,
        IsCa::Ca(BasicConstraints::Unconstrained),
    ] {
        let leaf = self_signed(|leaf| leaf.is_ca = is_ca);
        verify(&trust(&[&leaf]), std::slice::from_ref(&leaf)).unwrap();
        // For its names, as long as it is valid.
        let chain = [leaf.clone()];
        let elsewhere = Presented::by_server(&chain, name("bank.example"));
        trust(&[&leaf]).verify(elsewhere, now()).unwrap_err();
        let later = keyward_tls::UnixTime::from_secs(now().as_millis() / 1000 + 100 * 86_400);
        let rejection = trust(&[&leaf])
            .verify(Presented::by_server(&chain, name(NAME)), later)
            .unwrap_err();
        assert!(
            matches!(rejection, Rejection::Expired { .. }),
            "{rejection}"
        );
        trust(&[&leaf])
            .verify(Presented::by_client(&chain), now())
            .unwrap_err();
    }
}

/// Who trusts a certificate for its own names does not trust its holder to make others.
#[test]
fn a_certificate_that_is_trusted_itself_issues_nothing() {
    for is_ca in [IsCa::ExplicitNoCa, IsCa::NoCa] {
        let mut params = server();
        params.is_ca = is_ca;
        params.extended_key_usages = Vec::new();
        // Key usages may be as they like.
        params.key_usages.push(rcgen::KeyUsagePurpose::KeyCertSign);
        let pinned = Ca::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = server();
        params.subject_alt_names = vec![dns("bank.example")];
        params.extended_key_usages = Vec::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "bank.example");
        let leaf = issue(&params, &pinned);
        let trust = trust(&[pinned.der()]);
        verify(&trust, std::slice::from_ref(pinned.der())).unwrap();
        let not_an_authority = Rejection::NotAnAuthority {
            certificate: NAME.to_owned(),
        };
        for chain in [vec![leaf.clone()], vec![leaf, pinned.der().clone()]] {
            let by_server = Presented::by_server(&chain, name("bank.example"));
            let rejection = trust.verify(by_server, now()).unwrap_err();
            assert_eq!(rejection, not_an_authority);
            let by_client = Presented::by_client(&chain);
            let rejection = trust.verify(by_client, now()).unwrap_err();
            assert_eq!(rejection, not_an_authority);
        }
    }
}

#[test]
fn a_certificate_that_only_looks_like_the_trusted_one() {
    let (trusted, other) = (self_signed_leaf(), self_signed_leaf());
    verify(&trust(&[&trusted]), &[other]).unwrap_err();
}

fn self_signed_leaf() -> rustls_pki_types::CertificateDer<'static> {
    self_signed(|_| {})
}

fn self_signed(
    alter: impl FnOnce(&mut CertificateParams),
) -> rustls_pki_types::CertificateDer<'static> {
    let mut params = server();
    alter(&mut params);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

#[test]
fn an_altered_certificate() {
    let pki = Pki::new();
    let mut altered = pki.leaf.to_vec();
    // A digit of the serial number.
    let at = altered
        .windows(2)
        .position(|bytes| bytes == [0x10, 0x01])
        .unwrap();
    altered[at] ^= 1;
    let chain = [altered.into(), pki.intermediate.der().clone()];
    let rejection = verify(&pki.trust(), &chain).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::BadSignature {
            certificate: NAME.to_owned(),
            issuer: "CN=Intermediate".to_owned(),
        }
    );
}

#[test]
fn a_leaf_is_no_ca() {
    let pki = Pki::with_intermediate(|ca| ca.is_ca = IsCa::ExplicitNoCa);
    let rejection = pki.verify().unwrap_err();
    assert_eq!(
        rejection,
        Rejection::NotAnAuthority {
            certificate: "Intermediate".to_owned(),
        }
    );
}

#[test]
fn a_ca_is_no_server() {
    let pki = Pki::with_leaf(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let rejection = pki.verify().unwrap_err();
    assert_eq!(
        rejection,
        Rejection::AuthorityAsPeer {
            certificate: NAME.to_owned(),
        }
    );
}

#[test]
fn path_length() {
    let mut params = authority("Upper");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let pki = Pki::new();
    let upper = Ca::signed_by(params, KeyPair::generate().unwrap(), &pki.root).unwrap();
    let lower = Ca::signed_by(authority("Lower"), KeyPair::generate().unwrap(), &upper).unwrap();
    let chain = |issuer: &Ca| {
        vec![
            issue(&server(), issuer),
            lower.der().clone(),
            upper.der().clone(),
        ]
    };
    verify(&pki.trust(), &chain(&upper)).unwrap();
    let rejection = verify(&pki.trust(), &chain(&lower)).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::PathTooLong {
            certificate: "Upper".to_owned(),
        }
    );
}

#[test]
fn name_constraints() {
    let only = |name: &'static str| {
        Pki::with_intermediate(|ca| {
            ca.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
                excluded_subtrees: Vec::new(),
            });
        })
    };
    only("example").verify().unwrap();
    let rejection = only("test").verify().unwrap_err();
    assert_eq!(
        rejection,
        Rejection::NameConstraint {
            certificate: NAME.to_owned(),
            names: vec![NAME.to_owned()],
        }
    );
}

#[test]
fn a_chain_without_end_is_given_up() {
    let pki = Pki::new();
    let mut issuer =
        Ca::signed_by(authority("0"), KeyPair::generate().unwrap(), &pki.root).unwrap();
    let mut chain = vec![issuer.der().clone()];
    for number in 1..12 {
        let params = authority(&number.to_string());
        issuer = Ca::signed_by(params, KeyPair::generate().unwrap(), &issuer).unwrap();
        chain.push(issuer.der().clone());
    }
    chain.push(issue(&server(), &issuer));
    chain.reverse();
    verify(&pki.trust(), &chain).unwrap_err();
}
