//! Private keys: every format is read, and every refusal names its cause and what to do.

#[path = "support/data.rs"]
mod support;

use keyward_crypto::private_key::{KeyError, PrivateKey};
use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use support::data;

/// Names in `tests/data` of all keys that can be used, and what they are.
const GOOD: [(&str, KeyKind); 12] = [
    ("rsa2048.pkcs8.pem", KeyKind::Rsa { bits: 2048 }),
    ("rsa2048.pkcs1.pem", KeyKind::Rsa { bits: 2048 }),
    ("rsa3072.pkcs8.pem", KeyKind::Rsa { bits: 3072 }),
    ("rsa4096.pkcs8.pem", KeyKind::Rsa { bits: 4096 }),
    ("p256.pkcs8.pem", KeyKind::EcP256),
    ("p256.sec1.pem", KeyKind::EcP256),
    ("p256.sec1-with-parameters.pem", KeyKind::EcP256),
    ("p384.pkcs8.pem", KeyKind::EcP384),
    ("p384.sec1.pem", KeyKind::EcP384),
    ("p521.pkcs8.pem", KeyKind::EcP521),
    ("p521.sec1.pem", KeyKind::EcP521),
    ("ed25519.pkcs8.pem", KeyKind::Ed25519),
];

fn der(name: &str) -> Vec<u8> {
    PrivateKeyDer::from_pem_slice(&data(name))
        .unwrap()
        .secret_der()
        .to_vec()
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&data(name)).unwrap()
}

#[test]
fn every_format_is_read_and_signs_for_its_certificate() {
    for (name, kind) in GOOD {
        let certificate = certificate(&format!("{}.crt.pem", name.split('.').next().unwrap()));
        let public = PublicKey::from_certificate_der(&certificate).unwrap();
        for key in [
            PrivateKey::from_pem(&data(name)),
            PrivateKey::from_der(&der(name)),
        ] {
            let key = key.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(key.public_key().kind(), kind, "{name}");
            assert_eq!(key.public_key(), &public, "{name}");

            let mut supported = 0;
            for algorithm in SignatureAlgorithm::ALL {
                let signature = key.sign(algorithm, b"message");
                assert_eq!(
                    signature.is_ok(),
                    public.supports(algorithm),
                    "{name}: {algorithm:?}"
                );
                if let Ok(signature) = signature {
                    supported += 1;
                    public.verify(algorithm, b"message", &signature).unwrap();
                }
            }
            assert!(supported > 0);
        }
    }
}

#[test]
fn debug_shows_the_kind_only() {
    let key = PrivateKey::from_pem(&data("rsa2048.pkcs8.pem")).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(RSA 2048)");
}

#[test]
fn certificates_beside_the_key_are_skipped() {
    let pem = [
        data("p256.crt.pem"),
        data("p256.pkcs8.pem"),
        data("rsa2048.crt.pem"),
    ]
    .concat();
    assert!(PrivateKey::from_pem(&pem).is_ok());
}

#[test]
fn windows_line_ends_and_trailing_spaces_do_not_matter() {
    let pem = String::from_utf8(data("p256.pkcs8.pem")).unwrap();
    assert!(PrivateKey::from_pem(pem.replace('\n', "\r\n").as_bytes()).is_ok());
    assert!(PrivateKey::from_pem(pem.replace('\n', " \n").as_bytes()).is_ok());
}

fn error(pem: &[u8]) -> KeyError {
    PrivateKey::from_pem(pem).unwrap_err()
}

#[test]
fn weak_and_overlong_rsa_keys_are_named_by_their_size() {
    assert_eq!(
        error(&data("rsa1024.pkcs1.pem")),
        KeyError::TooWeak { bits: 1024 }
    );
    assert_eq!(
        error(&data("rsa4104.pkcs8.pem")),
        KeyError::TooLong { bits: 4104 }
    );
}

#[test]
fn encrypted_keys_are_called_so() {
    assert_eq!(
        error(&data("rsa2048.encrypted-pkcs8.pem")),
        KeyError::Encrypted
    );
    assert_eq!(
        error(&data("rsa2048.encrypted-pkcs1.pem"))
            .to_string()
            .split("; ")
            .next(),
        Some(
            "the key is encrypted by PEM's old kind, which makes the key with MD5, which is not supported"
        )
    );

    let pem = String::from_utf8(data("rsa2048.encrypted-pkcs8.pem")).unwrap();
    let relabelled = pem.replace("ENCRYPTED PRIVATE KEY", "PRIVATE KEY");
    assert_eq!(error(relabelled.as_bytes()), KeyError::Encrypted);
    assert_eq!(
        PrivateKey::from_der(&der_of(&relabelled)).unwrap_err(),
        KeyError::Encrypted
    );
}

