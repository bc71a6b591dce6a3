use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};

use super::{KeyKind, SignatureAlgorithm};
use crate::CryptoError;
use crate::der::{self, AlgorithmIdentifier, Walk, oid, tag};
use crate::hash::{Digest, HashAlgorithm};
use crate::raw;
use crate::rsa_pss;

/// The public key of a certificate, parsed and validated once. Clones share it.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    spki: Vec<u8>,
    spki_sha256: Digest,
    kind: KeyKind,
    /// One for each algorithm that the key supports: AWS-LC binds the algorithm when it parses.
    verifiers: Vec<(SignatureAlgorithm, ParsedPublicKey)>,
}

impl PublicKey {
    /// The key of an X.509 SubjectPublicKeyInfo, DER: RSA of 2048 to 8192 bits, for RSASSA-PSS alone or not, P-256, P-384, P-521, Ed25519
    /// or ML-DSA.
    ///
    /// # Errors
    ///
    /// The input is not one whole SubjectPublicKeyInfo, its key is of another kind or size, or the numbers in it are no
    /// valid key (a point off its curve).
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, CryptoError> {
        let kind = kind(spki).ok_or(CryptoError::new("public key parsing"))?;
        // AWS-LC gets the numbers as those of any RSA key; that it signs with PSS alone is in its kind.
        let for_pss = match kind {
            KeyKind::RsaPss { hash, .. } => Some((
                rsa_pss::Parameters(hash),
                rsa_pss::as_rsa_encryption(spki).ok_or(CryptoError::new("public key parsing"))?,
            )),
            _ => None,
        };
        let spki = for_pss.as_ref().map_or(spki, |(_, spki)| spki);
        let verifiers = SignatureAlgorithm::ALL
            .into_iter()
            .filter(|algorithm| kind.supports(*algorithm))
            .map(|algorithm| {
                Some((
                    algorithm,
                    ParsedPublicKey::new(verifier(kind, algorithm)?, spki).ok()?,
                ))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or(CryptoError::new("public key parsing"))?;
        let spki = verifiers
            .first()
            .and_then(|(_, key)| key.as_der().ok())
            .and_then(|der| match &for_pss {
                Some((parameters, _)) => parameters.spki(der.as_ref()),
                None => Some(der.as_ref().to_vec()),
            })
            .ok_or(CryptoError::new("public key encoding"))?;
        Ok(Self(Arc::new(Inner {
            spki_sha256: HashAlgorithm::Sha256.digest(&spki),
            spki,
            kind,
            verifiers,
        })))
    }

    /// The key of an X.509 certificate, DER. Nothing else in the certificate is checked.
    ///
    /// # Errors
    ///
    /// The input is no certificate, or its key is not one for [`from_spki_der`](Self::from_spki_der).
    pub fn from_certificate_der(certificate: &[u8]) -> Result<Self, CryptoError> {
        let spki =
            der::certificate_spki(certificate).ok_or(CryptoError::new("certificate parsing"))?;
        Self::from_spki_der(spki)
    }

    /// Whether this is the key of an X.509 certificate, DER; nothing else in the certificate is checked. The usual
    /// spelling of a key costs a comparison, any other one is parsed.
    ///
    /// # Errors
    ///
    /// As [`from_certificate_der`](Self::from_certificate_der).
    pub fn is_of_certificate_der(&self, certificate: &[u8]) -> Result<bool, CryptoError> {
        let spki =
            der::certificate_spki(certificate).ok_or(CryptoError::new("certificate parsing"))?;
        Ok(spki == self.spki_der() || Self::from_spki_der(spki)? == *self)
    }

    /// The SubjectPublicKeyInfo, DER, encoded afresh: equal for equal keys, however the input spelled them.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// The SHA-256 hash of [`spki_der`](Self::spki_der), by which keys are named.
    pub fn spki_sha256(&self) -> &Digest {
        &self.0.spki_sha256
    }

    /// The key's name in certificates by the first method of RFC 5280 §4.2.1.2: "the 160-bit SHA-1 hash of the value of the
    /// BIT STRING subjectPublicKey (excluding the tag, length, and number of unused bits)". A name, and nothing that
    /// security rests on.
    pub fn subject_key_identifier(&self) -> [u8; 20] {
        let bits = Walk::sequence(self.spki_der()).and_then(|mut walk| {
            walk.expect(tag::SEQUENCE)?;
            walk.expect(tag::BIT_STRING)?.content.get(1..)
        });
        let mut identifier = [0; 20];
        identifier.copy_from_slice(
            &HashAlgorithm::Sha1.digest(bits.expect("the encoding is a SubjectPublicKeyInfo")),
        );
        identifier
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.0.kind
    }

    /// The modulus of an RSA key that encrypts, big-endian, as long as a ciphertext. `None` for other keys.
    pub fn rsa_modulus(&self) -> Option<&[u8]> {
        if !matches!(self.0.kind, KeyKind::Rsa { .. }) {
            return None;
        }
        let mut walk = Walk::sequence(self.spki_der())?;
        walk.expect(tag::SEQUENCE)?;
        let (_, key) = walk.expect(tag::BIT_STRING)?.content.split_first()?;
        let modulus = Walk::sequence(key)?.expect(tag::INTEGER)?.content;
        // DER puts a zero in front of a number whose first bit is set.
        Some(modulus.strip_prefix(&[0]).unwrap_or(modulus))
    }

    /// Whether an RSA ciphertext is as long as the modulus and its number below it. Everybody can tell.
    pub fn is_rsa_ciphertext(&self, ciphertext: &[u8]) -> bool {
        self.rsa_modulus()
            .is_some_and(|modulus| ciphertext.len() == modulus.len() && ciphertext < modulus)
    }

    /// Checks that `block`, as long as the modulus, is what the private key makes of `ciphertext` without unpadding. What a
    /// device or a service has decrypted is checked so: a fault would give the key away.
    ///
    /// # Errors
    ///
    /// It is not, or this is no RSA key.
    pub fn verify_rsa_decryption(
        &self,
        ciphertext: &[u8],
        block: &[u8],
    ) -> Result<(), CryptoError> {
        let encrypted = raw::rsa_public_transform(self.spki_der(), block)?;
        if encrypted == ciphertext {
            Ok(())
        } else {
            Err(CryptoError::new("RSA decryption"))
        }
    }

    /// Whether the key can check signatures of this algorithm.
    pub fn supports(&self, algorithm: SignatureAlgorithm) -> bool {
        self.0.kind.supports(algorithm)
    }

    /// Checks that `signature` is this key's over `message`. ECDSA signatures are DER.
    ///
    /// # Errors
    ///
    /// It is not, or the key does not support `algorithm`.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        const ERROR: CryptoError = CryptoError::new("signature verification");
        let (_, key) = self
            .0
            .verifiers
            .iter()
            .find(|(supported, _)| *supported == algorithm)
            .ok_or(ERROR)?;
        key.verify_sig(message, signature).map_err(|_| ERROR)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.0.kind).finish()
    }
}

