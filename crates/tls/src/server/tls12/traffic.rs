//! After the handshake: application data, and perhaps another handshake.

use keyward_wire::handshake::{self, HelloRequest};
use keyward_wire::values::HandshakeType;

use super::State;
use super::renegotiation::{self, Renegotiable};
use crate::common::Common;
use crate::error::{Error, Misuse, PeerMisbehaved};
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

    /// RFC 5246 §7.4.1.1: "HelloRequest is a simple notification that the client should begin the
    /// negotiation process anew."
    pub(super) fn request(&self, common: &mut Common) -> Result<(), Misuse> {
        let possible = self
            .renegotiable
            .as_ref()
            .is_some_and(|next| next.is_possible());
        if !possible || common.closed {
            return Err(Misuse::NoRenegotiation);
        }
        common.send_handshake(&handshake::to_message(&HelloRequest));
        Ok(())
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
