//! RSA key transport: from the premaster secret to the ciphertext, and from the decrypted block to the premaster secret, in
//! constant time (RFC 5246 §7.4.7.1).
//!
//! Bleichenbacher's attack and all its descendants (ROBOT, Marvin) need one bit of difference between a block that is
//! well padded and one that is not: an alert, an error, a branch, a memory access. Here every byte of every block is
//! read in the same order, all checks are combined without a branch, and a masked select takes the result.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::hash::HashAlgorithm;
use crate::hkdf::{self, Secret, extract};
use crate::hmac::HmacKey;
use crate::raw;
use crate::signature::PublicKey;

/// The length of a premaster secret of RSA key transport in bytes (RFC 5246 §7.4.7.1).
pub const PREMASTER_LEN: usize = 48;

/// PKCS#1 v1.5 block type 2 (RFC 8017 §7.2.2): `EM = 0x00 || 0x02 || PS || 0x00 || M`, PS at least 8 bytes, none zero.
const MIN_BLOCK_LEN: usize = 2 + 8 + 1 + PREMASTER_LEN;

/// That of the largest modulus that there are keys of, 8192 bits.
const MAX_BLOCK_LEN: usize = 1024;

/// The client's half: `premaster` encrypted to the server's RSA key with the padding of PKCS#1 v1.5, as long as the
/// modulus. Its first two bytes are `ClientHello.legacy_version`, the rest are random.
///
/// # Errors
///
/// `public_key` is no RSA key.
pub fn encrypt_premaster(
    public_key: &PublicKey,
    premaster: &[u8; PREMASTER_LEN],
) -> Result<Vec<u8>, CryptoError> {
    const ERROR: CryptoError = CryptoError::new("RSA encryption");
    let key = PublicEncryptingKey::from_der(public_key.spki_der()).map_err(|_| ERROR)?;
    let key = Pkcs1PublicEncryptingKey::new(key).map_err(|_| ERROR)?;
    let mut ciphertext = vec![0; key.ciphertext_size()];
    let len = key
        .encrypt(premaster, &mut ciphertext)
        .map_err(|_| ERROR)?
        .len();
    ciphertext.truncate(len);
    Ok(ciphertext)
}

/// The premaster secret in `padded`, the output of the RSA operation with all the modulus' bytes; or `substitute`, 48
/// random bytes drawn beforehand, if anything is wrong with it: padding, length or version. Which of the two it is shows
/// in nothing but the value.
///
/// `client_version` is `ClientHello.legacy_version` as offered, not what was negotiated.
pub fn premaster(
    padded: &[u8],
    client_version: u16,
    substitute: &[u8; PREMASTER_LEN],
) -> Zeroizing<[u8; PREMASTER_LEN]> {
    let mut result = Zeroizing::new(*substitute);

    // The block is as long as the modulus, which everybody knows: no secret is in this branch.
    if padded.len() < MIN_BLOCK_LEN {
        return result;
    }
    let message = &padded[padded.len() - PREMASTER_LEN..];

    // RFC 5246 §7.4.7.1: "The version number in the PreMasterSecret is the version offered by the client in the
    // ClientHello.client_version", against rollback, and "server implementations MUST check the version number".
    let [major, minor] = client_version.to_be_bytes();
    let good = is_padded_premaster(padded) & message[0].ct_eq(&major) & message[1].ct_eq(&minor);

    // "In any case, a TLS server MUST NOT generate an alert if processing an RSA-encrypted premaster secret message
    // fails, or the version number is not as expected. Instead, it MUST continue the handshake with a randomly
    // generated premaster secret." (RFC 5246 §7.4.7.1)
    for (out, byte) in result.iter_mut().zip(message) {
        out.conditional_assign(byte, good);
    }
    result
}

/// `padded`, the output of the RSA operation, if it is the padded block of a premaster secret, of whichever version; else
/// `substitute`, a block of the same length that [`substitute_block`] made beforehand. For those who hand blocks out to be
/// unpadded elsewhere: whatever was decrypted, what leaves has the form that a client's block has, so that neither the
/// padding shows nor can a signature be got by the way of decryption. Which of the two it is shows in nothing but the value.
pub fn padded_premaster(padded: &[u8], substitute: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut result = Zeroizing::new(substitute.to_vec());
    // Lengths are known to everybody.
    if padded.len() < MIN_BLOCK_LEN || padded.len() != substitute.len() {
        return result;
    }
    let good = is_padded_premaster(padded);
    for (out, byte) in result.iter_mut().zip(padded) {
        out.conditional_assign(byte, good);
    }
    result
}