/// What kind of key a SubjectPublicKeyInfo claims to hold; AWS-LC then parses it as exactly that.
fn kind(spki: &[u8]) -> Option<KeyKind> {
    // SubjectPublicKeyInfo  ::=  SEQUENCE  { algorithm, subjectPublicKey BIT STRING } (RFC 5280 §4.1)
    let mut walk = Walk::sequence(spki)?;
    let AlgorithmIdentifier { algorithm, curve } = AlgorithmIdentifier::read(&mut walk)?;
    let (unused_bits, key) = walk.expect(tag::BIT_STRING)?.content.split_first()?;
    if !walk.is_at_end() || *unused_bits != 0 {
        return None;
    }
    match (algorithm, curve) {
        (oid::RSA_ENCRYPTION, None) => rsa_bits(key).map(|bits| KeyKind::Rsa { bits }),
        (oid::RSASSA_PSS, None) => {
            let identifier = Walk::sequence(spki)?.expect(tag::SEQUENCE)?.content;
            let rsa_pss::Parameters(hash) = rsa_pss::Parameters::read(identifier)?;
            rsa_bits(key).map(|bits| KeyKind::RsaPss { bits, hash })
        }
        (oid::EC_PUBLIC_KEY, Some(oid::SECP256R1)) => Some(KeyKind::EcP256),
        (oid::EC_PUBLIC_KEY, Some(oid::SECP384R1)) => Some(KeyKind::EcP384),
        (oid::EC_PUBLIC_KEY, Some(oid::SECP521R1)) => Some(KeyKind::EcP521),
        (oid::ED25519, None) => Some(KeyKind::Ed25519),
        (oid::ML_DSA_44, None) => Some(KeyKind::MlDsa44),
        (oid::ML_DSA_65, None) => Some(KeyKind::MlDsa65),
        (oid::ML_DSA_87, None) => Some(KeyKind::MlDsa87),
        _ => None,
    }
}

/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 §A.1.1)
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let modulus = Walk::sequence(key)?.expect(tag::INTEGER)?.content;
    Some(der::bit_len(modulus)).filter(|bits| (2048..=8192).contains(bits))
}

fn verifier(
    kind: KeyKind,
    algorithm: SignatureAlgorithm,
) -> Option<&'static dyn VerificationAlgorithm> {
    use KeyKind::{EcP256, EcP384, EcP521};
    use SignatureAlgorithm::*;
    Some(match (kind, algorithm) {
        (KeyKind::Rsa { .. }, RsaPkcs1Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa { .. }, RsaPkcs1Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa { .. }, RsaPkcs1Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::Rsa { .. }, RsaPssSha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa { .. }, RsaPssSha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa { .. }, RsaPssSha512) => &signature::RSA_PSS_2048_8192_SHA512,
        (KeyKind::RsaPss { .. }, RsaPssPssSha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (KeyKind::RsaPss { .. }, RsaPssPssSha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (KeyKind::RsaPss { .. }, RsaPssPssSha512) => &signature::RSA_PSS_2048_8192_SHA512,
        (EcP256, EcdsaSha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (EcP256, EcdsaSha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (EcP256, EcdsaSha512) => &signature::ECDSA_P256_SHA512_ASN1,
        (EcP384, EcdsaSha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (EcP384, EcdsaSha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (EcP384, EcdsaSha512) => &signature::ECDSA_P384_SHA512_ASN1,
        (EcP521, EcdsaSha256) => &signature::ECDSA_P521_SHA256_ASN1,
        (EcP521, EcdsaSha384) => &signature::ECDSA_P521_SHA384_ASN1,
        (EcP521, EcdsaSha512) => &signature::ECDSA_P521_SHA512_ASN1,
        (KeyKind::Ed25519, Ed25519) => &signature::ED25519,
        (KeyKind::MlDsa44, MlDsa44) => &signature::ML_DSA_44,
        (KeyKind::MlDsa65, MlDsa65) => &signature::ML_DSA_65,
        (KeyKind::MlDsa87, MlDsa87) => &signature::ML_DSA_87,
        _ => return None,
    })
}
