//! Sessions to take up again: ticket keys, and a cache for TLS 1.2 session IDs.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyward_crypto::CryptoError;
use keyward_crypto::random::SecureRandom;
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{NewSessionKind, OfferedSession, SessionState};
use quick_cache::sync::Cache;
use zeroize::Zeroizing;

/// How long a ticket key seals new tickets; it opens them for as long again.
pub(crate) const ROTATION: Duration = Duration::from_secs(3600);

/// A session's state, shared by the cache and who reads it.
type Encoded = Arc<Zeroizing<Vec<u8>>>;

/// What this process knows about earlier sessions.
pub(crate) struct Resumption {
    tickets: RwLock<TicketKeys>,
    /// By session ID. The encoded state holds the master secret, so it is wiped when evicted.
    sessions: Option<Cache<Vec<u8>, Encoded>>,
    random: Arc<dyn SecureRandom>,
}

impl Resumption {
    /// With a random ticket key, and room for `sessions` sessions by ID.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes.
    pub(crate) fn new(sessions: usize, random: Arc<dyn SecureRandom>) -> Result<Self, CryptoError> {
        let first = random_key(&*random)?;
        Ok(Self {
            tickets: RwLock::new(TicketKeys::new(&[*first], random.clone())?),
            sessions: (sessions > 0).then(|| Cache::new(sessions)),
            random,
        })
    }

    /// The first of the offered sessions that is known. The engine checks whether it fits.
    pub(crate) fn find(&self, offered: &[OfferedSession]) -> Option<(usize, SessionState)> {
        offered.iter().enumerate().find_map(|(index, offered)| {
            let state = match offered {
                OfferedSession::Ticket(ticket) => self.read().open(ticket),
                OfferedSession::SessionId(id) => self.cached(id),
            };
            state.map(|state| (index, state))
        })
    }

    /// Keeps a new session; returns the ticket for the client where one is asked for.
    pub(crate) fn keep(&self, state: &SessionState, kind: &NewSessionKind) -> Option<Vec<u8>> {
        match kind {
            NewSessionKind::Ticket => self.read().seal(state),
            NewSessionKind::SessionId(id) => {
                let sessions = self.sessions.as_ref()?;
                sessions.insert(id.clone(), Arc::new(state.encode()));
                // The engine only wants to know that it was kept.
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// A new key for new tickets; the key so far still opens those that it sealed.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes; the keys stay as they are.
    pub(crate) fn rotate(&self) -> Result<(), CryptoError> {
        let next = random_key(&*self.random)?;
        self.tickets
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .rotate(*next)
    }

    fn cached(&self, id: &[u8]) -> Option<SessionState> {
        let encoded = self.sessions.as_ref()?.get(id)?;
        SessionState::decode(&encoded).ok()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, TicketKeys> {
        self.tickets.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random_key(random: &dyn SecureRandom) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    random.fill(&mut *key)?;
    Ok(key)
}
