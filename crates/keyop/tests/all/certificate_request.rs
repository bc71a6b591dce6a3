//! Every check of `CertificateRequest`, broken once.

use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{
    CertificateRequest, CheckError, MAX_CERTIFICATE_NAMES, Names, Operation, OperationResult,
    pkcs10,
};
use keyward_wire::values::SignatureScheme;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use crate::support::identity::{Identity, ed25519, p256, p384, rsa};
use crate::support::{Allowed, check};

const ECDSA: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;

pub(crate) fn request(identity: &Identity, scheme: SignatureScheme, names: &[&str]) -> Operation {
    Operation::CertificateRequest(CertificateRequest {
        key: identity.id(),
        scheme,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    })
}

fn error(identity: &Identity, scheme: SignatureScheme, names: &[&str]) -> CheckError {
    let rules = Allowed::default().rules(identity);
    let error = check(&request(identity, scheme, names), &rules).unwrap_err();
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn names_are_dns_names() {
    for name in [
        "Shop.example",
        "127.0.0.1",
        "shop.example.",
        "*",
        "*.",
        "*.*.example",
        "www.*.example",
        "shop..example",
        "shop example",
        "sh\u{f6}p.example",
        "\u{3}\u{0}\u{1d}",
        &"a".repeat(64),
    ] {
        assert_eq!(
            error(p256(), ECDSA, &["shop.example", name]),
            CheckError::NameNotDns,
            "{name}"
        );
    }
}

#[test]
fn there_is_a_name_and_not_too_many() {
    assert_eq!(
        error(p256(), ECDSA, &[]),
        CheckError::NumberOfNames { found: 0 }
    );
    let found = MAX_CERTIFICATE_NAMES + 1;
    let names = vec!["shop.example"; found];
    assert_eq!(
        error(p256(), ECDSA, &names),
        CheckError::NumberOfNames { found }
    );
    let rules = Allowed::default().rules(p256());
    assert_eq!(check(&request(p256(), ECDSA, &names[1..]), &rules), Ok(()));
}

#[test]
fn the_scheme_is_one_of_x509_and_of_the_key() {
    for scheme in [
        SignatureScheme::RSA_PKCS1_SHA1,
        SignatureScheme::ECDSA_SHA1,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
    ] {
        assert_eq!(
            error(rsa(), scheme, &["shop.example"]),
            CheckError::SchemeNotAllowed(scheme)
        );
    }
    assert_eq!(
        error(rsa(), ECDSA, &["shop.example"]),
        CheckError::SchemeKeyMismatch(ECDSA)
    );
    let verifying_only = Allowed {
        rsa_signing: false,
        ..Allowed::default()
    };
    let operation = request(rsa(), SignatureScheme::RSA_PKCS1_SHA256, &["shop.example"]);
    assert_eq!(
        check(&operation, &verifying_only.rules(rsa())),
        Err(CheckError::SigningDisabled)
    );
}

/// A client needs a certificate as well.
#[test]
fn keys_of_both_roles_ask_for_certificates() {
    for client in [false, true] {
        let allowed = Allowed {
            client,
            ..Allowed::default()
        };
        let operation = request(p256(), ECDSA, &["shop.example"]);
        assert_eq!(check(&operation, &allowed.rules(p256())), Ok(()));
    }
}

/// What comes out, an independent parser reads as a request for these names by this key, signed by it.
#[test]
fn the_request_is_pkcs10() {
    let cases = [
        (
            p256(),
            ECDSA,
            SignatureAlgorithm::EcdsaSha256,
            "1.2.840.10045.4.3.2",
        ),
        (
            p384(),
            SignatureScheme::ECDSA_SECP384R1_SHA384,
            SignatureAlgorithm::EcdsaSha384,
            "1.2.840.10045.4.3.3",
        ),
        (
            rsa(),
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureAlgorithm::RsaPkcs1Sha256,
            "1.2.840.113549.1.1.11",
        ),
        (
            ed25519(),
            SignatureScheme::ED25519,
            SignatureAlgorithm::Ed25519,
            "1.3.101.112",
        ),
    ];
    let names = ["shop.example", "*.shop.example"];
    // Lengths of one, two and three bytes.
    let many: Vec<String> = (0..100)
        .map(|i| format!("host{i}.{}.example", "a".repeat(60)))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (identity, scheme, algorithm, oid) in cases {
        for names in [&names[..], &many] {
            let operation = request(identity, scheme, names);
            let rules = Allowed::default().rules(identity);
            let checked = operation.check(&rules).unwrap();
            let owned: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(checked.names(), &Names::Each(owned.clone()));
            let OperationResult::Signature(signature) = checked.perform(&identity.key).unwrap()
            else {
                panic!("no signature");
            };

            let public_key = identity.key.public_key();
            let info = pkcs10::request_info(public_key, &owned);
            public_key.verify(algorithm, &info, &signature).unwrap();
            let der = pkcs10::request(&info, scheme, &signature).unwrap();
            let (rest, parsed) = X509CertificationRequest::from_der(&der).unwrap();
            assert!(rest.is_empty());
            let parsed_info = &parsed.certification_request_info;
            assert_eq!(parsed_info.raw, info);
            assert_eq!(parsed_info.subject_pki.raw, public_key.spki_der());
            assert_eq!(parsed.signature_algorithm.algorithm.to_id_string(), oid);
            assert_eq!(parsed.signature_value.data.as_ref(), signature);
            let extensions: Vec<_> = parsed.requested_extensions().unwrap().collect();
            let [ParsedExtension::SubjectAlternativeName(found)] = extensions[..] else {
                panic!("{extensions:?}");
            };
            let found: Vec<_> = found
                .general_names
                .iter()
                .map(|name| match name {
                    GeneralName::DNSName(name) => *name,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(found, names);
        }
    }
}
