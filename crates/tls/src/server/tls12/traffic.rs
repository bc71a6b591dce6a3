//! After the handshake: application data, and perhaps another handshake.

use keyward_wire::values::HandshakeType;

use super::State;
use super::renegotiation::{self, Renegotiable};
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::server::Context;

pub(crate) struct ExpectTraffic {
    /// What another handshake is bound to; `None`: there will be none.
    renegotiable: Option<Box<Renegotiable>>,
    /// ClientHellos that were refused.
    refused: u8,
}

/// A client that asks again after a refusal does not understand it.
const MAX_REFUSED: u8 = 1;

impl ExpectTraffic {
    pub(super) fn new(renegotiable: Option<Box<Renegotiable>>) -> Self {
        Self {
            renegotiable,
            refused: 0,
        }
    }

    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CLIENT_HELLO)?;
        match self.renegotiable {
            // Once we have said that we send no more, there is nothing to answer with.
            Some(renegotiable) if !cx.common.closed => renegotiable.start(message, cx),
            renegotiable => {
                self.renegotiable = renegotiable;
                self.refused += 1;
                if self.refused > MAX_REFUSED {
                    return Err(PeerMisbehaved::Renegotiation.into());
                }
                renegotiation::refuse(cx)?;
                Ok(State::ExpectTraffic(self))
            }
        }
    }
}
