//! What the engine asks for: the points where a handshake waits for somebody else.
//!
//! A need is an owned, `Send` value. [`Need`]s are handed out by
//! [`Connection::step`](crate::Connection::step); each is turned into an [`Answer`] by its
//! own `answer` method, so that the type fits, and goes back through
//! [`Connection::answer`](crate::Connection::answer). Dropping a need is safe: the
//! connection stays blocked until it is aborted or dropped.

mod certificate;
mod client_certificate;
mod early_data;
mod error;
mod key_operation;
mod new_session;
mod offer_session;
mod open;
mod peer_certificate;
mod session;

use std::fmt;
use std::sync::Arc;

use keyward_keyop::{OperationResult, Performed};

pub use certificate::{
    CertificateAnswer, CertificateNeed, ClientAuthentication, ClientCertificateRequest,
};
pub use client_certificate::ClientCertificateNeed;
pub use early_data::EarlyDataNeed;
pub use error::{CertificateRejection, NeedError};
pub(crate) use key_operation::KeyAnswer;
pub use key_operation::KeyOperationNeed;
pub use new_session::{NewSessionKind, NewSessionNeed};
pub use offer_session::OfferSessionNeed;
pub(crate) use open::OpenNeeds;
pub(crate) use peer_certificate::{PeerCertificate, Stapled};
pub use peer_certificate::{PeerCertificateNeed, PeerRole};
pub use session::{OfferedSession, SessionAnswer, SessionNeed};

use crate::credential::Credential;
use crate::session::ClientSession;

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
    /// Is this peer to be trusted?
    PeerCertificate(PeerCertificateNeed),
    /// Which certificate for the server that asks for one?
    ClientCertificate(ClientCertificateNeed),
    /// A session to resume with this server?
    OfferSession(OfferSessionNeed),
    /// Has this early data been seen?
    EarlyData(EarlyDataNeed),
}

impl Need {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        match self {
            Self::Certificate(need) => need.id(),
            Self::Session(need) => need.id(),
            Self::KeyOperation(need) => need.id(),
            Self::NewSession(need) => need.id(),
            Self::PeerCertificate(need) => need.id(),
            Self::ClientCertificate(need) => need.id(),
            Self::OfferSession(need) => need.id(),
            Self::EarlyData(need) => need.id(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> NeedKind {
        match self {
            Self::Certificate(_) => NeedKind::Certificate,
            Self::Session(_) => NeedKind::Session,
            Self::KeyOperation(_) => NeedKind::KeyOperation,
            Self::NewSession(_) => NeedKind::NewSession,
            Self::PeerCertificate(_) => NeedKind::PeerCertificate,
            Self::ClientCertificate(_) => NeedKind::ClientCertificate,
            Self::OfferSession(_) => NeedKind::OfferSession,
            Self::EarlyData(_) => NeedKind::EarlyData,
        }
    }

    /// Answers with an error, whatever kind it is.
    pub fn fail(self, error: NeedError) -> Answer {
        match self {
            Self::Certificate(need) => need.answer(Err(error)),
            Self::Session(need) => need.answer(Err(error)),
            Self::KeyOperation(need) => need.answer(Err(error)),
            Self::NewSession(need) => need.answer(Err(error)),
            Self::PeerCertificate(need) => need.answer(Err(error)),
            Self::ClientCertificate(need) => need.answer(Err(error)),
            Self::OfferSession(need) => need.answer(Err(error)),
            Self::EarlyData(need) => need.answer(Err(error)),
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
    /// [`PeerCertificateNeed`]
    PeerCertificate,
    /// [`ClientCertificateNeed`]
    ClientCertificate,
    /// [`OfferSessionNeed`]
    OfferSession,
    /// [`EarlyDataNeed`]
    EarlyData,
}

impl NeedKind {
    /// A short lower-case name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Session => "session",
            Self::KeyOperation => "key operation",
            Self::NewSession => "new session",
            Self::PeerCertificate => "peer certificate",
            Self::ClientCertificate => "client certificate",
            Self::OfferSession => "offer session",
            Self::EarlyData => "early data",
        }
    }
}

impl fmt::Display for NeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
        let value = AnswerValue::KeyOperation(result.map(KeyAnswer::Told));
        Self { id, value }
    }

    /// Answers the [`KeyOperationNeed`] with this id by what a private key in this process has done.
    pub fn performed(id: NeedId, performed: Performed) -> Self {
        let value = AnswerValue::KeyOperation(Ok(KeyAnswer::Performed(performed)));
        Self { id, value }
    }

    /// Answers the [`NewSessionNeed`] with this id.
    pub fn new_session(id: NeedId, result: Result<Option<Vec<u8>>, NeedError>) -> Self {
        let value = AnswerValue::NewSession(result);
        Self { id, value }
    }

    /// Answers the [`PeerCertificateNeed`] with this id.
    pub fn peer_certificate(id: NeedId, result: Result<(), NeedError>) -> Self {
        let value = AnswerValue::PeerCertificate(result);
        Self { id, value }
    }

    /// Answers the [`ClientCertificateNeed`] with this id.
    pub fn client_certificate(
        id: NeedId,
        result: Result<Option<Vec<Arc<Credential>>>, NeedError>,
    ) -> Self {
        let value = AnswerValue::ClientCertificate(result);
        Self { id, value }
    }

    /// Answers the [`OfferSessionNeed`] with this id.
    pub fn offer_session(id: NeedId, result: Result<Option<ClientSession>, NeedError>) -> Self {
        let value = AnswerValue::OfferSession(result.map(|session| session.map(Box::new)));
        Self { id, value }
    }

    /// Answers the [`EarlyDataNeed`] with this id.
    pub fn early_data(id: NeedId, result: Result<bool, NeedError>) -> Self {
        let value = AnswerValue::EarlyData(result);
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
    KeyOperation(Result<KeyAnswer, NeedError>),
    NewSession(Result<Option<Vec<u8>>, NeedError>),
    PeerCertificate(Result<(), NeedError>),
    ClientCertificate(Result<Option<Vec<Arc<Credential>>>, NeedError>),
    OfferSession(Result<Option<Box<ClientSession>>, NeedError>),
    EarlyData(Result<bool, NeedError>),
}

impl AnswerValue {
    pub(crate) fn kind(&self) -> NeedKind {
        match self {
            Self::Certificate(_) => NeedKind::Certificate,
            Self::Session(_) => NeedKind::Session,
            Self::KeyOperation(_) => NeedKind::KeyOperation,
            Self::NewSession(_) => NeedKind::NewSession,
            Self::PeerCertificate(_) => NeedKind::PeerCertificate,
            Self::ClientCertificate(_) => NeedKind::ClientCertificate,
            Self::OfferSession(_) => NeedKind::OfferSession,
            Self::EarlyData(_) => NeedKind::EarlyData,
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
        owned::<crate::ClientConnection>();
    }
}
