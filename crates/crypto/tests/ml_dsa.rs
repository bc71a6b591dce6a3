//! ML-DSA keys and signatures (FIPS 204), in the three sizes.

use aws_lc_rs::signature::{
    ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm,
};
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};

const SIZES: [(&PqdsaSigningAlgorithm, KeyKind, SignatureAlgorithm, usize); 3] = [
    (
        &ML_DSA_44_SIGNING,
        KeyKind::MlDsa44,
        SignatureAlgorithm::MlDsa44,
        2420,
    ),
    (
        &ML_DSA_65_SIGNING,
        KeyKind::MlDsa65,
        SignatureAlgorithm::MlDsa65,
        3309,
    ),
    (
        &ML_DSA_87_SIGNING,
        KeyKind::MlDsa87,
        SignatureAlgorithm::MlDsa87,
        4627,
    ),
];

/// PKCS#8 with the seed alone (RFC 9881 §6), put together by hand.
fn seed_pkcs8(kind: KeyKind, seed: [u8; 32]) -> Vec<u8> {
    let last = match kind {
        KeyKind::MlDsa44 => 17,
        KeyKind::MlDsa65 => 18,
        _ => 19,
    };
    let algorithm = [
        &[0x30, 11, 0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3][..],
        &[last],
    ]
    .concat();
    // MLDSA-PrivateKey ::= CHOICE { seed [0] OCTET STRING (SIZE (32)), ... }
    let key = [&[0x04, 34, 0x80, 32][..], &seed].concat();
    let content = [&[0x02, 1, 0][..], &algorithm, &key].concat();
    [&[0x30, u8::try_from(content.len()).unwrap()][..], &content].concat()
}

#[test]
fn a_seed_is_a_key_that_signs() {
    for (_, kind, algorithm, len) in SIZES {
        let key = PrivateKey::from_der(&seed_pkcs8(kind, [7; 32])).unwrap();
        assert_eq!(key.public_key().kind(), kind);
        let signature = key.sign(algorithm, b"message").unwrap();
        assert_eq!(signature.len(), len);
        let public = PublicKey::from_spki_der(key.public_key().spki_der()).unwrap();
        assert_eq!(&public, key.public_key());
        public.verify(algorithm, b"message", &signature).unwrap();
        assert!(public.verify(algorithm, b"massage", &signature).is_err());
        for at in [0, len / 2, len - 1] {
            let mut wrong = signature.clone();
            wrong[at] ^= 1;
            assert!(public.verify(algorithm, b"message", &wrong).is_err());
        }
        assert!(
            public
                .verify(algorithm, b"message", &signature[1..])
                .is_err()
        );
        assert_eq!(format!("{key:?}"), format!("PrivateKey({kind})"));
    }
}

#[test]
fn a_seed_is_always_the_same_key() {
    for (_, kind, ..) in SIZES {
        let public = |seed| {
            let key = PrivateKey::from_der(&seed_pkcs8(kind, seed)).unwrap();
            key.public_key().spki_der().to_vec()
        };
        assert_eq!(public([7; 32]), public([7; 32]));
        assert_ne!(public([7; 32]), public([8; 32]));
    }
}

#[test]
fn the_expanded_form_reads_as_well() {
    for (generator, kind, algorithm, _) in SIZES {
        let generated = PqdsaKeyPair::generate(generator).unwrap();
        let key = PrivateKey::from_der(generated.to_pkcs8v1().unwrap().as_ref()).unwrap();
        assert_eq!(key.public_key().kind(), kind);
        let signature = key.sign(algorithm, b"message").unwrap();
        key.public_key()
            .verify(algorithm, b"message", &signature)
            .unwrap();
    }
}

#[test]
fn a_key_signs_by_its_own_algorithm_alone() {
    for (_, kind, own, _) in SIZES {
        let key = PrivateKey::from_der(&seed_pkcs8(kind, [7; 32])).unwrap();
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(key.sign(algorithm, b"message").is_ok(), algorithm == own);
            assert_eq!(kind.supports(algorithm), algorithm == own);
        }
        assert!(key.rsa_decrypt_raw(&[0; 256]).is_err());
    }
}

#[test]
fn a_damaged_key_is_refused() {
    for (_, kind, ..) in SIZES {
        let good = seed_pkcs8(kind, [7; 32]);
        for len in 0..good.len() {
            assert!(PrivateKey::from_der(&good[..len]).is_err());
        }
        let public = PrivateKey::from_der(&good).unwrap();
        let spki = public.public_key().spki_der();
        assert!(PublicKey::from_spki_der(&spki[..spki.len() - 1]).is_err());
        // A key of one size under the name of another.
        let mut renamed = spki.to_vec();
        let at = renamed.windows(2).position(|pair| pair == [4, 3]).unwrap() + 2;
        renamed[at] = if renamed[at] == 19 {
            17
        } else {
            renamed[at] + 1
        };
        assert!(PublicKey::from_spki_der(&renamed).is_err());
    }
}