/// A padded block of `len` bytes, the modulus' length, as a client of TLS 1.2 makes one, with padding and premaster secret
/// from `seed`.
///
/// # Errors
///
/// No modulus is so short or so long.
pub fn substitute_block(len: usize, seed: &Secret) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    const VERSION: [u8; 2] = [3, 3];
    if !(MIN_BLOCK_LEN..=MAX_BLOCK_LEN).contains(&len) {
        return Err(CryptoError::new("making an RSA block"));
    }
    let padding_len = len - (2 + 1 + PREMASTER_LEN);
    let mut random = Zeroizing::new(vec![0; 2 * padding_len + PREMASTER_LEN]);
    hkdf::expand(HashAlgorithm::Sha384, seed, |expander| {
        expander.label(b"padded block", &[], &mut random);
    });
    let (padding, premaster) = random.split_at(2 * padding_len);
    let mut block = Zeroizing::new(Vec::with_capacity(len));
    block.extend([0, 2]);
    for pair in padding.chunks_exact(2) {
        // 1 to 255, by a multiplication: neither a branch nor a division that depends on the bytes.
        let wide = u32::from(pair[0]) << 8 | u32::from(pair[1]);
        let [_, scaled, ..] = (wide * 255).to_be_bytes();
        block.push(scaled + 1);
    }
    block.push(0);
    block.extend(VERSION);
    block.extend_from_slice(&premaster[VERSION.len()..]);
    Ok(block)
}

/// Whether `padded`, of [`MIN_BLOCK_LEN`] bytes or more, has the form `00 02 PS 00 M` with an M of 48 bytes.
fn is_padded_premaster(padded: &[u8]) -> Choice {
    // M is 48 bytes long, so the separator has one place where it may be, and that place is no secret either.
    let head = &padded[..padded.len() - PREMASTER_LEN];
    let (block_type, padding) = (&head[..2], &head[2..head.len() - 1]);
    let separator = head[head.len() - 1];
    block_type[0].ct_eq(&0) & block_type[1].ct_eq(&2) & all_non_zero(padding) & separator.ct_eq(&0)
}

/// What makes the premaster secret that takes the place of one that is not there: a pseudo-random function under a key that
/// nobody has who has not the private key. The same question always has the same answer, from every replica.
#[derive(Debug)]
pub struct ImplicitRejection(HmacKey);

impl ImplicitRejection {
    /// The context of a private key in this process, as AWS-LC encodes it: independent of the file's format.
    pub(crate) fn of_private_key(pkcs8: &[u8]) -> Self {
        Self::new(pkcs8, b"keyward implicit rejection")
    }

    /// For an RSA key elsewhere: from the decryption of [`question`](Self::question), without unpadding. Only the private key
    /// yields it, it is no secret of any handshake, and it is asked for once.
    pub fn of_answer(block: &[u8]) -> Self {
        Self::new(block, b"keyward implicit rejection, asked")
    }

    /// The number that a key elsewhere decrypts to begin with: as long as the modulus and below it, made by a hash of the key,
    /// so that it is neither a ciphertext that a client sends nor a message that anything signs. `None` if this is no RSA key.
    pub fn question(public_key: &PublicKey) -> Option<Vec<u8>> {
        let len = public_key.rsa_modulus()?.len();
        let seed = extract(
            HashAlgorithm::Sha512,
            public_key.spki_der(),
            b"keyward implicit rejection, question",
        );
        let mut number = vec![0; len];
        // Without its first byte it is below every modulus of this length.
        let (_, rest) = number.split_first_mut()?;
        raw::hkdf_expand(HashAlgorithm::Sha512, seed.as_bytes(), b"", rest).then_some(number)
    }

    fn new(secret: &[u8], label: &[u8]) -> Self {
        let key = extract(HashAlgorithm::Sha384, secret, label);
        Self(HmacKey::new(HashAlgorithm::Sha384, key.as_bytes()))
    }

    /// 48 pseudo-random bytes, a function of the private key and `context`.
    pub fn substitute(&self, context: &[&[u8]]) -> Zeroizing<[u8; PREMASTER_LEN]> {
        let mut secret = Zeroizing::new([0; PREMASTER_LEN]);
        secret.copy_from_slice(self.0.derive(context).as_bytes());
        secret
    }
}

fn all_non_zero(bytes: &[u8]) -> Choice {
    bytes
        .iter()
        .fold(Choice::from(1), |good, byte| good & !byte.ct_eq(&0))
}
