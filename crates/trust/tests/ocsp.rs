//! Stapled OCSP responses.

use der::asn1::{BitString, GeneralizedTime, Null, ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode};
use keyward_trust::{OcspFault, Presented, Rejection, RevocationSource};
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair, SerialNumber,
    SigningKey,
};
use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspResponse, ResponderId,
    ResponseData, RevokedInfo, SingleResponse, Version,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::crl::fresh;
use crate::support::{Ca, NAME, NOW, Pki, assert_says, at, authority, der as tlv, name, now};

/// A response in the making; each test alters one part.
struct Maker {
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    status: CertStatus,
    /// Whose status: the certificate and its issuer.
    subject: CertificateDer<'static>,
    issuer: CertificateDer<'static>,
    hash: &'static aws_lc_rs::digest::Algorithm,
    /// An extension that nobody knows, critical or not.
    extension: Option<bool>,
}

/// Who signs it.
struct Signer<'a> {
    certificate: &'a CertificateDer<'static>,
    key: &'a KeyPair,
    /// Sent along.
    shown: bool,
    by_key: bool,
}

impl Maker {
    fn new(pki: &Pki) -> Self {
        Self {
            this_update: NOW - Duration::days(1),
            next_update: Some(NOW + Duration::days(6)),
            status: CertStatus::good(),
            subject: pki.leaf.clone(),
            issuer: pki.intermediate.der().clone(),
            hash: &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
            extension: None,
        }
    }

    fn signed(&self, signer: &Signer<'_>) -> Vec<u8> {
        let data = ResponseData {
            version: Version::V1,
            responder_id: signer.id(),
            produced_at: date(self.this_update),
            responses: vec![SingleResponse {
                cert_id: self.cert_id(),
                cert_status: self.status,
                this_update: date(self.this_update),
                next_update: self.next_update.map(date),
                single_extensions: None,
            }],
            response_extensions: self.extension.map(|critical| {
                // SEQUENCE OF { OBJECT IDENTIFIER 1.2.3.4, BOOLEAN DEFAULT FALSE, OCTET STRING }
                let mut content = tlv(6, &[0x2a, 3, 4]);
                if critical {
                    content.extend(tlv(1, &[0xff]));
                }
                content.extend(tlv(4, &[5, 0]));
                Decode::from_der(&tlv(0x30, &tlv(0x30, &content))).unwrap()
            }),
        };
        let signature = signer.key.sign(&data.to_der().unwrap()).unwrap();
        let response = BasicOcspResponse {
            tbs_response_data: data,
            signature_algorithm: spki_algorithm("1.2.840.10045.4.3.2", None),
            signature: BitString::from_bytes(&signature).unwrap(),
            certs: signer
                .shown
                .then(|| vec![Decode::from_der(signer.certificate).unwrap()]),
        };
        OcspResponse::successful(response)
            .unwrap()
            .to_der()
            .unwrap()
    }

    fn cert_id(&self) -> CertId {
        let issuer = parse(&self.issuer);
        let hash = |bytes: &[u8]| {
            OctetString::new(aws_lc_rs::digest::digest(self.hash, bytes).as_ref()).unwrap()
        };
        let oid = if self.hash == &aws_lc_rs::digest::SHA256 {
            "2.16.840.1.101.3.4.2.1"
        } else {
            "1.3.14.3.2.26"
        };
        let subject = parse(&self.subject);
        let serial = subject.raw_serial();
        CertId {
            hash_algorithm: spki_algorithm(oid, Some(Null.into())),
            issuer_name_hash: hash(issuer.tbs_certificate.subject.as_raw()),
            issuer_key_hash: hash(&issuer.public_key().subject_public_key.data),
            serial_number: Decode::from_der(&tlv(2, serial)).unwrap(),
        }
    }
}

impl<'a> Signer<'a> {
    fn issuer(pki: &'a Pki) -> Self {
        Self {
            certificate: pki.intermediate.der(),
            key: pki.intermediate.key(),
            shown: false,
            by_key: false,
        }
    }

    fn id(&self) -> ResponderId {
        let certificate = parse(self.certificate);
        if self.by_key {
            let key = &certificate.public_key().subject_public_key.data;
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, key);
            ResponderId::ByKey(OctetString::new(hash.as_ref()).unwrap())
        } else {
            let subject = certificate.tbs_certificate.subject.as_raw();
            ResponderId::ByName(Decode::from_der(subject).unwrap())
        }
    }
}

