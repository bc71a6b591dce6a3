//! MLKEM1024 (draft-ietf-tls-mlkem): ML-KEM alone, for those whose rules ask for it (CNSA 2.0).
//!
//! | | bytes | content |
//! |---|---|---|
//! | client share | 1568 | encapsulation key |
//! | server share | 1568 | ciphertext |
//! | shared secret | 32 | |

use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_1024};

use super::{KeyExchangeError, SharedSecret};
use crate::CryptoError;

const ENCAPSULATION_KEY_LEN: usize = 1568;
const CIPHERTEXT_LEN: usize = 1568;

pub(super) fn respond(client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), KeyExchangeError> {
    let (ciphertext, secret) = encapsulation_key(client_share)?
        // With the encapsulation key check of FIPS 203 §7.2.
        .encapsulate()
        .map_err(|_| KeyExchangeError::InvalidPeerShare)?;
    Ok((
        ciphertext.as_ref().to_vec(),
        SharedSecret::new(secret.as_ref()),
    ))
}

pub(super) fn is_valid_client_share(share: &[u8]) -> bool {
    // There is no call for the encapsulation key check alone, so one encapsulation is spent on it.
    encapsulation_key(share).is_ok_and(|key| key.encapsulate().is_ok())
}

fn encapsulation_key(share: &[u8]) -> Result<EncapsulationKey, KeyExchangeError> {
    if share.len() != ENCAPSULATION_KEY_LEN {
        return Err(KeyExchangeError::InvalidPeerShare);
    }
    EncapsulationKey::new(&ML_KEM_1024, share).map_err(|_| KeyExchangeError::InvalidPeerShare)
}

pub(super) struct ClientKey(DecapsulationKey);

impl ClientKey {
    pub(super) fn generate() -> Result<(Self, Vec<u8>), CryptoError> {
        const ERROR: CryptoError = CryptoError::new("ML-KEM-1024 key generation");
        let key = DecapsulationKey::generate(&ML_KEM_1024).map_err(|_| ERROR)?;
        let share = key
            .encapsulation_key()
            .and_then(|key| key.key_bytes())
            .map_err(|_| ERROR)?;
        Ok((Self(key), share.as_ref().to_vec()))
    }

    pub(super) fn agree(&self, server_share: &[u8]) -> Result<SharedSecret, KeyExchangeError> {
        if server_share.len() != CIPHERTEXT_LEN {
            return Err(KeyExchangeError::InvalidPeerShare);
        }
        // A wrong ciphertext of the right length yields a pseudorandom secret (implicit rejection, FIPS 203 §6.3), and
        // Finished fails.
        self.0
            .decapsulate(Ciphertext::from(server_share))
            .map(|secret| SharedSecret::new(secret.as_ref()))
            .map_err(|_| KeyExchangeError::InvalidPeerShare)
    }
}
