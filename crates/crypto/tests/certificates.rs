//! What TLS reads of certificates: those that OpenSSL made, and those with extensions.

#[path = "support/data.rs"]
mod support;

use keyward_crypto::certificate::CertificateInfo;
use proptest::prelude::*;
use rcgen::{CertificateParams, CustomExtension, KeyPair, KeyUsagePurpose};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use support::data;

fn certificate(name: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(&data(&format!("{name}.crt.pem")))
        .unwrap()
        .to_vec()
}

#[test]
fn how_it_is_signed() {
    for (name, schemes) in [
        ("rsa2048", &[0x0401][..]),
        ("p256", &[0x0403]),
        ("p521", &[0x0403]),
        ("ed25519", &[0x0807]),
        ("rsa-pss", &[0x0804, 0x0809]),
        ("rsa2048.pss-signed", &[0x0804, 0x0809]),
    ] {
        let certificate = certificate(name);
        let info = CertificateInfo::parse(&certificate).unwrap();
        assert_eq!(info.signature_schemes(), schemes, "{name}");
        assert!(info.is_self_issued(), "{name}");
    }
}

#[test]
fn when_it_is_valid() {
    let certificate = certificate("p256");
    let info = CertificateInfo::parse(&certificate).unwrap();
    // As `openssl x509 -startdate -enddate` says.
    assert_eq!(info.not_before(), 1_795_508_532);
    assert_eq!(info.not_after(), 4_949_108_532);
}

/// 1.3.6.1.4.1.44363.44 (RFC 9345 §4.2).
const DELEGATION_USAGE: [u64; 8] = [1, 3, 6, 1, 4, 1, 44363, 44];

fn with_extensions(usages: &[KeyUsagePurpose], delegation: Option<bool>) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
    params.key_usages = usages.to_vec();
    if let Some(critical) = delegation {
        let null = vec![5, 0];
        let mut extension = CustomExtension::from_oid_content(&DELEGATION_USAGE, null);
        extension.set_criticality(critical);
        params.custom_extensions.push(extension);
    }
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

#[test]
fn whether_it_may_sign_and_delegate() {
    use KeyUsagePurpose::{DigitalSignature, KeyCertSign, KeyEncipherment};
    for (usages, delegation, may_sign, may_delegate) in [
        (&[][..], None, true, false),
        (&[], Some(false), true, false),
        (&[DigitalSignature], None, true, false),
        (&[DigitalSignature], Some(false), true, true),
        (
            &[DigitalSignature, KeyEncipherment],
            Some(false),
            true,
            true,
        ),
        (&[DigitalSignature], Some(true), true, false),
        (&[KeyEncipherment], Some(false), false, false),
        (&[KeyCertSign], None, false, false),
    ] {
        let certificate = with_extensions(usages, delegation);
        let info = CertificateInfo::parse(&certificate).unwrap();
        assert_eq!(info.may_sign(), may_sign, "{usages:?} {delegation:?}");
        assert_eq!(
            info.may_delegate(),
            may_delegate,
            "{usages:?} {delegation:?}"
        );
    }
}

#[test]
fn a_certificate_cut_anywhere_is_refused() {
    let certificate = with_extensions(&[KeyUsagePurpose::DigitalSignature], Some(false));
    for length in 0..certificate.len() {
        assert!(
            CertificateInfo::parse(&certificate[..length]).is_none(),
            "{length}"
        );
    }
}

proptest! {
    #[test]
    fn a_changed_certificate_does_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut certificate = certificate("p256");
        let at = at.index(certificate.len());
        certificate[at] = byte;
        if let Some(info) = CertificateInfo::parse(&certificate) {
            let _ = (info.signature_schemes(), info.may_sign(), info.may_delegate());
        }
    }
}

#[test]
fn which_names_it_is_for() {
    use rcgen::SanType;
    let issue = |names: Vec<SanType>| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    };
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let names = issue(vec![dns("shop.example"), dns("*.shop.example")]);
    let info = CertificateInfo::parse(&names).unwrap();
    assert_eq!(
        info.dns_names().unwrap(),
        ["shop.example", "*.shop.example"]
    );

    let none = issue(Vec::new());
    let info = CertificateInfo::parse(&none).unwrap();
    assert_eq!(info.dns_names(), Some(Vec::new()));

    let address = issue(vec![
        dns("shop.example"),
        SanType::IpAddress([127, 0, 0, 1].into()),
    ]);
    let info = CertificateInfo::parse(&address).unwrap();
    assert_eq!(info.dns_names(), None);
}
