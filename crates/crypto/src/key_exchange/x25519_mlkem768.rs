//! X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem §4): both exchanges side by side, safe while either one is.
//!
//! | | bytes | content |
//! |---|---|---|
//! | client share | 1216 | ML-KEM-768 encapsulation key (1184) ‖ X25519 (32) |
//! | server share | 1120 | ML-KEM-768 ciphertext (1088) ‖ X25519 (32) |
//! | shared secret | 64 | ML-KEM-768 (32) ‖ X25519 (32) |

use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use zeroize::Zeroizing;

use super::{Curve, EcdhKey, KeyExchangeError, SharedSecret};
use crate::CryptoError;

const ENCAPSULATION_KEY_LEN: usize = 1184;
const CIPHERTEXT_LEN: usize = 1088;
const X25519_LEN: usize = 32;
const CLIENT_SHARE_LEN: usize = ENCAPSULATION_KEY_LEN + X25519_LEN;
const SERVER_SHARE_LEN: usize = CIPHERTEXT_LEN + X25519_LEN;

pub(super) fn respond(client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), KeyExchangeError> {
    let (encapsulation_key, x25519) = split(client_share, CLIENT_SHARE_LEN)?;
    // The draft's §4.2 wants the encapsulation key check of FIPS 203 §7.2, and illegal_parameter if it fails:
    // encapsulate() does the check.
    let encapsulation_key = EncapsulationKey::new(&ML_KEM_768, encapsulation_key)
        .map_err(|_| KeyExchangeError::InvalidPeerShare)?;
    let (ciphertext, mlkem_secret) = encapsulation_key
        .encapsulate()
        .map_err(|_| KeyExchangeError::InvalidPeerShare)?;
    let key = EcdhKey::generate(Curve::X25519)?;
    let x25519_secret = key.agree(x25519)?;

    let mut share = Vec::with_capacity(SERVER_SHARE_LEN);
    share.extend_from_slice(ciphertext.as_ref());
    share.extend_from_slice(&key.public()?);
    Ok((share, join(mlkem_secret.as_ref(), &x25519_secret)))
}

pub(super) fn is_valid_client_share(share: &[u8]) -> bool {
    let Ok((encapsulation_key, x25519)) = split(share, CLIENT_SHARE_LEN) else {
        return false;
    };
    // There is no call for the encapsulation key check alone, so one encapsulation is spent on it.
    EncapsulationKey::new(&ML_KEM_768, encapsulation_key).is_ok_and(|key| key.encapsulate().is_ok())
        && Curve::X25519.check_public(x25519).is_ok()
}

pub(super) struct ClientKey {
    mlkem: DecapsulationKey,
    x25519: EcdhKey,
}

impl ClientKey {
    pub(super) fn generate() -> Result<(Self, Vec<u8>), CryptoError> {
        const ERROR: CryptoError = CryptoError::new("ML-KEM-768 key generation");
        let mlkem = DecapsulationKey::generate(&ML_KEM_768).map_err(|_| ERROR)?;
        let encapsulation_key = mlkem
            .encapsulation_key()
            .and_then(|key| key.key_bytes())
            .map_err(|_| ERROR)?;
        let x25519 = EcdhKey::generate(Curve::X25519)?;

        let mut share = Vec::with_capacity(CLIENT_SHARE_LEN);
        share.extend_from_slice(encapsulation_key.as_ref());
        share.extend_from_slice(&x25519.public()?);
        Ok((Self { mlkem, x25519 }, share))
    }

    pub(super) fn agree(&self, server_share: &[u8]) -> Result<SharedSecret, KeyExchangeError> {
        let (ciphertext, x25519) = split(server_share, SERVER_SHARE_LEN)?;
        // A wrong ciphertext of the right length yields a pseudorandom secret (implicit rejection, FIPS 203 §6.3), and
        // Finished fails.
        let mlkem_secret = self
            .mlkem
            .decapsulate(Ciphertext::from(ciphertext))
            .map_err(|_| KeyExchangeError::InvalidPeerShare)?;
        let x25519_secret = self.x25519.agree(x25519)?;
        Ok(join(mlkem_secret.as_ref(), &x25519_secret))
    }
}

/// A share of another length than the group's ends the handshake with illegal_parameter, on both sides (the
/// draft's §4).
fn split(share: &[u8], len: usize) -> Result<(&[u8], &[u8]), KeyExchangeError> {
    if share.len() != len {
        return Err(KeyExchangeError::InvalidPeerShare);
    }
    Ok(share.split_at(len - X25519_LEN))
}

fn join(mlkem_secret: &[u8], x25519_secret: &SharedSecret) -> SharedSecret {
    SharedSecret::new(&Zeroizing::new(
        [mlkem_secret, x25519_secret.as_bytes()].concat(),
    ))
}
