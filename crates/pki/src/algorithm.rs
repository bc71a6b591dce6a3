//! The kinds of key that certificates are made for.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::Ed25519KeyPair;
use rcgen::{KeyPair, RsaKeySize, SignatureAlgorithm};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::PkiError;

/// A kind of key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521. Browsers do not accept it in certificates.
    P521,
    /// Ed25519 (RFC 8410). Browsers do not accept it in certificates.
    Ed25519,
    /// ML-DSA-44 (RFC 9881), for TLS 1.3 between peers that know it.
    MlDsa44,
    /// ML-DSA-65 (RFC 9881), for TLS 1.3 between peers that know it.
    MlDsa65,
    /// ML-DSA-87 (RFC 9881), for TLS 1.3 between peers that know it.
    MlDsa87,
}

impl KeyAlgorithm {
    /// All of them, in the order that help texts name them.
    pub const ALL: [Self; 10] = [
        Self::P256,
        Self::P384,
        Self::P521,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::Ed25519,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// The name that the command line takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::P521 => "p521",
            Self::Ed25519 => "ed25519",
            Self::MlDsa44 => "mldsa44",
            Self::MlDsa65 => "mldsa65",
            Self::MlDsa87 => "mldsa87",
        }
    }

    pub(crate) const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }

    pub(crate) fn generate(self) -> Result<KeyPair, PkiError> {
        let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
        let any = |algorithm: &'static SignatureAlgorithm| KeyPair::generate_for(algorithm);
        Ok(match self {
            Self::Rsa2048 => rsa(RsaKeySize::_2048)?,
            Self::Rsa3072 => rsa(RsaKeySize::_3072)?,
            Self::Rsa4096 => rsa(RsaKeySize::_4096)?,
            Self::P256 => any(&rcgen::PKCS_ECDSA_P256_SHA256)?,
            Self::P384 => any(&rcgen::PKCS_ECDSA_P384_SHA384)?,
            Self::P521 => any(&rcgen::PKCS_ECDSA_P521_SHA512)?,
            Self::MlDsa44 => any(&rcgen::PKCS_ML_DSA_44)?,
            Self::MlDsa65 => any(&rcgen::PKCS_ML_DSA_65)?,
            Self::MlDsa87 => any(&rcgen::PKCS_ML_DSA_87)?,
            Self::Ed25519 => {
                // Version 1 of PKCS#8, without the public key: OpenSSL reads no other.
                let key = Ed25519KeyPair::generate().map_err(|_| PkiError::KeyGeneration(self))?;
                let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
                    key.as_der().map_err(|_| PkiError::KeyGeneration(self))?;
                KeyPair::from_pkcs8_der_and_sign_algo(
                    &PrivatePkcs8KeyDer::from(der.as_ref()),
                    &rcgen::PKCS_ED25519,
                )?
            }
        })
    }
}

/// A new private key, as PKCS#8 in PEM.
///
/// # Errors
///
/// There is no randomness.
pub fn private_key_pem(algorithm: KeyAlgorithm) -> Result<Zeroizing<String>, PkiError> {
    Ok(Zeroizing::new(algorithm.generate()?.serialize_pem()))
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = UnknownKeyAlgorithm;

    /// Upper and lower case, with or without `-`: `P-256` and `p256` are the same.
    fn from_str(text: &str) -> Result<Self, UnknownKeyAlgorithm> {
        let plain = text.replace(['-', '_'], "").to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == plain)
            .ok_or_else(|| UnknownKeyAlgorithm(text.to_owned()))
    }
}

/// No [`KeyAlgorithm`] has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKeyAlgorithm(pub String);

impl fmt::Display for UnknownKeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no kind of key; known are ", self.0)?;
        for (index, algorithm) in KeyAlgorithm::ALL.into_iter().enumerate() {
            write!(f, "{}{algorithm}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownKeyAlgorithm {}