/// What keyward_trust has the crate's type of, without naming the crate that it comes from.
fn spki_algorithm<T: for<'a> Decode<'a>>(oid: &str, parameters: Option<Any>) -> T {
    let mut content = ObjectIdentifier::new_unwrap(oid).to_der().unwrap();
    if let Some(parameters) = parameters {
        content.extend(parameters.to_der().unwrap());
    }
    T::from_der(&tlv(0x30, &content)).unwrap()
}

fn parse<'a>(certificate: &'a CertificateDer<'static>) -> X509Certificate<'a> {
    X509Certificate::from_der(certificate).unwrap().1
}

fn date(time: OffsetDateTime) -> OcspGeneralizedTime {
    let since = std::time::Duration::from_secs(time.unix_timestamp().try_into().unwrap());
    OcspGeneralizedTime(GeneralizedTime::from_unix_duration(since).unwrap())
}

fn check(pki: &Pki, response: Option<&[u8]>) -> Result<(), Rejection> {
    let chain = pki.chain();
    let presented = Presented::by_server(&chain, name(NAME)).with_ocsp(response);
    pki.trust().verify(presented, now())
}

/// The fault of a response that the issuer signs.
fn fault(alter: impl FnOnce(&mut Maker)) -> OcspFault {
    let pki = Pki::new();
    let mut maker = Maker::new(&pki);
    alter(&mut maker);
    match check(&pki, Some(&maker.signed(&Signer::issuer(&pki)))) {
        Err(Rejection::Status(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn good() {
    let pki = Pki::new();
    let mut maker = Maker::new(&pki);
    let mut signer = Signer::issuer(&pki);
    check(&pki, Some(&maker.signed(&signer))).unwrap();
    signer.by_key = true;
    check(&pki, Some(&maker.signed(&signer))).unwrap();
    maker.hash = &aws_lc_rs::digest::SHA256;
    check(&pki, Some(&maker.signed(&signer))).unwrap();
}

#[test]
fn revoked() {
    let pki = Pki::new();
    let mut maker = Maker::new(&pki);
    maker.status = CertStatus::revoked(RevokedInfo {
        revocation_time: date(NOW - Duration::days(2)),
        // superseded
        revocation_reason: Some(Decode::from_der(&[10, 1, 4]).unwrap()),
    });
    let rejection = check(&pki, Some(&maker.signed(&Signer::issuer(&pki)))).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::Revoked {
            certificate: NAME.to_owned(),
            source: RevocationSource::Ocsp,
            since: Some(at(NOW - Duration::days(2))),
            reason: Some("superseded".to_owned()),
        }
    );
    assert_says(&rejection, &["stapled OCSP response", "(superseded)"]);
}

#[test]
fn the_responder_does_not_know_the_certificate() {
    let fault = fault(|maker| maker.status = CertStatus::unknown());
    assert_eq!(fault, OcspFault::UnknownCertificate);
}

#[test]
fn of_another_certificate() {
    let other = Pki::with_leaf(|leaf| leaf.serial_number = Some(7_u64.into()));
    let fault = fault(|maker| maker.subject = other.leaf);
    assert_eq!(fault, OcspFault::OtherCertificate);
}

#[test]
fn of_the_same_serial_number_from_another_issuer() {
    let other = Pki::new();
    let fault = fault(|maker| maker.issuer = other.intermediate.der().clone());
    assert_eq!(fault, OcspFault::OtherCertificate);
}

#[test]
fn expired() {
    let end = NOW - Duration::hours(1);
    let fault = fault(|maker| maker.next_update = Some(end));
    assert_eq!(
        fault,
        OcspFault::Expired {
            next_update: at(end)
        }
    );
}

#[test]
fn too_old_without_an_end() {
    let pki = Pki::new();
    let mut maker = Maker::new(&pki);
    maker.next_update = None;
    check(&pki, Some(&maker.signed(&Signer::issuer(&pki)))).unwrap();
    let fault = fault(|maker| {
        maker.next_update = None;
        maker.this_update = NOW - Duration::days(11);
    });
    assert!(matches!(fault, OcspFault::Expired { .. }));
}

#[test]
fn an_extension_that_nobody_knows() {
    let pki = Pki::new();
    let mut maker = Maker::new(&pki);
    maker.extension = Some(false);
    check(&pki, Some(&maker.signed(&Signer::issuer(&pki)))).unwrap();
    let OcspFault::Malformed(what) = fault(|maker| maker.extension = Some(true)) else {
        panic!("another fault");
    };
    assert!(what.contains("critical extension 1.2.3.4"), "{what}");
}

#[test]
fn from_the_future() {
    let start = NOW + Duration::hours(1);
    let fault = fault(|maker| maker.this_update = start);
    assert_eq!(
        fault,
        OcspFault::NotYetValid {
            this_update: at(start)
        }
    );
    // A clock may be a little ahead.
    let pki = Pki::new();
    let mut maker = Maker::new(&pki);
    maker.this_update = NOW + Duration::minutes(4);
    check(&pki, Some(&maker.signed(&Signer::issuer(&pki)))).unwrap();
}

#[test]
fn signed_by_a_stranger_in_the_issuers_name() {
    let (pki, other) = (Pki::new(), Pki::new());
    let signer = Signer {
        key: other.intermediate.key(),
        ..Signer::issuer(&pki)
    };
    let rejection = check(&pki, Some(&Maker::new(&pki).signed(&signer))).unwrap_err();
    assert_says(
        &rejection,
        &["signed by nobody who may", "not made by the issuer"],
    );
}

#[test]
fn altered_after_it_was_signed() {
    let pki = Pki::new();
    let mut altered = Maker::new(&pki).signed(&Signer::issuer(&pki));
    let (end, later) = (b"20270607000000Z", b"20280607000000Z");
    let at = altered
        .windows(end.len())
        .position(|bytes| bytes == end)
        .unwrap();
    altered[at..at + end.len()].copy_from_slice(later);
    let rejection = check(&pki, Some(&altered)).unwrap_err();
    assert_says(&rejection, &["not made by the issuer"]);
}

/// A responder to whom `issuer` delegated; each test alters one part of its certificate.
fn delegate(
    issuer: &Ca,
    alter: impl FnOnce(&mut CertificateParams),
) -> (CertificateDer<'static>, KeyPair) {
    let mut params = authority("Responder");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
    params.custom_extensions = vec![no_check(&[5, 0])];
    params.serial_number = Some(SerialNumber::from(0x77_u64));
    alter(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap().der().clone();
    (certificate, key)
}

/// `id-pkix-ocsp-nocheck` (RFC 6960 §4.2.2.2.1): NULL.
fn no_check(value: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], value.to_vec())
}

fn by_delegate(
    pki: &Pki,
    (certificate, key): &(CertificateDer<'static>, KeyPair),
    shown: bool,
) -> Result<(), Rejection> {
    let signer = Signer {
        certificate,
        key,
        shown,
        by_key: true,
    };
    check(pki, Some(&Maker::new(pki).signed(&signer)))
}

#[test]
fn signed_by_a_delegate() {
    let pki = Pki::new();
    by_delegate(&pki, &delegate(&pki.intermediate, |_| {}), true).unwrap();
}

#[test]
fn a_delegate_shows_its_certificate() {
    let pki = Pki::new();
    let rejection = by_delegate(&pki, &delegate(&pki.intermediate, |_| {}), false).unwrap_err();
    assert_says(&rejection, &["shows no certificate"]);
}

#[test]
fn a_delegate_needs_the_usage() {
    let pki = Pki::new();
    let server = delegate(&pki.intermediate, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let rejection = by_delegate(&pki, &server, true).unwrap_err();
    assert_says(&rejection, &["Responder", "OCSPSigning"]);
    let none = delegate(&pki.intermediate, |params| {
        params.extended_key_usages = Vec::new();
    });
    by_delegate(&pki, &none, true).unwrap_err();
}

#[test]
fn a_delegate_of_another_ca() {
    let pki = Pki::new();
    let rejection = by_delegate(&pki, &delegate(&pki.root, |_| {}), true).unwrap_err();
    assert_says(
        &rejection,
        &["was not issued by the issuer of the certificate"],
    );
}

#[test]
fn a_delegate_that_expired() {
    let pki = Pki::new();
    let expired = delegate(&pki.intermediate, |params| {
        params.not_after = NOW - Duration::hours(1);
    });
    let rejection = by_delegate(&pki, &expired, true).unwrap_err();
    assert_says(&rejection, &["Responder, has expired"]);
}

/// RFC 6960 §4.2.2.2.1: nothing says whether the responder is revoked, and it is for our own policy to decide.
#[test]
fn a_delegate_that_could_be_revoked() {
    let pki = Pki::new();
    type Alter = fn(&mut CertificateParams);
    let cases: [(Alter, bool); 4] = [
        (|params| params.custom_extensions = Vec::new(), false),
        // What is there is no NULL.
        (
            |params| params.custom_extensions = vec![no_check(&[1, 1, 0xff])],
            false,
        ),
        (
            |params| {
                params.custom_extensions = Vec::new();
                params.not_before = NOW - Duration::days(3);
                params.not_after = NOW + Duration::days(5);
            },
            false,
        ),
        (
            |params| {
                params.custom_extensions = Vec::new();
                params.not_before = NOW - Duration::days(3);
                params.not_after = NOW + Duration::days(4);
            },
            true,
        ),
    ];
    for (alter, trusted) in cases {
        let outcome = by_delegate(&pki, &delegate(&pki.intermediate, alter), true);
        match outcome {
            Ok(()) => assert!(trusted),
            Err(rejection) => {
                assert!(!trusted, "{rejection}");
                assert_says(&rejection, &["Responder", "id-pkix-ocsp-nocheck"]);
            }
        }
    }
}

#[test]
fn a_delegate_that_a_list_says_is_revoked() {
    let pki = Pki::new();
    for (asked, revoked, trusted) in [
        (true, &[0x77_u64][..], false),
        (true, &[], true),
        // The certificate says that nobody need ask.
        (false, &[0x77], true),
    ] {
        let (certificate, key) = delegate(&pki.intermediate, |params| {
            if asked {
                params.custom_extensions = Vec::new();
            }
        });
        let signer = Signer {
            certificate: &certificate,
            key: &key,
            shown: true,
            by_key: true,
        };
        let response = Maker::new(&pki).signed(&signer);
        let lists = vec![fresh(&pki.intermediate, revoked), fresh(&pki.root, &[])];
        let chain = pki.chain();
        let presented = Presented::by_server(&chain, name(NAME)).with_ocsp(Some(&response));
        let trust = pki.trust().with_revocation_lists(lists);
        match trust.verify(presented, now()) {
            Ok(()) => assert!(trusted),
            Err(rejection) => {
                assert!(!trusted, "{rejection}");
                assert_says(&rejection, &["Responder", "is revoked"]);
            }
        }
    }
}

#[test]
fn an_error_of_the_responders() {
    let response = OcspResponse::try_later().to_der().unwrap();
    let rejection = check(&Pki::new(), Some(&response)).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::Status(OcspFault::Responder("try later"))
    );
}

#[test]
fn noise_is_refused_wherever_it_is() {
    let pki = Pki::new();
    let good = Maker::new(&pki).signed(&Signer::issuer(&pki));
    for at in 0..good.len() {
        check(&pki, Some(&good[..at])).unwrap_err();
        let mut flipped = good.clone();
        flipped[at] ^= 0x11;
        check(&pki, Some(&flipped)).unwrap_err();
    }
}

/// RFC 7633: `SEQUENCE { INTEGER 5 }`.
fn must_staple(leaf: &mut CertificateParams) {
    let features = vec![0x30, 3, 2, 1, 5];
    leaf.custom_extensions = vec![CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 5, 5, 7, 1, 24],
        features,
    )];
}

#[test]
fn a_certificate_that_must_be_stapled() {
    let pki = Pki::with_leaf(must_staple);
    assert_eq!(
        check(&pki, None),
        Err(Rejection::NoStatus {
            certificate: NAME.to_owned(),
            must_staple: true,
        })
    );
    let response = Maker::new(&pki).signed(&Signer::issuer(&pki));
    check(&pki, Some(&response)).unwrap();
}

#[test]
fn a_caller_that_demands_stapling() {
    let pki = Pki::new();
    let chain = pki.chain();
    let presented = Presented::by_server(&chain, name(NAME));
    let rejection = pki
        .trust()
        .require_status()
        .verify(presented, now())
        .unwrap_err();
    assert!(matches!(
        rejection,
        Rejection::NoStatus {
            must_staple: false,
            ..
        }
    ));
}
