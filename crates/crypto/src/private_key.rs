//! Private keys: from a file to a signature. Only a key server has any.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, PqdsaKeyPair, PqdsaSigningAlgorithm,
    RsaEncoding, RsaKeyPair,
};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::hash::HashAlgorithm;
use crate::raw::EvpPrivateKey;
use crate::rsa_kex::{ImplicitRejection, PREMASTER_LEN};
use crate::signature::{KeyKind, PublicKey, SignatureAlgorithm};

mod error;
mod format;
mod parse;
mod pbes2;

pub use error::KeyError;
pub use pbes2::Passphrase;

/// A private key: RSA of 2048 to 4096 bits, for RSASSA-PSS alone or not, P-256, P-384, P-521, Ed25519 or ML-DSA.
///
/// No `Clone` and no way to get the key out again; `Debug` shows the kind. AWS-LC wipes the numbers when it is dropped.
pub struct PrivateKey {
    public: PublicKey,
    pair: KeyPair,
}

enum KeyPair {
    Rsa {
        signing: RsaKeyPair,
        raw: EvpPrivateKey,
        rejection: Box<ImplicitRejection>,
    },
    /// Without what decrypts: RFC 4055 §1.2 has such keys for signatures alone.
    RsaPss(RsaKeyPair),
    Ecdsa(EvpPrivateKey),
    Ed25519(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

impl PrivateKey {
    /// The one private key in a PEM file: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1).
    /// Certificates and parameters beside it are skipped.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the cause and the remedy.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        Self::from_pem_with(pem, None)
    }

    /// As [`from_pem`](Self::from_pem), also for `ENCRYPTED PRIVATE KEY` (PKCS#8 with PBES2: PBKDF2 or scrypt, AES-CBC). How much
    /// work its opening may be is bounded: a second's on a usual machine.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the cause and the remedy.
    pub fn from_pem_with(pem: &[u8], passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        if passphrase.is_none() && format::is_encrypted(pem) {
            return Err(KeyError::Encrypted);
        }
        Self::from_der_with(&format::der_from_pem(pem)?, passphrase)
    }

    /// A private key in DER: PKCS#8, PKCS#1 or SEC1, told apart by their structure.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the cause and the remedy.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        parse::private_key(der)
    }

    /// As [`from_der`](Self::from_der), also for encrypted PKCS#8.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the cause and the remedy.
    pub fn from_der_with(der: &[u8], passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        match (parse::private_key(der), passphrase) {
            (Err(KeyError::Encrypted), Some(passphrase)) => {
                parse::private_key(&pbes2::decrypt(der, passphrase)?)
            }
            (parsed, _) => parsed,
        }
    }

