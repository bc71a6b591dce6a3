//! Public keys: from certificates, from SubjectPublicKeyInfo, and what they refuse.

#[path = "support/data.rs"]
mod support;

use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};
use proptest::prelude::*;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use support::data;

const NAMES: [&str; 8] = [
    "rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521", "ed25519", "rsa-pss",
];

fn certificate(name: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(&data(&format!("{name}.crt.pem")))
        .unwrap()
        .to_vec()
}

fn private_key(name: &str) -> PrivateKey {
    PrivateKey::from_pem(&data(&format!("{name}.pkcs8.pem"))).unwrap()
}

#[test]
fn a_certificate_and_its_spki_are_the_same_key() {
    for name in NAMES {
        let certificate = certificate(name);
        let key = PublicKey::from_certificate_der(&certificate).unwrap();
        assert_eq!(PublicKey::from_spki_der(key.spki_der()).unwrap(), key);
        // Encoded afresh, and yet as OpenSSL wrote it into the certificate.
        assert!(
            certificate
                .windows(key.spki_der().len())
                .any(|window| window == key.spki_der())
        );
    }
}

#[test]
fn a_key_knows_its_certificate() {
    for name in NAMES {
        let key = PublicKey::from_certificate_der(&certificate(name)).unwrap();
        for other in NAMES {
            assert_eq!(
                key.is_of_certificate_der(&certificate(other)),
                Ok(name == other)
            );
        }
        assert!(key.is_of_certificate_der(b"garbage").is_err());
    }
}

/// How a certificate is signed says nothing about its key; that a key is for RSASSA-PSS alone (RFC 4055
/// §1.2) does.
#[test]
fn rsassa_pss_in_certificates() {
    let signed_with_pss = certificate("rsa2048.pss-signed");
    assert_ne!(signed_with_pss, certificate("rsa2048"));
    let key = PublicKey::from_certificate_der(&signed_with_pss).unwrap();
    assert_eq!(key.kind(), KeyKind::Rsa { bits: 2048 });
    assert_eq!(&key, private_key("rsa2048").public_key());

    let for_pss_alone = certificate("rsa-pss");
    let key = PublicKey::from_certificate_der(&for_pss_alone).unwrap();
    let hash = None;
    assert_eq!(key.kind(), KeyKind::RsaPss { bits: 2048, hash });
    assert_eq!(&key, private_key("rsa-pss").public_key());
    assert_eq!(key.is_of_certificate_der(&for_pss_alone), Ok(true));
    // Encoded afresh, and yet as OpenSSL wrote it into the certificate.
    let spki = key.spki_der();
    assert!(
        for_pss_alone
            .windows(spki.len())
            .any(|window| window == spki)
    );
}

/// The same numbers make another key, which does not pass for the one for PSS alone or the reverse.
#[test]
fn a_key_for_pss_alone_does_nothing_else() {
    use SignatureAlgorithm as A;
    let pss = private_key("rsa-pss");
    let supported = SignatureAlgorithm::ALL
        .into_iter()
        .filter(|algorithm| pss.sign(*algorithm, b"message").is_ok());
    assert_eq!(
        supported.collect::<Vec<_>>(),
        [A::RsaPssPssSha256, A::RsaPssPssSha384, A::RsaPssPssSha512]
    );
    assert!(pss.rsa_decrypt_raw(&[1; 256]).is_err());
    assert!(pss.rsa_implicit_rejection(&[b"context"]).is_err());

    let plain = private_key("rsa2048");
    assert!(plain.sign(A::RsaPssPssSha256, b"message").is_err());
    let signature = plain.sign(A::RsaPssSha256, b"message").unwrap();
    let public = plain.public_key();
    assert!(
        public
            .verify(A::RsaPssPssSha256, b"message", &signature)
            .is_err()
    );
    assert_ne!(pss.public_key(), public);
}

/// A key whose parameters name a hash signs with that one; OpenSSL made it.
#[test]
fn a_key_for_pss_with_one_hash() {
    use SignatureAlgorithm as A;
    let key = private_key("rsa-pss-sha384");
    let hash = Some(keyward_crypto::hash::HashAlgorithm::Sha384);
    let kind = KeyKind::RsaPss { bits: 2048, hash };
    assert_eq!(key.public_key().kind(), kind);
    assert_eq!(kind.to_string(), "RSA-PSS 2048 with Sha384");
    let der = certificate("rsa-pss-sha384");
    assert_eq!(key.public_key().is_of_certificate_der(&der), Ok(true));
    let spki = key.public_key().spki_der();
    assert!(der.windows(spki.len()).any(|window| window == spki));
    assert!(key.sign(A::RsaPssPssSha256, b"message").is_err());
    let signature = key.sign(A::RsaPssPssSha384, b"message").unwrap();
    let public = PublicKey::from_spki_der(spki).unwrap();
    assert!(
        public
            .verify(A::RsaPssPssSha384, b"message", &signature)
            .is_ok()
    );
    assert!(
        public
            .verify(A::RsaPssPssSha384, b"massage", &signature)
            .is_err()
    );
    assert!(
        public
            .verify(A::RsaPssSha384, b"message", &signature)
            .is_err()
    );
}

#[test]
fn different_keys_differ() {
    let keys = NAMES.map(|name| PublicKey::from_certificate_der(&certificate(name)).unwrap());
    for (index, key) in keys.iter().enumerate() {
        for (other_index, other) in keys.iter().enumerate() {
            assert_eq!(key == other, index == other_index);
        }
    }
}