fn der_of(pem: &str) -> Vec<u8> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .secret_der()
        .to_vec()
}

#[test]
fn files_without_a_key_tell_what_they_hold() {
    assert_eq!(error(b""), KeyError::NoPrivateKey { found: vec![] });
    assert_eq!(
        error(b"garbage\n\0\xff"),
        KeyError::NoPrivateKey { found: vec![] }
    );
    assert_eq!(
        error(&der("p256.pkcs8.pem")),
        KeyError::NoPrivateKey { found: vec![] }
    );
    let chain = [data("p256.crt.pem"), data("rsa2048.crt.pem")].concat();
    let found = vec!["CERTIFICATE".to_owned(), "CERTIFICATE".to_owned()];
    assert_eq!(error(&chain), KeyError::NoPrivateKey { found });
}

#[test]
fn a_certificate_is_no_key() {
    let certificate = certificate("p256.crt.pem");
    assert_eq!(
        PrivateKey::from_der(&certificate).unwrap_err(),
        KeyError::Certificate
    );
}

#[test]
fn two_keys_are_one_too_many() {
    let pem = [data("p256.pkcs8.pem"), data("rsa2048.pkcs1.pem")].concat();
    assert_eq!(error(&pem), KeyError::SeveralPrivateKeys { count: 2 });
}

#[test]
fn keys_for_other_things_are_named() {
    let cases = [
        ("ed448.pkcs8.pem", "Ed448"),
        (
            "rsa-pss-salt.pkcs8.pem",
            "RSASSA-PSS with parameters that no scheme of TLS has: one hash of SHA-256, SHA-384 and \
             SHA-512 in both places, and a salt as long as its digest",
        ),
        ("secp256k1.pkcs8.pem", "ECDSA on the curve OID 1.3.132.0.10"),
        ("secp256k1.sec1.pem", "ECDSA on the curve OID 1.3.132.0.10"),
        ("p256.explicit.pem", "ECDSA on an unnamed curve"),
        ("x25519.pkcs8.pem", "OID 1.3.101.110"),
        ("dsa.pkcs8.pem", "OID 1.2.840.10040.4.1"),
    ];
    for (name, algorithm) in cases {
        let algorithm = algorithm.to_owned();
        assert_eq!(
            error(&data(name)),
            KeyError::UnsupportedAlgorithm { algorithm },
            "{name}"
        );
    }
    let traditional = String::from_utf8(data("dsa.pkcs8.pem"))
        .unwrap()
        .replace("PRIVATE KEY", "DSA PRIVATE KEY");
    assert_eq!(
        error(traditional.as_bytes()),
        KeyError::UnsupportedAlgorithm {
            algorithm: "DSA".to_owned()
        }
    );
    assert_eq!(error(&data("openssh.pem")), KeyError::OpenSsh);
}

