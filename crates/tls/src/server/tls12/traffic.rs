//! After the handshake: application data, and no renegotiation.

use keyward_wire::alert::Alert;
use keyward_wire::values::{AlertDescription, HandshakeType};

use super::State;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::server::Context;

#[derive(Default)]
pub(crate) struct ExpectTraffic {
    /// ClientHellos since the handshake.
    renegotiations: u8,
}

/// A client that asks again after a refusal does not understand it.
const MAX_RENEGOTIATIONS: u8 = 1;

impl ExpectTraffic {
    /// RFC 5246 §7.2.2: "no_renegotiation: Sent by ... the server in response to a client hello after
    /// initial handshaking. Either of these would normally lead to renegotiation; when that is not
    /// appropriate, the recipient should respond with this alert ... This message is always a
    /// warning."
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        incoming.expect(HandshakeType::CLIENT_HELLO)?;
        self.renegotiations += 1;
        if self.renegotiations > MAX_RENEGOTIATIONS {
            return Err(PeerMisbehaved::Renegotiation.into());
        }
        if !cx.common.closed {
            cx.common
                .send_alert(Alert::warning(AlertDescription::NO_RENEGOTIATION))?;
        }
        Ok(State::ExpectTraffic(self))
    }
}
