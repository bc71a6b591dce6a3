//! Session tickets for callers: the session, sealed with a session ticket key that the servers share.
//!
//! A ticket is `key name (16) ‖ nonce (12) ‖ AES-256-GCM(SessionState) ‖ tag (16)`, with the key name
//! as additional data (in the spirit of RFC 5077 §4).
//!
//! Who steals a session ticket key can read what tickets sealed with it protect, in TLS 1.2 the
//! connections as well: rotate it, and keep it out of files.

use std::fmt;
use std::sync::Arc;

use keyward_crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN, TAG_LEN};
use keyward_crypto::hkdf::{self, Secret};
use keyward_crypto::random::SecureRandom;
use keyward_crypto::{CryptoError, hash::HashAlgorithm};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::session::SessionState;

/// Session ticket keys: the current one seals and opens, the earlier ones still open.
///
/// ```
/// use std::sync::Arc;
/// use keyward_crypto::random::SystemRandom;
/// use keyward_tls::tickets::TicketKeys;
///
/// let mut keys = TicketKeys::new(&[[7; 32]], Arc::new(SystemRandom))?;
/// keys.rotate([8; 32])?;
/// assert!(keys.open(b"not a ticket").is_none());
/// # Ok::<(), keyward_crypto::CryptoError>(())
/// ```
pub struct TicketKeys {
    /// The current one first.
    keys: Vec<TicketKey>,
    random: Arc<dyn SecureRandom>,
}

struct TicketKey {
    name: [u8; NAME_LEN],
    key: AeadKey,
}

const NAME_LEN: usize = 16;

impl TicketKeys {
    /// How many keys are kept: current, previous and next.
    pub const MAX_KEYS: usize = 3;

    /// Takes the session ticket keys, the current one first. Nothing is sealed without a key.
    pub fn new(keys: &[[u8; 32]], random: Arc<dyn SecureRandom>) -> Result<Self, CryptoError> {
        let keys = keys.iter().take(Self::MAX_KEYS).map(TicketKey::new);
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            random,
        })
    }

    /// Makes `key` the current one. The one so far still opens what it sealed, until the next
    /// rotation; those before it are dropped, so that a stolen key opens little.
    pub fn rotate(&mut self, key: [u8; 32]) -> Result<(), CryptoError> {
        let key = Zeroizing::new(key);
        self.keys.insert(0, TicketKey::new(&key)?);
        self.keys.truncate(2);
        Ok(())
    }

    /// The ticket for a session; `None` if there is no key or no randomness.
    pub fn seal(&self, state: &SessionState) -> Option<Vec<u8>> {
        let key = self.keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;

        const BEFORE: usize = NAME_LEN + NONCE_LEN;
        // Wiped where the state is not sealed. There is room for all of it, for a vector that moves would leave the
        // state behind.
        let length = BEFORE + state.max_encoded_len() + TAG_LEN;
        let mut ticket = Zeroizing::new(Vec::with_capacity(length));
        ticket.extend_from_slice(&key.name);
        ticket.extend_from_slice(&nonce);
        state.encode_to(&mut ticket);
        let tag = key
            .key
            .seal(&nonce, &key.name, &mut ticket[BEFORE..])
            .ok()?;
        ticket.extend_from_slice(&tag);
        Some(std::mem::take(&mut *ticket))
    }

    /// The session in a ticket; `None` if it is not one of ours, was changed, or its key is gone.
    pub fn open(&self, ticket: &[u8]) -> Option<SessionState> {
        let (name, rest) = ticket.split_first_chunk::<NAME_LEN>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self
            .keys
            .iter()
            .find(|key| bool::from(key.name.ct_eq(name)))?;
        let mut content = Zeroizing::new(sealed.to_vec());
        let state = key.key.open(nonce, name, &mut content).ok()?;
        SessionState::decode(state).ok()
    }
}

impl TicketKey {
    /// Name and AEAD key are derived, so that the name tells nothing of the key.
    fn new(secret: &[u8; 32]) -> Result<Self, CryptoError> {
        let secret = Secret::from_slice(secret);
        let mut name = [0; NAME_LEN];
        let mut key = Zeroizing::new([0; 32]);
        hkdf::expand_label(
            HashAlgorithm::Sha256,
            &secret,
            b"kw ticket name",
            b"",
            &mut name,
        );
        hkdf::expand_label(
            HashAlgorithm::Sha256,
            &secret,
            b"kw ticket key",
            b"",
            key.as_mut_slice(),
        );
        Ok(Self {
            name,
            key: AeadKey::new(AeadAlgorithm::Aes256Gcm, key.as_slice())?,
        })
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketKeys({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::random::SystemRandom;

    use super::*;
    use crate::session::tests::state;

    fn keys(keys: &[[u8; 32]]) -> TicketKeys {
        TicketKeys::new(keys, Arc::new(SystemRandom)).unwrap()
    }

    #[test]
    fn a_ticket_opens_where_its_key_is_known() {
        let ticket = keys(&[[1; 32]]).seal(&state()).unwrap();
        let opened = keys(&[[2; 32], [1; 32]]).open(&ticket).unwrap();
        assert_eq!(opened.encode(), state().encode());
        assert!(keys(&[[2; 32]]).open(&ticket).is_none());
        assert!(keys(&[]).seal(&state()).is_none());
    }

    #[test]
    fn a_ticket_outlives_one_rotation() {
        let mut rotated = keys(&[[1; 32], [9; 32]]);
        let ticket = rotated.seal(&state()).unwrap();
        rotated.rotate([2; 32]).unwrap();
        assert!(rotated.open(&ticket).is_some());
        let later = rotated.seal(&state()).unwrap();
        assert!(keys(&[[1; 32]]).open(&later).is_none(), "the old key seals");
        rotated.rotate([3; 32]).unwrap();
        assert!(rotated.open(&ticket).is_none());
    }

    #[test]
    fn no_byte_of_a_ticket_can_be_changed_or_cut() {
        let keys = keys(&[[1; 32]]);
        let ticket = keys.seal(&state()).unwrap();
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert!(keys.open(&changed).is_none(), "{at}");
            assert!(keys.open(&ticket[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn two_tickets_for_one_session_differ() {
        let keys = keys(&[[1; 32]]);
        assert_ne!(keys.seal(&state()), keys.seal(&state()));
    }
}
