//! What is issued verifies, says what it is for, and survives its files.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use keyward_pki::{Authority, KeyAlgorithm, PkiError, Request, Usage, init};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

fn verify(
    ca: &CertificateDer<'_>,
    leaf: &CertificateDer<'_>,
    usage: KeyUsage,
    at: UnixTime,
) -> Result<(), webpki::Error> {
    EndEntityCert::try_from(leaf)?
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[anchor_from_trusted_cert(ca)?],
            &[],
            at,
            usage,
            None,
            None,
        )
        .map(|_| ())
}

#[test]
fn every_algorithm_verifies_and_loads_in_rustls() {
    let authority = Authority::new("Test CA").unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    for algorithm in KeyAlgorithm::ALL {
        let issued = authority
            .issue_server(&["shop.example", "127.0.0.1"], algorithm)
            .unwrap();
        let leaf = &issued.chain_der[0];
        verify(
            authority.ca_der(),
            leaf,
            KeyUsage::server_auth(),
            UnixTime::now(),
        )
        .unwrap();
        let parsed = EndEntityCert::try_from(leaf).unwrap();
        for name in ["shop.example", "127.0.0.1"] {
            let name = ServerName::try_from(name).unwrap();
            parsed.verify_is_valid_for_subject_name(&name).unwrap();
        }
        rustls::ServerConfig::builder_with_provider(provider.clone().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(issued.chain_der.clone(), issued.key_der.clone_key())
            .unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        assert!(issued.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
        let from_pem = CertificateDer::from_pem_slice(issued.chain_pem.as_bytes()).unwrap();
        assert_eq!(&from_pem, leaf);
    }
}

#[test]
fn usages_are_kept_apart() {
    let authority = Authority::new("Test CA").unwrap();
    let server = authority
        .issue_server(&["a.example"], KeyAlgorithm::P384)
        .unwrap();
    let client = authority.issue_client("edge-1.example").unwrap();
    let now = UnixTime::now();
    let ca = authority.ca_der();
    verify(ca, &client.chain_der[0], KeyUsage::client_auth(), now).unwrap();
    verify(ca, &client.chain_der[0], KeyUsage::server_auth(), now).unwrap_err();
    verify(ca, &server.chain_der[0], KeyUsage::client_auth(), now).unwrap_err();

    let other = Authority::new("Test CA").unwrap();
    verify(
        other.ca_der(),
        &server.chain_der[0],
        KeyUsage::server_auth(),
        now,
    )
    .unwrap_err();
}

#[test]
fn key_identifiers_and_key_usage_are_there() {
    let authority = Authority::new("Test CA").unwrap();
    let (_, ca) = X509Certificate::from_der(authority.ca_der()).unwrap();
    let ca_id = subject_key_id(&ca).expect("a CA's subject key identifier");

    for (algorithm, encipherment) in [(KeyAlgorithm::Rsa2048, true), (KeyAlgorithm::P256, false)] {
        let issued = authority.issue_server(&["a.example"], algorithm).unwrap();
        let (_, leaf) = X509Certificate::from_der(&issued.chain_der[0]).unwrap();
        assert!(subject_key_id(&leaf).is_some());
        let authority_id =
            leaf.extensions()
                .iter()
                .find_map(|extension| match extension.parsed_extension() {
                    ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref(),
                    _ => None,
                });
        assert_eq!(authority_id.expect("authority key identifier").0, ca_id);
        let usage = leaf.key_usage().unwrap().expect("key usage").value;
        assert!(usage.digital_signature());
        assert_eq!(usage.key_encipherment(), encipherment);
        assert!(!leaf.is_ca());
    }
}

fn subject_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
            _ => None,
        })
}

#[test]
fn validity_starts_an_hour_ago_and_ends() {
    let authority = Authority::new("Test CA").unwrap();
    let mut request = Request::new(&["a.example"], KeyAlgorithm::P256, Usage::Server);
    request.days = 2;
    let issued = authority.issue(&request).unwrap();
    let now = UnixTime::now().as_secs();
    let at = |seconds| {
        verify(
            authority.ca_der(),
            &issued.chain_der[0],
            KeyUsage::server_auth(),
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        )
    };
    at(now - 3000).unwrap();
    at(now + 2 * 86_400 - 60).unwrap();
    at(now - 2 * 3600).unwrap_err();
    at(now + 3 * 86_400).unwrap_err();
}

#[test]
fn init_writes_once_and_loads() {
    let dir = tempfile::tempdir().unwrap();
    let pki = dir.path().join("deep/pki");
    let written = init(&pki).unwrap();
    assert_eq!(written.len(), 6);
    for path in &written {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let private = path.extension().unwrap() == "key";
        assert_eq!(mode & 0o077 == 0, private, "{}", path.display());
    }
    assert_eq!(std::fs::read_dir(&pki).unwrap().count(), 6);

    let authority = Authority::load(&pki).unwrap();
    let edge = CertificateDer::from_pem_file(pki.join("edge.pem")).unwrap();
    verify(
        authority.ca_der(),
        &edge,
        KeyUsage::client_auth(),
        UnixTime::now(),
    )
    .unwrap();
    // What the loaded authority issues verifies against the same root.
    let more = authority.issue_client("edge-2").unwrap();
    verify(
        authority.ca_der(),
        &more.chain_der[0],
        KeyUsage::client_auth(),
        UnixTime::now(),
    )
    .unwrap();

    assert!(matches!(init(&pki), Err(PkiError::Exists(_))));
}

#[test]
fn a_ca_with_the_wrong_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path()).unwrap();
    std::fs::copy(dir.path().join("edge.key"), dir.path().join("ca.key")).unwrap();
    let Err(error) = Authority::load(dir.path()) else {
        panic!("loaded");
    };
    assert!(error.to_string().contains("not the key"), "{error}");

    std::fs::copy(dir.path().join("edge.pem"), dir.path().join("ca.pem")).unwrap();
    let Err(error) = Authority::load(dir.path()) else {
        panic!("loaded");
    };
    assert!(error.to_string().contains("keyCertSign"), "{error}");
}

#[test]
fn bad_names_are_named() {
    let authority = Authority::new("Test CA").unwrap();
    for name in ["", "a b.example", "*.", "a.*.example", "ünicode.example"] {
        let Err(error) = authority.issue_server(&[name], KeyAlgorithm::P256) else {
            panic!("{name:?} was accepted");
        };
        assert!(
            matches!(&error, PkiError::InvalidName(n) if n == name),
            "{error}"
        );
    }
    let none: [&str; 0] = [];
    assert!(matches!(
        authority.issue_server(&none, KeyAlgorithm::P256),
        Err(PkiError::NoNames)
    ));
    authority
        .issue_server(&["*.shop.example", "::1"], KeyAlgorithm::P256)
        .unwrap();
}

#[test]
fn algorithm_names_are_forgiving() {
    for (text, algorithm) in [
        ("P-256", KeyAlgorithm::P256),
        ("rsa-2048", KeyAlgorithm::Rsa2048),
        ("RSA4096", KeyAlgorithm::Rsa4096),
        ("ed25519", KeyAlgorithm::Ed25519),
        ("ML-DSA-65", KeyAlgorithm::MlDsa65),
    ] {
        assert_eq!(text.parse::<KeyAlgorithm>().unwrap(), algorithm);
    }
    let error = "dsa".parse::<KeyAlgorithm>().unwrap_err();
    assert!(error.to_string().contains("p384"), "{error}");
}
