//! Signature schemes and the public keys of certificates.

use crate::der::{element, tag};
use crate::hash::HashAlgorithm;

mod public_key;

pub use public_key::PublicKey;

/// What a key is made for, and how strong it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, `rsaEncryption`.
    Rsa {
        /// The modulus' length in bits.
        bits: usize,
    },
    /// RSA, `id-RSASSA-PSS` (RFC 4055 §1.2): it signs with RSASSA-PSS and does nothing else.
    RsaPss {
        /// The modulus' length in bits.
        bits: usize,
        /// The one hash that the key's parameters allow; `None` without parameters: any.
        hash: Option<HashAlgorithm>,
    },
    /// ECDSA on NIST P-256.
    EcP256,
    /// ECDSA on NIST P-384.
    EcP384,
    /// ECDSA on NIST P-521.
    EcP521,
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ML-DSA-44 (FIPS 204), TLS 1.3 only.
    MlDsa44,
    /// ML-DSA-65 (FIPS 204), TLS 1.3 only.
    MlDsa65,
    /// ML-DSA-87 (FIPS 204), TLS 1.3 only.
    MlDsa87,
}

impl KeyKind {
    /// Whether a key of this kind can make and check signatures of this algorithm.
    pub const fn supports(self, algorithm: SignatureAlgorithm) -> bool {
        use SignatureAlgorithm::*;
        match algorithm {
            RsaPkcs1Sha256 | RsaPkcs1Sha384 | RsaPkcs1Sha512 | RsaPssSha256 | RsaPssSha384
            | RsaPssSha512 => {
                matches!(self, Self::Rsa { .. })
            }
            RsaPssPssSha256 => self.is_pss_with(HashAlgorithm::Sha256),
            RsaPssPssSha384 => self.is_pss_with(HashAlgorithm::Sha384),
            RsaPssPssSha512 => self.is_pss_with(HashAlgorithm::Sha512),
            EcdsaSha256 | EcdsaSha384 | EcdsaSha512 => {
                matches!(self, Self::EcP256 | Self::EcP384 | Self::EcP521)
            }
            Ed25519 => matches!(self, Self::Ed25519),
            MlDsa44 => matches!(self, Self::MlDsa44),
            MlDsa65 => matches!(self, Self::MlDsa65),
            MlDsa87 => matches!(self, Self::MlDsa87),
        }
    }

    /// Whether the key signs with RSASSA-PSS alone, and with this hash.
    const fn is_pss_with(self, wanted: HashAlgorithm) -> bool {
        match self {
            Self::RsaPss { hash: None, .. } => true,
            Self::RsaPss {
                hash: Some(hash), ..
            } => hash as u8 == wanted as u8,
            _ => false,
        }
    }
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::RsaPss { bits, hash: None } => write!(f, "RSA-PSS {bits}"),
            Self::RsaPss {
                bits,
                hash: Some(hash),
            } => write!(f, "RSA-PSS {bits} with {hash:?}"),
            Self::EcP256 => f.write_str("ECDSA P-256"),
            Self::EcP384 => f.write_str("ECDSA P-384"),
            Self::EcP521 => f.write_str("ECDSA P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::MlDsa44 => f.write_str("ML-DSA-44"),
            Self::MlDsa65 => f.write_str("ML-DSA-65"),
            Self::MlDsa87 => f.write_str("ML-DSA-87"),
        }
    }
}

/// How a message is signed. For ECDSA the curve comes from the key: TLS 1.3 binds it to the hash, TLS 1.2 does not, so
/// who speaks TLS 1.3 compares with [`KeyKind`] as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, TLS 1.2 only.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384, TLS 1.2 only.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512, TLS 1.2 only.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes, by a key of `rsaEncryption`.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512 and a salt of 64 bytes.
    RsaPssSha512,
    /// The same as [`RsaPssSha256`](Self::RsaPssSha256), by a key of `id-RSASSA-PSS`.
    RsaPssPssSha256,
    /// The same as [`RsaPssSha384`](Self::RsaPssSha384), by a key of `id-RSASSA-PSS`.
    RsaPssPssSha384,
    /// The same as [`RsaPssSha512`](Self::RsaPssSha512), by a key of `id-RSASSA-PSS`.
    RsaPssPssSha512,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
    /// Ed25519, which hashes by itself.
    Ed25519,
    /// ML-DSA-44 with an empty context, which hashes by itself, TLS 1.3 only.
    MlDsa44,
    /// ML-DSA-65 with an empty context, which hashes by itself, TLS 1.3 only.
    MlDsa65,
    /// ML-DSA-87 with an empty context, which hashes by itself, TLS 1.3 only.
    MlDsa87,
}

