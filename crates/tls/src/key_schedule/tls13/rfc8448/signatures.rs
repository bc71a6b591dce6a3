//! The CertificateVerify of a trace. Its RSA keys have 1024 bits, which is less than we take of anybody: for them the
//! definition of RSASSA-PSS is spelled out here.

use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_wire::handshake::CertificateVerify;
use keyward_wire::values::SignatureScheme;
use num_bigint::BigUint;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key;

pub(super) fn assert_verifies(certificate: &[u8], verify: &CertificateVerify, content: &[u8]) {
    if verify.scheme == SignatureScheme::RSA_PSS_RSAE_SHA256 {
        assert!(PublicKey::from_certificate_der(certificate).is_err());
        return assert_is_pss_sha256(certificate, &verify.signature, content);
    }
    let key = PublicKey::from_certificate_der(certificate).unwrap();
    let algorithm = SignatureAlgorithm::from_code(verify.scheme.0).unwrap();
    key.verify(algorithm, content, &verify.signature).unwrap();
}

/// RFC 8017 §8.1.2 and §9.1.2, with SHA-256, MGF1 with SHA-256 and a salt as long as the hash.
fn assert_is_pss_sha256(certificate: &[u8], signature: &[u8], content: &[u8]) {
    const HASH_LEN: usize = 32;
    let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
    let public_key::PublicKey::RSA(key) = certificate.public_key().parsed().unwrap() else {
        panic!("an RSA key");
    };
    let modulus = BigUint::from_bytes_be(key.modulus);
    let exponent = BigUint::from_bytes_be(key.exponent);
    assert_eq!(modulus.bits(), 1024);
    let number = BigUint::from_bytes_be(signature).modpow(&exponent, &modulus);
    let mut encoded = [0; 128];
    let bytes = number.to_bytes_be();
    encoded[128 - bytes.len()..].copy_from_slice(&bytes);

    // "Let maskedDB be the leftmost emLen - hLen - 1 octets of EM, and let H be the next hLen octets."
    let (masked, rest) = encoded.split_at(128 - HASH_LEN - 1);
    let (hash, trailer) = rest.split_at(HASH_LEN);
    assert_eq!(trailer, [0xbc]);
    let mask = (0_u32..).flat_map(|counter| {
        Sha256
            .digest(&[hash, &counter.to_be_bytes()].concat())
            .to_vec()
    });
    let mut block: Vec<u8> = masked.iter().zip(mask).map(|(a, b)| a ^ b).collect();
    block[0] &= 0x7f;
    let (padding, salt) = block.split_at(block.len() - HASH_LEN);
    let (one, zeros) = padding.split_last().unwrap();
    assert!(*one == 1 && zeros.iter().all(|byte| *byte == 0));
    let message = [&[0; 8][..], &Sha256.digest(content), salt].concat();
    assert_eq!(*Sha256.digest(&message), *hash);
}
