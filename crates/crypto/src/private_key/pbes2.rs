//! Encrypted PKCS#8 (RFC 5958 §3) with a passphrase: PBES2 (RFC 8018 §6.2), with PBKDF2 or scrypt and AES-CBC.
//!
//! What is in the file decides how much work it is to open it, so that is bounded.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use super::KeyError;
use super::format::dotted;
use crate::der::{Walk, tag};
use crate::raw;

/// A second's work. OpenSSL writes 2048, and 600 000 is what is recommended today.
const MAX_ITERATIONS: u32 = 3_000_000;
/// Of memory for scrypt, in bytes; OpenSSL writes keys that need 16 MiB.
const MAX_SCRYPT_MEMORY: u64 = 64 << 20;
/// Of scrypt's N · r · p: a second's work.
const MAX_SCRYPT_WORK: u64 = 1 << 22;
/// AES-CBC's block, and so its IV.
const BLOCK: usize = 16;

mod oid {
    /// 1.2.840.113549.1.5.13
    pub(super) const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
    /// 1.2.840.113549.1.5.12
    pub(super) const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
    /// 1.3.6.1.4.1.11591.4.11
    pub(super) const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
    /// 1.2.840.113549.2.7
    pub(super) const HMAC_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07];
    /// 1.2.840.113549.2.9
    pub(super) const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
    /// 1.2.840.113549.2.10
    pub(super) const HMAC_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a];
    /// 1.2.840.113549.2.11
    pub(super) const HMAC_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b];
    /// 2.16.840.1.101.3.4.1.2
    pub(super) const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02];
    /// 2.16.840.1.101.3.4.1.22
    pub(super) const AES_192_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16];
    /// 2.16.840.1.101.3.4.1.42
    pub(super) const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
}

/// What an encrypted key is opened with. Wiped when it is dropped; `Debug` does not show it.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// These bytes, which the caller wipes if they are a copy.
    pub fn new(passphrase: Zeroizing<Vec<u8>>) -> Self {
        Self(passphrase)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(secret)")
    }
}

/// The PrivateKeyInfo in an EncryptedPrivateKeyInfo.
pub(super) fn decrypt(der: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let Encrypted {
        derivation,
        cipher,
        iv,
        data,
    } = Encrypted::parse(der)?;
    let mut key = Zeroizing::new(vec![0; cipher.key_len]);
    derivation.derive(&passphrase.0, &mut key)?;
    let key = UnboundCipherKey::new(cipher.algorithm, &key);
    let key = key.and_then(PaddedBlockDecryptingKey::cbc_pkcs7);
    let key = key.map_err(|_| KeyError::Malformed)?;
    let mut plain = Zeroizing::new(data.to_vec());
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    // A wrong passphrase shows in the padding, or, one time in 256, in what comes out.
    let len = key
        .decrypt(&mut plain, context)
        .map_err(|_| KeyError::Passphrase)?
        .len();
    plain.truncate(len);
    Walk::sequence(&plain).ok_or(KeyError::Passphrase)?;
    Ok(plain)
}

/// EncryptedPrivateKeyInfo, as far as it is known here.
struct Encrypted<'a> {
    derivation: Derivation<'a>,
    cipher: Cipher,
    iv: [u8; BLOCK],
    data: &'a [u8],
}

impl<'a> Encrypted<'a> {
    /// ```text
    /// EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm AlgorithmIdentifier, encryptedData OCTET STRING }
    /// PBES2-params ::= SEQUENCE { keyDerivationFunc AlgorithmIdentifier, encryptionScheme AlgorithmIdentifier }
    /// ```
    fn parse(der: &'a [u8]) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed;
        let mut walk = Walk::sequence(der).ok_or_else(malformed)?;
        let (scheme, mut parameters) = algorithm(&mut walk).ok_or_else(malformed)?;
        let data = walk.expect(tag::OCTET_STRING).ok_or_else(malformed)?;
        if !walk.is_at_end() {
            return Err(KeyError::Malformed);
        }
        if scheme != oid::PBES2 {
            return Err(unsupported(scheme));
        }
        let inner = parameters.expect(tag::SEQUENCE).ok_or_else(malformed)?;
        let mut inner = Walk::new(inner.content);
        let (function, function_parameters) = algorithm(&mut inner).ok_or_else(malformed)?;
        let (cipher, mut cipher_parameters) = algorithm(&mut inner).ok_or_else(malformed)?;
        let cipher = Cipher::of(cipher).ok_or_else(|| unsupported(cipher))?;
        let iv = cipher_parameters.expect(tag::OCTET_STRING);
        let iv = iv.and_then(|iv| iv.content.try_into().ok());
        Ok(Self {
            derivation: Derivation::parse(function, function_parameters, cipher.key_len)?,
            cipher,
            iv: iv.ok_or_else(malformed)?,
            data: data.content,
        })
    }
}

struct Cipher {
    algorithm: &'static Algorithm,
    key_len: usize,
}

impl Cipher {
    fn of(id: &[u8]) -> Option<Self> {
        let (algorithm, key_len) = match id {
            oid::AES_128_CBC => (&AES_128, 16),
            oid::AES_192_CBC => (&AES_192, 24),
            oid::AES_256_CBC => (&AES_256, 32),
            _ => return None,
        };
        Some(Self { algorithm, key_len })
    }
}

/// How the cipher's key comes of the passphrase.
enum Derivation<'a> {
    Pbkdf2 {
        hash: pbkdf2::Algorithm,
        salt: &'a [u8],
        iterations: NonZeroU32,
    },
    Scrypt {
        salt: &'a [u8],
        /// N, a power of 2.
        cost: u64,
        block_size: u64,
        parallel: u64,
    },
}

