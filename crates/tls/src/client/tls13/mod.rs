//! TLS 1.3 (RFC 9846), the client's side.

mod client_hello;
mod early_data;
mod psk;

pub(crate) use client_hello::Offer;
use keyward_wire::handshake::ServerHello;

use keyward_wire::values::ProtocolVersion;

use super::{Context, Hello};
use crate::error::Error;
use crate::handshake::{HandshakeMessage, Incoming};
use crate::needs::{AnswerValue, NeedId};
use crate::role::PostHandshake;

/// The server has chosen TLS 1.3, which was offered; nothing else of its message has been checked.
pub(crate) fn start(
    hello: Hello,
    _offer: Offer,
    server_hello: ServerHello,
    _message: HandshakeMessage,
    _cx: &mut Context<'_>,
) -> Result<super::State, Error> {
    hello.chosen_suite(server_hello.cipher_suite, ProtocolVersion::TLS13)?;
    Err(Error::Internal(
        "the client's side of TLS 1.3 is not written yet",
    ))
}

/// Where a TLS 1.3 handshake is.
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

    pub(crate) fn post_handshake(&mut self) -> PostHandshake<'_> {
        match *self {}
    }
}
