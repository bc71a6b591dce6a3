//! What is asked for, and what came of it, in one byte.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::SignatureAlgorithm;

/// What an opcode's digest is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digest {
    /// MD5 and SHA-1, one behind the other: what TLS 1.1 signs.
    Md5Sha1,
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    const ALL: [Self; 6] = [
        Self::Md5Sha1,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// Its length in bytes.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5Sha1 => 36,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash, if it is one that signatures are made with here.
    const fn hash(self) -> Option<HashAlgorithm> {
        match self {
            Self::Sha256 => Some(HashAlgorithm::Sha256),
            Self::Sha384 => Some(HashAlgorithm::Sha384),
            Self::Sha512 => Some(HashAlgorithm::Sha512),
            // RFC 9155 takes MD5 and SHA-1 out of what TLS 1.2 signs with; SHA-224 nothing that lives needs.
            Self::Md5Sha1 | Self::Sha1 | Self::Sha224 => None,
        }
    }

    const fn of(hash: HashAlgorithm) -> Option<Self> {
        match hash {
            HashAlgorithm::Sha256 => Some(Self::Sha256),
            HashAlgorithm::Sha384 => Some(Self::Sha384),
            HashAlgorithm::Sha512 => Some(Self::Sha512),
            HashAlgorithm::Sha1 => None,
        }
    }

    /// Its place among the opcodes of one algorithm.
    const fn offset(self) -> u8 {
        match self {
            Self::Md5Sha1 => 0,
            Self::Sha1 => 1,
            Self::Sha224 => 2,
            Self::Sha256 => 3,
            Self::Sha384 => 4,
            Self::Sha512 => 5,
        }
    }
}

/// An opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// `01`: the block under an RSA ciphertext, still padded.
    RsaDecrypt,
    /// `02` to `07`: RSASSA-PKCS1-v1_5.
    RsaPkcs1(Digest),
    /// `12` to `17`: ECDSA, answered in DER.
    Ecdsa(Digest),
    /// `18`: Ed25519, of the whole message.
    Ed25519,
    /// `35` to `37`: RSASSA-PSS with SHA-256, SHA-384 and SHA-512, the salt as long as the digest.
    RsaPss(Digest),
    /// `F0`: a result.
    Success,
    /// `F1`: an echo is asked for.
    Ping,
    /// `F2`: the echo.
    Pong,
    /// `FF`: no result.
    Error,
}

const RSA_PKCS1: u8 = 0x02;
const ECDSA: u8 = 0x12;
/// That of SHA-256 is `35`.
const RSA_PSS: u8 = 0x32;