impl SignatureAlgorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 16] = [
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::RsaPssPssSha256,
        Self::RsaPssPssSha384,
        Self::RsaPssPssSha512,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::Ed25519,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// The algorithm of an IANA `SignatureScheme` code point (RFC 9846 §4.3.3), if Keyward has it. SHA-1 is
    /// refused.
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            0x0401 => Self::RsaPkcs1Sha256,
            0x0501 => Self::RsaPkcs1Sha384,
            0x0601 => Self::RsaPkcs1Sha512,
            0x0804 => Self::RsaPssSha256,
            0x0805 => Self::RsaPssSha384,
            0x0806 => Self::RsaPssSha512,
            0x0809 => Self::RsaPssPssSha256,
            0x080a => Self::RsaPssPssSha384,
            0x080b => Self::RsaPssPssSha512,
            0x0403 => Self::EcdsaSha256,
            0x0503 => Self::EcdsaSha384,
            0x0603 => Self::EcdsaSha512,
            0x0807 => Self::Ed25519,
            // draft-ietf-tls-mldsa.
            0x0904 => Self::MlDsa44,
            0x0905 => Self::MlDsa65,
            0x0906 => Self::MlDsa87,
            _ => return None,
        })
    }

    /// The IANA `SignatureScheme` code point.
    pub const fn code(self) -> u16 {
        match self {
            Self::RsaPkcs1Sha256 => 0x0401,
            Self::RsaPkcs1Sha384 => 0x0501,
            Self::RsaPkcs1Sha512 => 0x0601,
            Self::RsaPssSha256 => 0x0804,
            Self::RsaPssSha384 => 0x0805,
            Self::RsaPssSha512 => 0x0806,
            Self::RsaPssPssSha256 => 0x0809,
            Self::RsaPssPssSha384 => 0x080a,
            Self::RsaPssPssSha512 => 0x080b,
            Self::EcdsaSha256 => 0x0403,
            Self::EcdsaSha384 => 0x0503,
            Self::EcdsaSha512 => 0x0603,
            Self::Ed25519 => 0x0807,
            Self::MlDsa44 => 0x0904,
            Self::MlDsa65 => 0x0905,
            Self::MlDsa87 => 0x0906,
        }
    }

    /// The hash that is applied to the message; none for Ed25519 and ML-DSA.
    pub const fn hash(self) -> Option<HashAlgorithm> {
        match self {
            Self::RsaPkcs1Sha256
            | Self::RsaPssSha256
            | Self::RsaPssPssSha256
            | Self::EcdsaSha256 => Some(HashAlgorithm::Sha256),
            Self::RsaPkcs1Sha384
            | Self::RsaPssSha384
            | Self::RsaPssPssSha384
            | Self::EcdsaSha384 => Some(HashAlgorithm::Sha384),
            Self::RsaPkcs1Sha512
            | Self::RsaPssSha512
            | Self::RsaPssPssSha512
            | Self::EcdsaSha512 => Some(HashAlgorithm::Sha512),
            Self::Ed25519 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => None,
        }
    }
}

/// An ECDSA signature in DER, as TLS has it, from its two numbers one after the other, each as long as the curve's order: what
/// PKCS#11 and some services answer. `None` if the length is odd, or that of no curve here.
///
/// `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3)
pub fn ecdsa_signature_der(plain: &[u8]) -> Option<Vec<u8>> {
    if !matches!(plain.len(), 64 | 96 | 132) {
        return None;
    }
    let (r, s) = plain.split_at(plain.len() / 2);
    let numbers = [unsigned_integer(r), unsigned_integer(s)].concat();
    Some(element(tag::SEQUENCE, &numbers))
}

/// A DER INTEGER: without zeros in front, but for one where the first bit would make it negative.
fn unsigned_integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros.min(bytes.len().saturating_sub(1))..];
    let sign: &[u8] = match digits.first() {
        Some(0x80..) => &[0],
        _ => &[],
    };
    element(tag::INTEGER, &[sign, digits].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ecdsa_signatures_become_der() {
        let mut plain = [0; 64];
        plain[0] = 0x80;
        plain[63] = 5;
        let mut expected = vec![0x30, 0x26, 0x02, 0x21, 0x00, 0x80];
        expected.extend([0; 31]);
        expected.extend([0x02, 0x01, 0x05]);
        assert_eq!(ecdsa_signature_der(&plain).unwrap(), expected);
        assert_eq!(
            ecdsa_signature_der(&[0; 64]).unwrap(),
            [0x30, 6, 2, 1, 0, 2, 1, 0]
        );
        assert_eq!(
            ecdsa_signature_der(&[0xff; 132]).unwrap().len(),
            3 + 2 * (2 + 67)
        );
        assert_eq!(ecdsa_signature_der(&[0; 63]), None);
        assert_eq!(ecdsa_signature_der(&[]), None);
    }

    #[test]
    fn code_points_round_trip() {
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(
                SignatureAlgorithm::from_code(algorithm.code()),
                Some(algorithm)
            );
        }
        let known = (0..=u16::MAX)
            .filter_map(SignatureAlgorithm::from_code)
            .count();
        assert_eq!(known, SignatureAlgorithm::ALL.len());
    }

    #[test]
    fn sha1_has_no_algorithm() {
        // rsa_pkcs1_sha1, dsa_sha1, ecdsa_sha1
        for code in [0x0201, 0x0202, 0x0203] {
            assert_eq!(SignatureAlgorithm::from_code(code), None);
        }
    }
}
