//! What the engine asks for: the points where a handshake waits for somebody else.
//!
//! A need is an owned, `Send` value. [`Need`]s are handed out by
//! [`ServerConnection::step`](crate::ServerConnection::step); each is turned into an [`Answer`] by its
//! own `answer` method, so that the type fits, and goes back through
//! [`ServerConnection::answer`](crate::ServerConnection::answer). Dropping a need is safe: the
//! connection stays blocked until it is aborted or dropped.

mod certificate;
mod key_operation;
mod new_session;
mod open;
mod session;

use std::fmt;

use keyward_keyop::OperationResult;
use keyward_wire::values::AlertDescription;

pub use certificate::{CertificateAnswer, CertificateNeed};
pub use key_operation::KeyOperationNeed;
pub use new_session::{NewSessionKind, NewSessionNeed};
pub(crate) use open::OpenNeeds;
pub use session::{OfferedSession, SessionAnswer, SessionNeed};

/// Something that the engine has to know before it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Need {
    /// Which certificate, policy and protocols?
    Certificate(CertificateNeed),
    /// Is this session known?
    Session(SessionNeed),
    /// The private-key step.
    KeyOperation(KeyOperationNeed),
    /// A ticket for the client.
    NewSession(NewSessionNeed),
}

impl Need {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        match self {
            Self::Certificate(need) => need.id(),
            Self::Session(need) => need.id(),
            Self::KeyOperation(need) => need.id(),
            Self::NewSession(need) => need.id(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> NeedKind {
        match self {
            Self::Certificate(_) => NeedKind::Certificate,
            Self::Session(_) => NeedKind::Session,
            Self::KeyOperation(_) => NeedKind::KeyOperation,
            Self::NewSession(_) => NeedKind::NewSession,
        }
    }

    /// Answers with an error, whatever kind it is.
    pub fn fail(self, error: NeedError) -> Answer {
        match self {
            Self::Certificate(need) => need.answer(Err(error)),
            Self::Session(need) => need.answer(Err(error)),
            Self::KeyOperation(need) => need.answer(Err(error)),
            Self::NewSession(need) => need.answer(Err(error)),
        }
    }
}

/// Identifies a need: the connection that raised it, and which of its needs it is. Unique within the
/// process, so that an answer cannot reach another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NeedId {
    pub(crate) connection: u64,
    pub(crate) sequence: u32,
}

impl fmt::Display for NeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.connection, self.sequence)
    }
}

/// The kinds of [`Need`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NeedKind {
    /// [`CertificateNeed`]
    Certificate,
    /// [`SessionNeed`]
    Session,
    /// [`KeyOperationNeed`]
    KeyOperation,
    /// [`NewSessionNeed`]
    NewSession,
}

impl NeedKind {
    /// A short lower-case name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Session => "session",
            Self::KeyOperation => "key operation",
            Self::NewSession => "new session",
        }
    }
}

impl fmt::Display for NeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a need has no answer. An error for a [`SessionNeed`] leads to a full handshake, one for a
/// [`NewSessionNeed`] to no ticket; the others end the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NeedError {
    /// No certificate for this name: alert `unrecognized_name` (RFC 6066 §3).
    UnrecognizedName,
    /// Whoever was asked refuses: alert `access_denied`.
    Refused,
    /// Nobody to ask is in reach: alert `internal_error`.
    Unavailable,
    /// Whoever was asked has too much to do: alert `internal_error`.
    Overloaded,
    /// The answer did not come in time: alert `internal_error`.
    Expired,
    /// Something else failed: alert `internal_error`.
    Internal,
}

impl NeedError {
    /// The alert that the client gets.
    pub const fn alert(self) -> AlertDescription {
        match self {
            Self::UnrecognizedName => AlertDescription::UNRECOGNIZED_NAME,
            Self::Refused => AlertDescription::ACCESS_DENIED,
            Self::Unavailable | Self::Overloaded | Self::Expired | Self::Internal => {
                AlertDescription::INTERNAL_ERROR
            }
        }
    }
}

impl fmt::Display for NeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnrecognizedName => "the name is not known",
            Self::Refused => "refused",
            Self::Unavailable => "nobody to ask is in reach",
            Self::Overloaded => "whoever was asked is overloaded",
            Self::Expired => "the answer came too late",
            Self::Internal => "internal error",
        })
    }
}

impl std::error::Error for NeedError {}

/// The answer to a need, as the need's `answer` method makes it. The constructors here are for who
/// keeps the id and not the need.
#[derive(Debug)]
pub struct Answer {
    pub(crate) id: NeedId,
    pub(crate) value: AnswerValue,
}

impl Answer {
    /// Answers the [`CertificateNeed`] with this id.
    pub fn certificate(id: NeedId, result: Result<CertificateAnswer, NeedError>) -> Self {
        let value = AnswerValue::Certificate(result.map(Box::new));
        Self { id, value }
    }

    /// Answers the [`SessionNeed`] with this id.
    pub fn session(id: NeedId, result: Result<Option<SessionAnswer>, NeedError>) -> Self {
        let value = AnswerValue::Session(result.map(|session| session.map(Box::new)));
        Self { id, value }
    }

    /// Answers the [`KeyOperationNeed`] with this id.
    pub fn key_operation(id: NeedId, result: Result<OperationResult, NeedError>) -> Self {
        let value = AnswerValue::KeyOperation(result);
        Self { id, value }
    }

    /// Answers the [`NewSessionNeed`] with this id.
    pub fn new_session(id: NeedId, result: Result<Option<Vec<u8>>, NeedError>) -> Self {
        let value = AnswerValue::NewSession(result);
        Self { id, value }
    }

    /// The id of the need that it answers.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// The kind of need that it answers.
    pub fn kind(&self) -> NeedKind {
        self.value.kind()
    }
}

/// What an answer says, by kind. The engine has checked that the kind is the open need's.
#[derive(Debug)]
pub(crate) enum AnswerValue {
    Certificate(Result<Box<CertificateAnswer>, NeedError>),
    Session(Result<Option<Box<SessionAnswer>>, NeedError>),
    KeyOperation(Result<OperationResult, NeedError>),
    NewSession(Result<Option<Vec<u8>>, NeedError>),
}

impl AnswerValue {
    pub(crate) fn kind(&self) -> NeedKind {
        match self {
            Self::Certificate(_) => NeedKind::Certificate,
            Self::Session(_) => NeedKind::Session,
            Self::KeyOperation(_) => NeedKind::KeyOperation,
            Self::NewSession(_) => NeedKind::NewSession,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_and_answers_may_cross_threads() {
        fn owned<T: Send + 'static>() {}
        owned::<Need>();
        owned::<Answer>();
        owned::<crate::ServerConnection>();
    }
}