#[test]
fn broken_pem_tells_what_is_broken() {
    let pem = String::from_utf8(data("p256.pkcs8.pem")).unwrap();
    let cases = [
        (
            pem.replace("-----END PRIVATE KEY-----\n", ""),
            "`-----END PRIVATE KEY-----` is missing",
        ),
        (
            pem.replace("BEGIN PRIVATE KEY-----", "BEGIN PRIVATE KEY---"),
            "cut short",
        ),
        (pem.replacen("MIG", "M*G", 1), "Base64"),
    ];
    for (pem, cause) in cases {
        match error(pem.as_bytes()) {
            KeyError::Pem(message) => assert!(message.contains(cause), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn garbage_in_good_pem_is_malformed() {
    let pem = |base64: &str| {
        format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
    };
    assert_eq!(error(pem("").as_bytes()), KeyError::Malformed);
    assert_eq!(error(pem("AAAA").as_bytes()), KeyError::Malformed);
    assert_eq!(error(pem("MAA=").as_bytes()), KeyError::Malformed);
}

#[test]
fn every_truncation_is_refused() {
    for (name, _) in GOOD {
        let der = der(name);
        for len in 0..der.len() {
            assert!(
                PrivateKey::from_der(&der[..len]).is_err(),
                "{name}: {len} bytes"
            );
        }
        assert!(
            PrivateKey::from_der(&[&der[..], &[0]].concat()).is_err(),
            "{name}: a byte too many"
        );
    }
}

/// A number that does not fit the others would make signatures that give the key away (Boneh, DeMillo, Lipton).
#[test]
fn no_wrong_number_in_an_rsa_key_is_believed() {
    let der = der("rsa2048.pkcs1.pem");
    for index in (8..der.len()).step_by(13) {
        for bit in [0x01, 0x80] {
            let mut wrong = der.clone();
            wrong[index] ^= bit;
            assert!(PrivateKey::from_der(&wrong).is_err(), "byte {index}");
        }
    }
}

#[test]
fn an_ec_key_of_another_public_key_is_malformed() {
    for name in [
        "p256.sec1.pem",
        "p384.sec1.pem",
        "p521.sec1.pem",
        "p256.pkcs8.pem",
    ] {
        let der = der(name);
        let mut wrong = der.clone();
        // The last bytes are the public point's.
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!(
            PrivateKey::from_der(&wrong).unwrap_err(),
            KeyError::Malformed,
            "{name}"
        );
    }
}

/// RFC 5915 §3: the parameters may be left out; the scalar's length tells the curve.
#[test]
fn a_sec1_key_without_curve_is_read_by_its_length() {
    // ECPrivateKey ::= SEQUENCE { version 1, privateKey OCTET STRING }
    for (len, kind) in [
        (32, KeyKind::EcP256),
        (48, KeyKind::EcP384),
        (66, KeyKind::EcP521),
    ] {
        let mut scalar = vec![0; len];
        scalar[len - 1] = 7;
        let inner = [
            &[0x02, 0x01, 0x01, 0x04, u8::try_from(len).unwrap()][..],
            &scalar,
        ]
        .concat();
        let der = [&[0x30, u8::try_from(inner.len()).unwrap()][..], &inner].concat();
        assert_eq!(
            PrivateKey::from_der(&der).unwrap().public_key().kind(),
            kind
        );
    }
    // Zero is no scalar.
    let zero = [&[0x30, 37, 0x02, 0x01, 0x01, 0x04, 32][..], &[0; 32]].concat();
    assert_eq!(
        PrivateKey::from_der(&zero).unwrap_err(),
        KeyError::Malformed
    );
    let odd = [0x30, 6, 0x02, 0x01, 0x01, 0x04, 1, 7];
    assert!(
        PrivateKey::from_der(&odd)
            .unwrap_err()
            .to_string()
            .contains("unnamed curve")
    );
}

#[test]
fn every_error_tells_what_to_do() {
    let errors = [
        KeyError::Pem("cause".to_owned()),
        KeyError::NoPrivateKey { found: vec![] },
        KeyError::NoPrivateKey {
            found: vec!["CERTIFICATE".to_owned()],
        },
        KeyError::SeveralPrivateKeys { count: 2 },
        KeyError::Encrypted,
        KeyError::Passphrase,
        KeyError::Encryption {
            scheme: "OID 1.2".to_owned(),
        },
        KeyError::TooCostly("more than there is".to_owned()),
        KeyError::Exponent,
        KeyError::OpenSsh,
        KeyError::TooWeak { bits: 1024 },
        KeyError::TooLong { bits: 8192 },
        KeyError::UnsupportedAlgorithm {
            algorithm: "DSA".to_owned(),
        },
        KeyError::Certificate,
        KeyError::Malformed,
    ];
    for error in errors {
        let message = error.to_string();
        let (_cause, remedy) = message.split_once([';', '(']).expect("cause; remedy");
        let verbs = [
            "write", "convert", "name", "put", "decrypt", "make", "use", "check", "encrypt",
        ];
        assert!(
            verbs
                .iter()
                .any(|verb| remedy.trim_start().starts_with(verb)),
            "{message}"
        );
    }
}

#[test]
fn a_digest_is_signed_as_its_message_is() {
    for (name, kind) in GOOD {
        let key = PrivateKey::from_pem(&data(name)).unwrap();
        for algorithm in SignatureAlgorithm::ALL {
            let Some(hash) = algorithm.hash() else {
                assert!(key.sign_digest(algorithm, &[7; 32]).is_err());
                continue;
            };
            let digest = hash.digest(b"message");
            let signature = key.sign_digest(algorithm, &digest);
            assert_eq!(
                signature.is_ok(),
                kind.supports(algorithm),
                "{name}: {algorithm:?}"
            );
            if let Ok(signature) = signature {
                let public = key.public_key();
                public.verify(algorithm, b"message", &signature).unwrap();
                assert!(key.sign_digest(algorithm, &digest[1..]).is_err());
            }
        }
    }
}
