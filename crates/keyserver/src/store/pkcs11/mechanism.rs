//! From what is to be signed or decrypted to PKCS #11's mechanisms, and from a token's answer to TLS's form.

use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::{KeyKind, SignatureAlgorithm, ecdsa_signature_der};
use keyward_keyop::KeyTask;

use super::super::remote::StoreError;

/// The mechanism, and what is given to it.
pub(super) enum Call {
    Sign {
        mechanism: Mechanism<'static>,
        input: Vec<u8>,
        /// Whether the answer is ECDSA's two numbers.
        two_numbers: bool,
    },
    Decrypt {
        ciphertext: Vec<u8>,
    },
}

impl Call {
    /// Of what is asked of a key of this kind.
    pub(super) fn new(task: &KeyTask, kind: KeyKind) -> Result<Self, StoreError> {
        let (algorithm, message) = match task {
            KeyTask::Sign { algorithm, message } => (*algorithm, message),
            KeyTask::RsaDecrypt { ciphertext } => {
                return Ok(Self::Decrypt {
                    ciphertext: ciphertext.clone(),
                });
            }
        };
        let unknown = || StoreError::Failed(format!("PKCS #11 has no {algorithm:?} here"));
        let mechanism = mechanism(algorithm).ok_or_else(unknown)?;
        let input = match (task.digest(), &mechanism) {
            (Some((hash, digest)), Mechanism::RsaPkcs) => {
                [digest_info(hash).ok_or_else(unknown)?, digest.as_ref()].concat()
            }
            (Some((_, digest)), Mechanism::Ecdsa) => {
                let digest: &[u8] = digest.as_ref();
                // FIPS 186-5 §6.4.1: of a hash that is longer than the order, the leftmost bits count. Some tokens refuse
                // more than they need.
                digest[..digest.len().min(order_len(kind))].to_vec()
            }
            (Some((_, digest)), _) => digest.as_ref().to_vec(),
            (None, _) => message.clone(),
        };
        Ok(Self::Sign {
            two_numbers: matches!(mechanism, Mechanism::Ecdsa),
            mechanism,
            input,
        })
    }
}

/// What the token signed, as TLS has it.
pub(super) fn signature(answer: Vec<u8>, two_numbers: bool) -> Result<Vec<u8>, StoreError> {
    match two_numbers {
        false => Ok(answer),
        true => ecdsa_signature_der(&answer).ok_or_else(|| {
            StoreError::Failed(format!(
                "the token's ECDSA signature has {} bytes",
                answer.len()
            ))
        }),
    }
}

/// The ways in which a token with these mechanisms signs; of those, the ones that the key has are used.
pub(super) fn algorithms(has: &[MechanismType]) -> Vec<SignatureAlgorithm> {
    let all = SignatureAlgorithm::ALL.into_iter();
    all.filter(|algorithm| {
        mechanism(*algorithm).is_some_and(|it| has.contains(&it.mechanism_type()))
    })
    .collect()
}

fn mechanism(algorithm: SignatureAlgorithm) -> Option<Mechanism<'static>> {
    use SignatureAlgorithm as A;
    Some(match algorithm {
        A::RsaPkcs1Sha256 | A::RsaPkcs1Sha384 | A::RsaPkcs1Sha512 => Mechanism::RsaPkcs,
        A::RsaPssSha256 => pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32),
        A::RsaPssSha384 => pss(MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48),
        A::RsaPssSha512 => pss(MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64),
        A::EcdsaSha256 | A::EcdsaSha384 | A::EcdsaSha512 => Mechanism::Ecdsa,
        A::Ed25519 => Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
        // PKCS #11 has no type of key for id-RSASSA-PSS, and cryptoki's interface to ML-DSA is of version 3.2, which no token
        // here speaks.
        _ => return None,
    })
}

fn pss(hash_alg: MechanismType, mgf: PkcsMgfType, salt: u64) -> Mechanism<'static> {
    Mechanism::RsaPkcsPss(PkcsPssParams {
        hash_alg,
        mgf,
        s_len: salt.into(),
    })
}

/// RFC 8017 §9.2, note 1: the DER of a DigestInfo up to the digest.
const fn digest_info(hash: HashAlgorithm) -> Option<&'static [u8]> {
    Some(match hash {
        HashAlgorithm::Sha256 => &[
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ],
        HashAlgorithm::Sha384 => &[
            0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x02, 0x05, 0x00, 0x04, 0x30,
        ],
        HashAlgorithm::Sha512 => &[
            0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x03, 0x05, 0x00, 0x04, 0x40,
        ],
        HashAlgorithm::Sha1 => return None,
    })
}

/// Bytes of the order of the curve's group.
const fn order_len(kind: KeyKind) -> usize {
    match kind {
        KeyKind::EcP256 => 32,
        KeyKind::EcP384 => 48,
        KeyKind::EcP521 => 66,
        _ => usize::MAX,
    }
}
