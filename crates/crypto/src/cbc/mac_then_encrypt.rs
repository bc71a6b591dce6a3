//! RFC 5246 §6.2.3.2: the MAC inside.

use zeroize::Zeroizing;

use super::{
    CbcAlgorithm, Direction, HEADER_LEN, IV_LEN, OPEN_ERROR, SEAL_ERROR, of_aws_lc, pad, split_iv,
};
use crate::CryptoError;
use crate::hash::HashAlgorithm;
use crate::hmac::HmacKey;
use crate::raw::{BLOCK_LEN, CbcCipher, TlsCbc, TlsCbcAlgorithm};

pub(super) enum MacThenEncrypt {
    /// Both steps are AWS-LC's.
    AwsLc {
        key: TlsCbc,
        direction: Direction,
        mac_len: usize,
    },
    /// AES-256 with SHA-256, which AWS-LC does not have in one, to protect. No secret decides about anything here.
    SealAes256Sha256 { mac: HmacKey, cipher: CbcCipher },
    /// AES-256 with SHA-256, to take the protection off. See [`open_aes_256_sha256`].
    OpenAes256Sha256 {
        cipher: CbcCipher,
        again: CbcCipher,
        opener: TlsCbc,
    },
}

impl MacThenEncrypt {
    pub(super) fn new(
        algorithm: CbcAlgorithm,
        direction: Direction,
        mac_key: &[u8],
        key: &[u8],
    ) -> Result<Self, CryptoError> {
        let seal = direction == Direction::Seal;
        if let Some(of_aws_lc) = of_aws_lc(algorithm) {
            let keys = Zeroizing::new([mac_key, key].concat());
            return Ok(Self::AwsLc {
                key: TlsCbc::new(of_aws_lc, &keys, seal)?,
                direction,
                mac_len: algorithm.mac_len(),
            });
        }
        if seal {
            return Ok(Self::SealAes256Sha256 {
                mac: HmacKey::new(HashAlgorithm::Sha256, mac_key),
                cipher: CbcCipher::new(key, true)?,
            });
        }
        let keys = Zeroizing::new([mac_key, &PASSING_KEY[..]].concat());
        Ok(Self::OpenAes256Sha256 {
            cipher: CbcCipher::new(key, false)?,
            again: CbcCipher::new(&PASSING_KEY, true)?,
            opener: TlsCbc::new(TlsCbcAlgorithm::Aes128Sha256, &keys, false)?,
        })
    }

    /// `out` ends with the IV and the plaintext.
    pub(super) fn seal(
        &mut self,
        header: &[u8; HEADER_LEN],
        iv: &[u8; IV_LEN],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let content = out.len() - plaintext.len();
        match self {
            Self::AwsLc {
                key,
                direction: Direction::Seal,
                mac_len,
            } => {
                let inside = plaintext.len() + *mac_len;
                out.resize(content + super::padded_len(inside), 0);
                key.seal(header, iv, &mut out[content..], plaintext.len())
            }
            Self::SealAes256Sha256 { mac, cipher } => {
                let length = u16::try_from(plaintext.len()).map_err(|_| SEAL_ERROR)?;
                out.extend_from_slice(&mac.sign(&[header, &length.to_be_bytes(), plaintext]));
                pad(out.len() - content, out);
                cipher.apply(iv, &mut out[content..])
            }
            Self::AwsLc { .. } | Self::OpenAes256Sha256 { .. } => Err(SEAL_ERROR),
        }
    }

    /// How many bytes behind the IV are the plaintext.
    pub(super) fn open(
        &mut self,
        header: &[u8; HEADER_LEN],
        body: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let (iv, content) = split_iv(body).ok_or(OPEN_ERROR)?;
        // Anybody can see the length.
        if content.is_empty() || !content.len().is_multiple_of(BLOCK_LEN) {
            return Err(OPEN_ERROR);
        }
        match self {
            Self::AwsLc {
                key,
                direction: Direction::Open,
                ..
            } => key.open(header, &iv, content),
            Self::OpenAes256Sha256 {
                cipher,
                again,
                opener,
            } => open_aes_256_sha256(cipher, again, opener, header, &iv, content),
            Self::AwsLc { .. } | Self::SealAes256Sha256 { .. } => Err(OPEN_ERROR),
        }
    }
}

/// What a record is encrypted with again; it protects nothing.
const PASSING_KEY: [u8; 16] = [0; 16];

/// Takes the padding and the MAC of HMAC-SHA256 off what AES-256 encrypts.
///
/// AWS-LC does so in constant time for AES-128 alone. So the blocks are decrypted, encrypted again with AES-128 under a key
/// that everybody may know, since what it encrypts never leaves the function, and given to AWS-LC. Neither step looks at
/// what the blocks say; all that does is AWS-LC's.
fn open_aes_256_sha256(
    cipher: &mut CbcCipher,
    again: &mut CbcCipher,
    opener: &mut TlsCbc,
    header: &[u8; HEADER_LEN],
    iv: &[u8; IV_LEN],
    content: &mut [u8],
) -> Result<usize, CryptoError> {
    cipher.apply(iv, content)?;
    again.apply(iv, content)?;
    opener.open(header, iv, content)
}
