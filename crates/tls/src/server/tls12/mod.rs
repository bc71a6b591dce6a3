//! TLS 1.2.

use super::client_hello::Opening;
use super::{Context, UNASKED};
use crate::error::{Error, PeerIncompatible};
use crate::handshake::Incoming;
use crate::needs::{AnswerValue, NeedId};

/// Where a TLS 1.2 handshake is.
pub(crate) enum State {}

impl State {
    pub(crate) fn handle(self, incoming: Incoming, _cx: &mut Context<'_>) -> Result<Self, Error> {
        Err(incoming.unexpected())
    }

    pub(crate) fn answered(
        self,
        _id: NeedId,
        _answer: AnswerValue,
        _cx: &mut Context<'_>,
    ) -> Result<Self, Error> {
        Err(UNASKED)
    }
}

/// The policy and the client agreed on TLS 1.2.
pub(crate) fn start(_opening: Opening, _cx: &mut Context<'_>) -> Result<State, Error> {
    Err(PeerIncompatible::NoVersion.into())
}