#[test]
fn no_wrong_signature_passes() {
    for name in NAMES {
        let key = private_key(name);
        let public = key.public_key();
        for algorithm in SignatureAlgorithm::ALL
            .into_iter()
            .filter(|algorithm| public.supports(*algorithm))
        {
            let signature = key.sign(algorithm, b"message").unwrap();
            assert!(public.verify(algorithm, b"massage", &signature).is_err());
            assert!(public.verify(algorithm, b"message", &[]).is_err());
            assert!(
                public
                    .verify(algorithm, b"message", &signature[1..])
                    .is_err()
            );
            let mut wrong = signature.clone();
            *wrong.last_mut().unwrap() ^= 1;
            assert!(public.verify(algorithm, b"message", &wrong).is_err());
            for other in SignatureAlgorithm::ALL
                .into_iter()
                .filter(|other| *other != algorithm)
            {
                assert!(
                    public.verify(other, b"message", &signature).is_err(),
                    "{algorithm:?} as {other:?}"
                );
            }
        }
    }
}

/// A fault in an RSA result would factor the modulus, so each is checked with the public key before it leaves
/// (AWS-LC's `rsa_default_private_transform`); what comes out is therefore always the right one.
#[test]
fn pkcs1_signatures_are_deterministic() {
    let key = private_key("rsa2048");
    let sign = |algorithm| key.sign(algorithm, b"message").unwrap();
    assert_eq!(
        sign(SignatureAlgorithm::RsaPkcs1Sha256),
        sign(SignatureAlgorithm::RsaPkcs1Sha256)
    );
    assert_ne!(
        sign(SignatureAlgorithm::RsaPssSha256),
        sign(SignatureAlgorithm::RsaPssSha256)
    );
    assert_eq!(sign(SignatureAlgorithm::RsaPssSha512).len(), 256);
}

#[test]
fn weak_rsa_keys_are_refused() {
    // SubjectPublicKeyInfo with a modulus of 2040 bits: 2^2039 + 1.
    let modulus = [&[0x00, 0x80][..], &[0; 253], &[0x01]].concat();
    let rsa = sequence(
        &[
            &element(0x02, &modulus)[..],
            &[0x02, 0x03, 0x01, 0x00, 0x01],
        ]
        .concat(),
    );
    let algorithm = sequence(&[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]);
    let key = element(0x03, &[&[0][..], &rsa].concat());
    assert!(PublicKey::from_spki_der(&sequence(&[algorithm, key].concat())).is_err());
}

fn sequence(content: &[u8]) -> Vec<u8> {
    element(0x30, content)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    match content.len() {
        0..=0x7f => [&[tag, len[1]], content].concat(),
        0x80..=0xff => [&[tag, 0x81, len[1]], content].concat(),
        _ => [&[tag, 0x82, len[0], len[1]], content].concat(),
    }
}

#[test]
fn truncated_and_extended_inputs_are_refused() {
    for name in NAMES {
        let certificate = certificate(name);
        for len in 0..certificate.len() {
            assert!(PublicKey::from_certificate_der(&certificate[..len]).is_err());
        }
        assert!(PublicKey::from_certificate_der(&[&certificate[..], &[0]].concat()).is_err());

        let key = PublicKey::from_certificate_der(&certificate).unwrap();
        for len in 0..key.spki_der().len() {
            assert!(PublicKey::from_spki_der(&key.spki_der()[..len]).is_err());
        }
        assert!(PublicKey::from_spki_der(&[key.spki_der(), &[0]].concat()).is_err());
    }
}

#[test]
fn a_point_off_its_curve_is_refused() {
    for name in ["p256", "p384", "p521"] {
        let mut spki = PublicKey::from_certificate_der(&certificate(name))
            .unwrap()
            .spki_der()
            .to_vec();
        *spki.last_mut().unwrap() ^= 1;
        assert!(PublicKey::from_spki_der(&spki).is_err(), "{name}");
    }
}

#[test]
fn kinds_are_told_apart() {
    let kinds = NAMES.map(|name| {
        PublicKey::from_certificate_der(&certificate(name))
            .unwrap()
            .kind()
    });
    let expected = [
        KeyKind::Rsa { bits: 2048 },
        KeyKind::Rsa { bits: 3072 },
        KeyKind::Rsa { bits: 4096 },
        KeyKind::EcP256,
        KeyKind::EcP384,
        KeyKind::EcP521,
        KeyKind::Ed25519,
        KeyKind::RsaPss {
            bits: 2048,
            hash: None,
        },
    ];
    assert_eq!(kinds, expected);
}

proptest! {
    /// Whatever the bytes, the walk ends without a panic; if a key is found it encodes to itself.
    #[test]
    fn damaged_certificates_do_no_harm(
        name in prop::sample::select(&NAMES[..]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut certificate = certificate(name);
        for (index, value) in edits {
            *index.get_mut(&mut certificate[..]) = value;
        }
        if let Ok(key) = PublicKey::from_certificate_der(&certificate) {
            prop_assert_eq!(PublicKey::from_spki_der(key.spki_der()).unwrap(), key);
        }
    }
}

/// What OpenSSL wrote into the certificates.
#[test]
fn the_subject_key_identifier_is_the_sha1_of_the_keys_bits() {
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    for (name, expected) in [
        ("rsa2048", "b14f90776477d021c44181c9adefd552435bf01e"),
        ("p256", "2e9aa889ee83c2d1bf39930ab0cc5c3b0f635a00"),
        ("ed25519", "f3e1e720c21fc802a8afae7840f5cae33c459104"),
    ] {
        let key = PublicKey::from_certificate_der(&certificate(name)).unwrap();
        assert_eq!(key.subject_key_identifier()[..], bytes(expected), "{name}");
    }
}
