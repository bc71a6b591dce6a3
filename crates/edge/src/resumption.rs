//! Sessions to take up again: ticket keys, this edge's own and those that the key server gives to all, and a cache for TLS 1.2
//! session IDs.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyward_config::NamePattern;
use keyward_crypto::CryptoError;
use keyward_crypto::random::SecureRandom;
use keyward_keyclient::TicketKeys as Received;
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{NewSessionKind, OfferedSession, SessionState, UnixTime};
use quick_cache::sync::Cache;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::shared_tickets::SharedTickets;

/// How long a ticket key seals new tickets; it opens them for as long again, and is then wiped.
pub(crate) const ROTATION: Duration = Duration::from_secs(3600);

/// A session in the cache, shared with who reads it. The state holds the master secret, and is wiped with the last of them.
#[derive(Clone)]
struct Cached {
    expires: UnixTime,
    state: Arc<Zeroizing<Vec<u8>>>,
}

/// What this process knows about earlier sessions.
pub(crate) struct Resumption {
    /// This edge's own keys.
    tickets: RwLock<TicketKeys>,
    /// Those that other edges have as well, if the key server gives some.
    shared: RwLock<Option<SharedTickets>>,
    /// By session ID.
    sessions: Option<Cache<Vec<u8>, Cached>>,
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
            shared: RwLock::new(None),
            sessions: (sessions > 0).then(|| Cache::new(sessions)),
            random,
        })
    }

    /// The first of the offered sessions that is known. The engine checks whether it fits.
    /// Keys of other edges count where they have `shared`, the site's names: who has such a key can write sessions with it, and
    /// they must be good for no other site.
    pub(crate) fn find(
        &self,
        offered: &[OfferedSession],
        shared: Option<&[NamePattern]>,
    ) -> Option<(usize, SessionState)> {
        offered.iter().enumerate().find_map(|(index, offered)| {
            let state = match offered {
                OfferedSession::Ticket(ticket) => self.open(ticket, shared),
                OfferedSession::SessionId(id) => self.cached(id),
            };
            state.map(|state| (index, state))
        })
    }

    /// Keeps a new session; returns the ticket for the client where one is asked for.
    /// Other edges can open it if they have keys for all of `shared`.
    pub(crate) fn keep(
        &self,
        state: &SessionState,
        kind: &NewSessionKind,
        shared: Option<&[NamePattern]>,
    ) -> Option<Vec<u8>> {
        match kind {
            NewSessionKind::Ticket => shared
                .and_then(|names| self.seal_shared(state, names))
                .or_else(|| self.read().seal(state)),
            NewSessionKind::SessionId(id) => {
                let sessions = self.sessions.as_ref()?;
                let cached = Cached {
                    expires: state.expires(),
                    state: Arc::new(state.encode()),
                };
                sessions.insert(id.clone(), cached);
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

    /// Takes the keys that the key server gives; returns when to ask for the next ones.
    ///
    /// # Errors
    ///
    /// AWS-LC does not take a key; those before stay.
    pub(crate) fn share(&self, received: &Received) -> Result<Duration, CryptoError> {
        let now = Instant::now();
        let keys = SharedTickets::new(received, now, &self.random)?;
        let ask_again = keys.ask_again(now);
        *self.shared.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        Ok(ask_again)
    }

    /// When to ask again for keys that are there.
    pub(crate) fn ask_again(&self) -> Option<Duration> {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        shared.as_ref().map(|keys| keys.ask_again(Instant::now()))
    }

    fn seal_shared(&self, state: &SessionState, names: &[NamePattern]) -> Option<Vec<u8>> {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        shared.as_ref()?.seal(state, names, Instant::now())
    }

    fn open(&self, ticket: &[u8], names: Option<&[NamePattern]>) -> Option<SessionState> {
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        let keys = shared.as_ref();
        let found = names.and_then(|names| keys?.open(ticket, names, Instant::now()));
        found.or_else(|| self.read().open(ticket))
    }

    /// Wipes the sessions that are over: nobody would look them up again, and their secrets open what
    /// was recorded of them.
    pub(crate) fn forget_expired(&self, now: UnixTime) {
        if let Some(sessions) = &self.sessions {
            sessions.retain(|_, cached| now < cached.expires);
        }
    }

    fn cached(&self, id: &[u8]) -> Option<SessionState> {
        let cached = self.sessions.as_ref()?.get(id)?;
        SessionState::decode(&cached.state).ok()
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

#[cfg(test)]
pub(crate) mod tests {
    use keyward_crypto::random::SystemRandom;

    use super::*;

    /// A session in the engine's encoding: TLS 1.2, made at second 1000, for 60 seconds.
    pub(crate) fn session() -> SessionState {
        let mut bytes = vec![3, 0x03, 0x03, 0xc0, 0x2b];
        // Made, and its ticket issued.
        bytes.extend_from_slice(&1_000_000_u64.to_be_bytes());
        bytes.extend_from_slice(&1_000_000_u64.to_be_bytes());
        bytes.extend_from_slice(&60_u32.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 0, 1, 48]);
        bytes.extend_from_slice(&[0xa5; 48]);
        bytes.extend_from_slice(&[0, 0, 0]);
        bytes.extend_from_slice(&[0; 4 + 2 + 2 + 2]);
        SessionState::decode(&bytes).expect("the engine's encoding")
    }

    fn resumption() -> Resumption {
        Resumption::new(8, Arc::new(SystemRandom)).expect("random bytes")
    }

    #[test]
    fn a_ticket_is_good_for_one_rotation_more() {
        let resumption = resumption();
        let kept = resumption.keep(&session(), &NewSessionKind::Ticket, None);
        let offered = [OfferedSession::Ticket(kept.expect("a ticket"))];
        resumption.rotate().expect("random bytes");
        assert!(resumption.find(&offered, None).is_some());
        resumption.rotate().expect("random bytes");
        assert!(resumption.find(&offered, None).is_none());
    }

    #[test]
    fn a_session_is_forgotten_when_it_is_over() {
        let resumption = resumption();
        let id = vec![7; 32];
        resumption.keep(&session(), &NewSessionKind::SessionId(id.clone()), None);
        let offered = [OfferedSession::SessionId(id)];
        resumption.forget_expired(UnixTime::from_secs(1_059));
        assert!(resumption.find(&offered, None).is_some());
        resumption.forget_expired(UnixTime::from_secs(1_060));
        assert!(resumption.find(&offered, None).is_none());
    }
}