impl Opcode {
    /// The opcode with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        let digest = |first: u8| {
            let mut digests = Digest::ALL.into_iter();
            digests.find(|digest| number == first + digest.offset())
        };
        Some(match number {
            0x01 => Self::RsaDecrypt,
            0x02..=0x07 => Self::RsaPkcs1(digest(RSA_PKCS1)?),
            0x12..=0x17 => Self::Ecdsa(digest(ECDSA)?),
            0x18 => Self::Ed25519,
            0x35..=0x37 => Self::RsaPss(digest(RSA_PSS)?),
            0xf0 => Self::Success,
            0xf1 => Self::Ping,
            0xf2 => Self::Pong,
            0xff => Self::Error,
            _ => return None,
        })
    }

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::RsaDecrypt => 0x01,
            Self::RsaPkcs1(digest) => RSA_PKCS1 + digest.offset(),
            Self::Ecdsa(digest) => ECDSA + digest.offset(),
            Self::Ed25519 => 0x18,
            Self::RsaPss(digest) => RSA_PSS + digest.offset(),
            Self::Success => 0xf0,
            Self::Ping => 0xf1,
            Self::Pong => 0xf2,
            Self::Error => 0xff,
        }
    }

    /// Whether it is of a reply.
    pub const fn is_reply(self) -> bool {
        matches!(self, Self::Success | Self::Pong | Self::Error)
    }

    /// How an opcode signs, with a key of `rsaEncryption` where it is RSA. `None` for what is no signature, and for digests
    /// that nothing is signed with here: MD5 with SHA-1, SHA-1, SHA-224.
    pub const fn algorithm(self) -> Option<SignatureAlgorithm> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let digest = match self {
            Self::Ed25519 => return Some(SignatureAlgorithm::Ed25519),
            Self::RsaPkcs1(digest) | Self::Ecdsa(digest) | Self::RsaPss(digest) => digest,
            _ => return None,
        };
        Some(match (self, digest.hash()) {
            (Self::RsaPkcs1(_), Some(Sha256)) => SignatureAlgorithm::RsaPkcs1Sha256,
            (Self::RsaPkcs1(_), Some(Sha384)) => SignatureAlgorithm::RsaPkcs1Sha384,
            (Self::RsaPkcs1(_), Some(Sha512)) => SignatureAlgorithm::RsaPkcs1Sha512,
            (Self::Ecdsa(_), Some(Sha256)) => SignatureAlgorithm::EcdsaSha256,
            (Self::Ecdsa(_), Some(Sha384)) => SignatureAlgorithm::EcdsaSha384,
            (Self::Ecdsa(_), Some(Sha512)) => SignatureAlgorithm::EcdsaSha512,
            (Self::RsaPss(_), Some(Sha256)) => SignatureAlgorithm::RsaPssSha256,
            (Self::RsaPss(_), Some(Sha384)) => SignatureAlgorithm::RsaPssSha384,
            (Self::RsaPss(_), Some(Sha512)) => SignatureAlgorithm::RsaPssSha512,
            _ => return None,
        })
    }

    /// The opcode that asks for a signature of this algorithm. `None` for ML-DSA, which the protocol is too old for.
    pub fn for_algorithm(algorithm: SignatureAlgorithm) -> Option<Self> {
        use SignatureAlgorithm::*;
        let digest = || algorithm.hash().and_then(Digest::of);
        match algorithm {
            RsaPkcs1Sha256 | RsaPkcs1Sha384 | RsaPkcs1Sha512 => digest().map(Self::RsaPkcs1),
            RsaPssSha256 | RsaPssSha384 | RsaPssSha512 | RsaPssPssSha256 | RsaPssPssSha384
            | RsaPssPssSha512 => digest().map(Self::RsaPss),
            EcdsaSha256 | EcdsaSha384 | EcdsaSha512 => digest().map(Self::Ecdsa),
            Ed25519 => Some(Self::Ed25519),
            MlDsa44 | MlDsa65 | MlDsa87 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_no_others_are_known() {
        let known: Vec<u8> = (0..=u8::MAX)
            .filter(|number| {
                Opcode::from_number(*number)
                    .inspect(|it| assert_eq!(it.number(), *number))
                    .is_some()
            })
            .collect();
        let expected = [
            0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
            0x35, 0x36, 0x37, 0xf0, 0xf1, 0xf2, 0xff,
        ];
        assert_eq!(known, expected);
    }

    #[test]
    fn an_algorithm_has_the_opcode_that_signs_with_it() {
        for algorithm in SignatureAlgorithm::ALL {
            let Some(opcode) = Opcode::for_algorithm(algorithm) else {
                assert!(algorithm.hash().is_none(), "{algorithm:?}");
                continue;
            };
            let back = opcode.algorithm().unwrap();
            assert_eq!(back.hash(), algorithm.hash());
            // An RSA key for PSS alone is signed with by the same opcode.
            let pss = algorithm.code().wrapping_sub(5);
            assert!(back == algorithm || back.code() == pss, "{algorithm:?}");
        }
        for number in [
            0x01, 0x02, 0x03, 0x04, 0x12, 0x13, 0x14, 0xf0, 0xf1, 0xf2, 0xff,
        ] {
            assert_eq!(Opcode::from_number(number).unwrap().algorithm(), None);
        }
    }
}