    /// A new P-256 key, which nothing but this process has.
    ///
    /// # Errors
    ///
    /// There is no randomness.
    pub fn generate_p256() -> Result<Self, CryptoError> {
        const ERROR: CryptoError = CryptoError::new("key generation");
        let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)
            .map_err(|_| ERROR)?;
        // `Document` wipes itself.
        let der = pair.to_pkcs8v1().map_err(|_| ERROR)?;
        Self::from_der(der.as_ref()).map_err(|_| ERROR)
    }

    /// The public half, which a certificate holds.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// A signature over `message`; ECDSA's is DER. RSA results are checked with the public key by AWS-LC before they
    /// are returned: a faulty one would give the key away.
    ///
    /// # Errors
    ///
    /// The key does not support `algorithm`, or there is no randomness.
    pub fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        const ERROR: CryptoError = CryptoError::new("signing");
        // AWS-LC draws from its own generator; the parameter is there for compatibility.
        let random = SystemRandom::new();
        match &self.pair {
            KeyPair::Rsa { signing, .. } | KeyPair::RsaPss(signing)
                if self.public.supports(algorithm) =>
            {
                let mut signature = vec![0; signing.public_modulus_len()];
                signing
                    .sign(
                        rsa_encoding(algorithm).ok_or(ERROR)?,
                        &random,
                        message,
                        &mut signature,
                    )
                    .map_err(|_| ERROR)?;
                Ok(signature)
            }
            KeyPair::Ecdsa(signing) if self.public.supports(algorithm) => {
                signing.ecdsa_sign(algorithm.hash().ok_or(ERROR)?, message)
            }
            KeyPair::Ed25519(signing) if algorithm == SignatureAlgorithm::Ed25519 => signing
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| ERROR),
            KeyPair::MlDsa(signing) if self.public.supports(algorithm) => {
                let mut signature = vec![0; signing.algorithm().signature_len()];
                let len = signing.sign(message, &mut signature).map_err(|_| ERROR)?;
                signature.truncate(len);
                Ok(signature)
            }
            KeyPair::Rsa { .. }
            | KeyPair::RsaPss(_)
            | KeyPair::Ecdsa(_)
            | KeyPair::Ed25519(_)
            | KeyPair::MlDsa(_) => Err(ERROR),
        }
    }

    /// A signature over a digest that somebody else made, as long as `algorithm`'s hash says. Whoever may ask for this may
    /// have anything signed: typed operations sign messages that this process formats.
    ///
    /// # Errors
    ///
    /// The key does not support `algorithm`, the algorithm signs no digests (Ed25519, ML-DSA), or the digest has another
    /// length.
    pub fn sign_digest(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        const ERROR: CryptoError = CryptoError::new("signing a digest");
        let hash = algorithm.hash().ok_or(ERROR)?;
        if !self.public.supports(algorithm) || digest.len() != hash.output_len() {
            return Err(ERROR);
        }
        match &self.pair {
            KeyPair::Rsa { signing, .. } | KeyPair::RsaPss(signing) => {
                let digest = digest::Digest::import_less_safe(digest, digest_algorithm(hash))
                    .map_err(|_| ERROR)?;
                let mut signature = vec![0; signing.public_modulus_len()];
                let encoding = rsa_encoding(algorithm).ok_or(ERROR)?;
                signing
                    .sign_digest(encoding, &digest, &mut signature)
                    .map_err(|_| ERROR)?;
                Ok(signature)
            }
            KeyPair::Ecdsa(signing) => signing.ecdsa_sign_digest(hash, digest),
            KeyPair::Ed25519(_) | KeyPair::MlDsa(_) => Err(ERROR),
        }
    }

    /// RSA decryption without looking at the padding: the block of the modulus' length that
    /// [`rsa_kex::premaster`](crate::rsa_kex::premaster) then unpads in constant time. Blinded against timing, and
    /// checked with the public key against faults, by AWS-LC.
    ///
    /// # Errors
    ///
    /// This is no RSA key, `ciphertext` is not as long as the modulus, or its number is 0, 1, n - 1, or not below the
    /// modulus n. All of that can be seen from outside, so the error betrays nothing.
    pub fn rsa_decrypt_raw(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match &self.pair {
            KeyPair::Rsa { raw, .. } => raw.rsa_decrypt(ciphertext),
            KeyPair::RsaPss(_) | KeyPair::Ecdsa(_) | KeyPair::Ed25519(_) | KeyPair::MlDsa(_) => {
                Err(CryptoError::new("RSA decryption"))
            }
        }
    }

    /// 48 pseudo-random bytes for [`rsa_kex::premaster`](crate::rsa_kex::premaster) to put in the place of a premaster
    /// secret that is not there: a function of the private key and `context`, so that the same question always has the
    /// same answer, from every replica that has the key.
    ///
    /// # Errors
    ///
    /// This is no RSA key.
    pub fn rsa_implicit_rejection(
        &self,
        context: &[&[u8]],
    ) -> Result<Zeroizing<[u8; PREMASTER_LEN]>, CryptoError> {
        let KeyPair::Rsa { rejection, .. } = &self.pair else {
            return Err(CryptoError::new("implicit rejection"));
        };
        Ok(rejection.substitute(context))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.kind())
    }
}

fn rsa_encoding(algorithm: SignatureAlgorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => &signature::RSA_PKCS1_SHA256,
        SignatureAlgorithm::RsaPkcs1Sha384 => &signature::RSA_PKCS1_SHA384,
        SignatureAlgorithm::RsaPkcs1Sha512 => &signature::RSA_PKCS1_SHA512,
        // The salt of these is as long as the hash: "The length of the Salt MUST be equal to the length of the output
        // of the digest algorithm" (RFC 9846 §4.3.3).
        SignatureAlgorithm::RsaPssSha256 | SignatureAlgorithm::RsaPssPssSha256 => {
            &signature::RSA_PSS_SHA256
        }
        SignatureAlgorithm::RsaPssSha384 | SignatureAlgorithm::RsaPssPssSha384 => {
            &signature::RSA_PSS_SHA384
        }
        SignatureAlgorithm::RsaPssSha512 | SignatureAlgorithm::RsaPssPssSha512 => {
            &signature::RSA_PSS_SHA512
        }
        _ => return None,
    })
}

fn digest_algorithm(hash: HashAlgorithm) -> &'static digest::Algorithm {
    match hash {
        HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
    }
}

/// The signing algorithm of `aws-lc-rs` for a curve: it reads and checks a key of the curve.
fn ecdsa_signing(kind: KeyKind) -> Option<&'static EcdsaSigningAlgorithm> {
    Some(match kind {
        KeyKind::EcP256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        KeyKind::EcP384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        KeyKind::EcP521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => return None,
    })
}

/// The signing algorithm of `aws-lc-rs` for a kind of ML-DSA key.
fn ml_dsa_signing(kind: KeyKind) -> Option<&'static PqdsaSigningAlgorithm> {
    Some(match kind {
        KeyKind::MlDsa44 => &signature::ML_DSA_44_SIGNING,
        KeyKind::MlDsa65 => &signature::ML_DSA_65_SIGNING,
        KeyKind::MlDsa87 => &signature::ML_DSA_87_SIGNING,
        _ => return None,
    })
}
