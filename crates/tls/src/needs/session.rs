use super::{Answer, NeedError, NeedId};
use crate::session::SessionState;

/// Is one of these sessions known? Raised only if the client offers one in a way that could be
/// accepted.
#[derive(Debug)]
pub struct SessionNeed {
    pub(crate) id: NeedId,
    pub(crate) offered: Vec<OfferedSession>,
}

impl SessionNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// What the client offers, in its order of preference; at most
    /// [`MAX_OFFERED`](Self::MAX_OFFERED).
    pub fn offered(&self) -> &[OfferedSession] {
        &self.offered
    }

    /// How many of a client's offers the engine asks about. Clients offer one or two; each costs a
    /// look-up or a decryption.
    pub const MAX_OFFERED: usize = 4;

    /// Answers it: the session, or `None` where none is known. An error counts as none, and shows in
    /// the trace.
    pub fn answer(self, result: Result<Option<SessionAnswer>, NeedError>) -> Answer {
        Answer::session(self.id, result)
    }
}

/// By what the client names a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferedSession {
    /// A ticket (TLS 1.3 PSK identity, or RFC 5077), as the server gave it out.
    Ticket(Vec<u8>),
    /// A TLS 1.2 session id.
    SessionId(Vec<u8>),
}

/// A session that is known: which of the offered ones, and its state. The engine decides whether it
/// may be resumed (binder, name, suite, policy, age).
pub type SessionAnswer = (usize, SessionState);