impl<'a> Derivation<'a> {
    fn parse(
        function: &'a [u8],
        mut parameters: Walk<'a>,
        key_len: usize,
    ) -> Result<Self, KeyError> {
        let inner = parameters.expect(tag::SEQUENCE);
        let mut inner = Walk::new(inner.ok_or(KeyError::Malformed)?.content);
        let (derivation, len) = match function {
            oid::PBKDF2 => Self::pbkdf2(&mut inner)?,
            oid::SCRYPT => Self::scrypt(&mut inner)?,
            other => return Err(unsupported(other)),
        };
        match len {
            Some(len) if usize::try_from(len) != Ok(key_len) => Err(KeyError::Malformed),
            _ => Ok(derivation),
        }
    }

    /// RFC 8018 §A.2: `SEQUENCE { salt OCTET STRING, iterationCount INTEGER, keyLength INTEGER OPTIONAL, prf
    /// AlgorithmIdentifier DEFAULT hmacWithSHA1 }`
    fn pbkdf2(inner: &mut Walk<'a>) -> Result<(Self, Option<u64>), KeyError> {
        let salt = inner.expect(tag::OCTET_STRING);
        let salt = salt.ok_or(KeyError::Malformed)?.content;
        let iterations = number(inner).ok_or(KeyError::Malformed)?;
        let len = optional_number(inner)?;
        let hash = match inner.is_at_end() {
            true => oid::HMAC_SHA1,
            false => algorithm(inner).ok_or(KeyError::Malformed)?.0,
        };
        let hash = match hash {
            oid::HMAC_SHA1 => pbkdf2::PBKDF2_HMAC_SHA1,
            oid::HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
            oid::HMAC_SHA384 => pbkdf2::PBKDF2_HMAC_SHA384,
            oid::HMAC_SHA512 => pbkdf2::PBKDF2_HMAC_SHA512,
            other => return Err(unsupported(other)),
        };
        let bounded = u32::try_from(iterations).ok();
        let bounded = bounded.filter(|iterations| *iterations <= MAX_ITERATIONS);
        let bounded = bounded.ok_or_else(|| {
            KeyError::TooCostly(format!(
                "{iterations} iterations of PBKDF2, and {MAX_ITERATIONS} are the most"
            ))
        })?;
        let iterations = NonZeroU32::new(bounded).ok_or(KeyError::Malformed)?;
        let derivation = Self::Pbkdf2 {
            hash,
            salt,
            iterations,
        };
        Ok((derivation, len))
    }

    /// RFC 7914 §7: `SEQUENCE { salt OCTET STRING, costParameter INTEGER, blockSize INTEGER, parallelizationParameter
    /// INTEGER, keyLength INTEGER OPTIONAL }`
    fn scrypt(inner: &mut Walk<'a>) -> Result<(Self, Option<u64>), KeyError> {
        let salt = inner.expect(tag::OCTET_STRING);
        let salt = salt.ok_or(KeyError::Malformed)?.content;
        let mut next = || number(inner).ok_or(KeyError::Malformed);
        let (cost, block_size, parallel) = (next()?, next()?, next()?);
        let len = optional_number(inner)?;
        let memory = cost.saturating_mul(block_size).saturating_mul(128);
        let work = cost.saturating_mul(block_size).saturating_mul(parallel);
        if memory > MAX_SCRYPT_MEMORY || work > MAX_SCRYPT_WORK {
            return Err(KeyError::TooCostly(format!(
                "scrypt with N = {cost}, r = {block_size} and p = {parallel}"
            )));
        }
        if !cost.is_power_of_two() || cost < 2 || block_size == 0 || parallel == 0 {
            return Err(KeyError::Malformed);
        }
        let derivation = Self::Scrypt {
            salt,
            cost,
            block_size,
            parallel,
        };
        Ok((derivation, len))
    }

    fn derive(&self, passphrase: &[u8], key: &mut [u8]) -> Result<(), KeyError> {
        match self {
            Self::Pbkdf2 {
                hash,
                salt,
                iterations,
            } => {
                pbkdf2::derive(*hash, *iterations, salt, passphrase, key);
                Ok(())
            }
            Self::Scrypt {
                salt,
                cost,
                block_size,
                parallel,
            } => raw::scrypt(passphrase, salt, (*cost, *block_size, *parallel), key)
                .map_err(|_| KeyError::Malformed),
        }
    }
}

/// An AlgorithmIdentifier: its OID, and its parameters, which a walk begins at.
fn algorithm<'a>(walk: &mut Walk<'a>) -> Option<(&'a [u8], Walk<'a>)> {
    let mut inner = Walk::new(walk.expect(tag::SEQUENCE)?.content);
    let id = inner.expect(tag::OID)?.content;
    Some((id, inner))
}

fn number(walk: &mut Walk<'_>) -> Option<u64> {
    let content = walk.expect(tag::INTEGER)?.content;
    let (first, _) = content.split_first()?;
    // Not negative, and with the zero that may stand in front no longer than a u64.
    if first & 0x80 != 0 || content.len() > 9 || content.len() == 9 && *first != 0 {
        // A number without bound is a cost without bound.
        return (first & 0x80 == 0).then_some(u64::MAX);
    }
    Some(
        content
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

fn optional_number(walk: &mut Walk<'_>) -> Result<Option<u64>, KeyError> {
    match walk.peek_tag() {
        Some(tag::INTEGER) => number(walk).map(Some).ok_or(KeyError::Malformed),
        _ => Ok(None),
    }
}

fn unsupported(id: &[u8]) -> KeyError {
    KeyError::Encryption { scheme: dotted(id) }
}
