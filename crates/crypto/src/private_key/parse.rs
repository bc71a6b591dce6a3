//! From a DER key of known format to AWS-LC's key pairs, with every refusal named.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, PqdsaKeyPair, RsaKeyPair};

use super::format::{Algorithm, Format, dotted, unsupported};
use super::{KeyError, KeyPair, PrivateKey, ecdsa_signing, ml_dsa_signing};
use crate::der::{self, Walk, oid, tag};
use crate::raw::EvpPrivateKey;
use crate::rsa_kex::ImplicitRejection;
use crate::rsa_pss::Parameters;
use crate::signature::{KeyKind, PublicKey};

const MIN_RSA_BITS: usize = 2048;
const MAX_RSA_BITS: usize = 4096;

pub(super) fn private_key(der: &[u8]) -> Result<PrivateKey, KeyError> {
    match Format::of(der)? {
        Format::Pkcs8(Algorithm::Rsa) => {
            check_rsa_numbers(pkcs8_inner(der))?;
            rsa(RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Malformed)?)
        }
        Format::Pkcs8(Algorithm::RsaPss(parameters)) => {
            // RFC 8017 §A.1.2: the same RSAPrivateKey is inside, whatever the key is for.
            let inner = pkcs8_inner(der).ok_or(KeyError::Malformed)?;
            check_rsa_numbers(Some(inner))?;
            rsa_pss(
                RsaKeyPair::from_der(inner).map_err(|_| KeyError::Malformed)?,
                parameters,
            )
        }
        Format::Pkcs1 => {
            check_rsa_numbers(Some(der))?;
            rsa(RsaKeyPair::from_der(der).map_err(|_| KeyError::Malformed)?)
        }
        Format::Pkcs8(Algorithm::Ec { curve }) => ecdsa(
            der,
            curve_kind(curve.ok_or_else(|| unsupported("ECDSA on an unnamed curve"))?)?,
        ),
        Format::Sec1 {
            curve: Some(curve), ..
        } => ecdsa(der, curve_kind(curve)?),
        // RFC 5915 §3 leaves the parameters out where the context gives them; the scalar's length is fixed by the curve.
        Format::Sec1 {
            curve: None,
            scalar_len,
        } => match scalar_len {
            32 => ecdsa(der, KeyKind::EcP256),
            48 => ecdsa(der, KeyKind::EcP384),
            66 => ecdsa(der, KeyKind::EcP521),
            _ => Err(unsupported("ECDSA on an unnamed curve")),
        },
        Format::Pkcs8(Algorithm::Ed25519) => ed25519(der),
        Format::Pkcs8(Algorithm::MlDsa(kind)) => ml_dsa(der, kind),
    }
}

fn rsa(signing: RsaKeyPair) -> Result<PrivateKey, KeyError> {
    let spki = signing
        .public_key()
        .as_der()
        .map_err(|_| KeyError::Malformed)?;
    // `Pkcs8V1Der` wipes itself.
    let pkcs8 = signing.as_der().map_err(|_| KeyError::Malformed)?;
    Ok(PrivateKey {
        public: public_key(spki.as_ref())?,
        pair: KeyPair::Rsa {
            raw: EvpPrivateKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| KeyError::Malformed)?,
            rejection: Box::new(ImplicitRejection::of_private_key(pkcs8.as_ref())),
            signing,
        },
    })
}

fn rsa_pss(signing: RsaKeyPair, parameters: Parameters) -> Result<PrivateKey, KeyError> {
    let spki = signing
        .public_key()
        .as_der()
        .map_err(|_| KeyError::Malformed)?;
    let spki = parameters.spki(spki.as_ref()).ok_or(KeyError::Malformed)?;
    Ok(PrivateKey {
        public: public_key(&spki)?,
        pair: KeyPair::RsaPss(signing),
    })
}

fn ecdsa(der: &[u8], kind: KeyKind) -> Result<PrivateKey, KeyError> {
    let algorithm = ecdsa_signing(kind).ok_or(KeyError::Malformed)?;
    let pair =
        EcdsaKeyPair::from_private_key_der(algorithm, der).map_err(|_| KeyError::Malformed)?;
    let spki = pair
        .public_key()
        .as_der()
        .map_err(|_| KeyError::Malformed)?;
    // `Document` wipes itself.
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Malformed)?;
    let signing = EvpPrivateKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| KeyError::Malformed)?;
    Ok(PrivateKey {
        public: public_key(spki.as_ref())?,
        pair: KeyPair::Ecdsa(signing),
    })
}

fn ed25519(der: &[u8]) -> Result<PrivateKey, KeyError> {
    let signing = Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::Malformed)?;
    let spki = signing
        .public_key()
        .as_der()
        .map_err(|_| KeyError::Malformed)?;
    Ok(PrivateKey {
        public: public_key(spki.as_ref())?,
        pair: KeyPair::Ed25519(signing),
    })
}

/// With the seed, the expanded key, or both, which must belong together (RFC 9881 §6).
fn ml_dsa(der: &[u8], kind: KeyKind) -> Result<PrivateKey, KeyError> {
    let algorithm = ml_dsa_signing(kind).ok_or(KeyError::Malformed)?;
    let signing = PqdsaKeyPair::from_pkcs8(algorithm, der).map_err(|_| KeyError::Malformed)?;
    let spki = signing
        .public_key()
        .as_der()
        .map_err(|_| KeyError::Malformed)?;
    Ok(PrivateKey {
        public: public_key(spki.as_ref())?,
        pair: KeyPair::MlDsa(signing),
    })
}

fn public_key(spki: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::from_spki_der(spki).map_err(|_| KeyError::Malformed)
}

fn curve_kind(curve: &[u8]) -> Result<KeyKind, KeyError> {
    match curve {
        oid::SECP256R1 => Ok(KeyKind::EcP256),
        oid::SECP384R1 => Ok(KeyKind::EcP384),
        oid::SECP521R1 => Ok(KeyKind::EcP521),
        other => Err(unsupported(&format!(
            "ECDSA on the curve {}",
            dotted(other)
        ))),
    }
}

/// `aws-lc-rs` refuses most of these as well, but does not say why. Small exponents, which it takes, have been the help of several
/// attacks on padding; FIPS 186-5 has them begin above 2^16.
fn check_rsa_numbers(pkcs1: Option<&[u8]>) -> Result<(), KeyError> {
    let (bits, exponent) = pkcs1.and_then(rsa_numbers).ok_or(KeyError::Malformed)?;
    match bits {
        ..MIN_RSA_BITS => Err(KeyError::TooWeak { bits }),
        MIN_RSA_BITS..=MAX_RSA_BITS if der::bit_len(exponent) <= 16 => Err(KeyError::Exponent),
        MIN_RSA_BITS..=MAX_RSA_BITS => Ok(()),
        bits => Err(KeyError::TooLong { bits }),
    }
}

fn pkcs8_inner(der: &[u8]) -> Option<&[u8]> {
    let mut walk = Walk::sequence(der)?;
    walk.expect(tag::INTEGER)?;
    walk.expect(tag::SEQUENCE)?;
    Some(walk.expect(tag::OCTET_STRING)?.content)
}

/// The length of the modulus in bits, and the public exponent.
fn rsa_numbers(pkcs1: &[u8]) -> Option<(usize, &[u8])> {
    let mut walk = Walk::sequence(pkcs1)?;
    walk.expect(tag::INTEGER)?; // version
    let bits = der::bit_len(walk.expect(tag::INTEGER)?.content);
    Some((bits, walk.expect(tag::INTEGER)?.content))
}
