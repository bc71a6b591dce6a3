//! After the handshake: application data, and perhaps another handshake.

use keyward_wire::alert::Alert;
use keyward_wire::handshake::HelloRequest;
use keyward_wire::values::{AlertDescription, HandshakeType};

use super::State;
use super::renegotiation::Renegotiable;
use crate::client::Context;
use crate::error::Error;
use crate::handshake::Incoming;

pub(crate) struct ExpectTraffic {
    /// What another handshake is bound to; `None`: there will be none.
    pub(super) renegotiable: Option<Box<Renegotiable>>,
}

impl ExpectTraffic {
    /// RFC 5246 §7.4.1.1: HelloRequest "MAY be ignored by the client if it does not wish to renegotiate a
    /// session, or the client may, if it wishes, respond with a no_renegotiation alert."
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::HELLO_REQUEST)?;
        message.decode::<HelloRequest>()?;
        match self.renegotiable {
            Some(renegotiable) if !cx.common.closed => renegotiable.start(cx),
            renegotiable => {
                cx.common.count_hello_request()?;
                if !cx.common.closed {
                    cx.common
                        .send_alert(Alert::warning(AlertDescription::NO_RENEGOTIATION))?;
                }
                Ok(State::ExpectTraffic(Self { renegotiable }))
            }
        }
    }
}
