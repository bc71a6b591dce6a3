use super::{Answer, NeedError, NeedId};
use crate::session::SessionState;

/// A session that could be resumed: keep it, or seal it into a ticket.
#[derive(Debug)]
pub struct NewSessionNeed {
    pub(crate) id: NeedId,
    pub(crate) state: SessionState,
    pub(crate) kind: NewSessionKind,
}

/// How the client will name the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewSessionKind {
    /// By the ticket that the answer gives: the sealed state, or a handle to it.
    Ticket,
    /// By this TLS 1.2 session id; store the state under it. What the answer gives is not sent;
    /// `Some` says that it was stored.
    SessionId(Vec<u8>),
}

impl NewSessionNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// The session.
    pub fn state(&self) -> &SessionState {
        &self.state
    }

    /// How the client will name it.
    pub fn kind(&self) -> &NewSessionKind {
        &self.kind
    }

    /// Splits it into the id, for [`Answer::new_session`], the session and how it will be named.
    pub fn into_parts(self) -> (NeedId, SessionState, NewSessionKind) {
        (self.id, self.state, self.kind)
    }

    /// Answers it: the ticket of 1 to 65535 bytes, or `None` for no ticket. An error counts as none,
    /// and shows in the trace.
    pub fn answer(self, result: Result<Option<Vec<u8>>, NeedError>) -> Answer {
        Answer::new_session(self.id, result)
    }
}
