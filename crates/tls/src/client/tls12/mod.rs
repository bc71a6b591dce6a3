//! TLS 1.2 (RFC 5246), the client's side.

use keyward_wire::handshake::ServerHello;

use super::{Context, Hello};
use crate::error::Error;
use crate::handshake::{HandshakeMessage, Incoming};
use crate::needs::{AnswerValue, NeedId};
use crate::role::PostHandshake;

/// The server has chosen TLS 1.2: the version is one that was offered, and the random does not tell of a
/// downgrade; nothing else of the ServerHello has been checked.
pub(crate) fn start(
    _hello: Hello,
    _server_hello: ServerHello,
    _message: HandshakeMessage,
    _cx: &mut Context<'_>,
) -> Result<State, Error> {
    Err(Error::Internal(
        "the client's side of TLS 1.2 is not written yet",
    ))
}

/// Where a TLS 1.2 handshake is.
pub(crate) enum State {}

impl State {
    pub(crate) fn handle(self, _incoming: Incoming, _cx: &mut Context<'_>) -> Result<Self, Error> {
        match self {}
    }

    pub(crate) fn answered(
        self,
        _id: NeedId,
        _answer: AnswerValue,
        _cx: &mut Context<'_>,
    ) -> Result<Self, Error> {
        match self {}
    }

    pub(crate) fn post_handshake(&self) -> PostHandshake<'_> {
        match *self {}
    }
}
