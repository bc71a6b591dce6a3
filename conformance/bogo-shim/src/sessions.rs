//! What outlives a connection: a server's sessions by ticket and by id, a client's latest, what early
//! data was seen, and the time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use keyward_crypto::random::SystemRandom;
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{
    ClientSession, NewSessionKind, NewSessionNeed, OfferedSession, SessionAnswer, SessionNeed,
    SessionState, UnixTime,
};

use crate::failure::{Failure, unmet};

pub(crate) struct Sessions {
    tickets: TicketKeys,
    by_id: HashMap<Vec<u8>, SessionState>,
    seen_early_data: HashSet<[u8; 32]>,
    /// A client's: the one to offer next, and the one that came last on the connection under way.
    to_offer: Option<ClientSession>,
    received: Option<ClientSession>,
    /// Time stands still but for what a test says: some of them ask for an age to the millisecond.
    begun: UnixTime,
    /// How far the clock is ahead, in seconds.
    ahead_s: u64,
    is_server: bool,
}

impl Sessions {
    pub(crate) fn new(is_server: bool) -> Result<Self, Failure> {
        let tickets = TicketKeys::new(&[[7; 32]], Arc::new(SystemRandom))
            .map_err(|_| unmet("no ticket key"))?;
        Ok(Self {
            tickets,
            by_id: HashMap::new(),
            seen_early_data: HashSet::new(),
            to_offer: None,
            received: None,
            begun: UnixTime::now(),
            ahead_s: 0,
            is_server,
        })
    }

    pub(crate) fn now(&self) -> UnixTime {
        // A client tells the milliseconds that have passed in full: one more has begun by then.
        let begun_ms = u64::from(self.ahead_s > 0 && !self.is_server);
        let ahead_ms = self.ahead_s.saturating_mul(1000).saturating_add(begun_ms);
        UnixTime::from_millis(self.begun.as_millis().saturating_add(ahead_ms))
    }

    pub(crate) fn advance_clock(&mut self, seconds: u64) {
        self.ahead_s = self.ahead_s.saturating_add(seconds);
    }

    /// A connection ends: what it received is what the next one offers.
    pub(crate) fn end_connection(&mut self) {
        if let Some(session) = self.received.take() {
            self.to_offer = Some(session);
        }
    }

    /// What a client offers.
    pub(crate) fn offer(&self) -> Option<ClientSession> {
        self.to_offer.clone()
    }

    /// Keeps what a client was given.
    pub(crate) fn receive(&mut self, session: ClientSession) {
        self.received = Some(session);
    }

    /// What this connection was given so far.
    pub(crate) fn received(&self) -> Option<&ClientSession> {
        self.received.as_ref()
    }

    /// Whether early data is seen for the first time.
    pub(crate) fn is_fresh(&mut self, unique: [u8; 32]) -> bool {
        self.seen_early_data.insert(unique)
    }

    /// The first that is known.
    pub(crate) fn find(&self, need: &SessionNeed) -> Option<SessionAnswer> {
        let known = |offered: &OfferedSession| match offered {
            OfferedSession::Ticket(ticket) => self.tickets.open(ticket),
            OfferedSession::SessionId(id) => self.by_id.get(id).cloned(),
        };
        let offered = need.offered().iter().enumerate();
        offered
            .filter_map(|(index, offered)| Some((index, known(offered)?)))
            .next()
    }

    /// The ticket, or the id under which the session is stored.
    pub(crate) fn keep(&mut self, need: &NewSessionNeed) -> Option<Vec<u8>> {
        match need.kind() {
            NewSessionKind::Ticket => self.tickets.seal(need.state()),
            NewSessionKind::SessionId(id) => {
                self.by_id.insert(id.clone(), need.state().clone());
                Some(id.clone())
            }
            _ => None,
        }
    }
}
