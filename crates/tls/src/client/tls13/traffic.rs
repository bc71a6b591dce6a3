//! After the handshake: what the server may still say.

use keyward_wire::handshake::NewSessionTicketTls13;
use keyward_wire::values::HandshakeType;

use super::State;
use super::tickets::Sessions;
use crate::client::Context;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::tls13::Traffic;

pub(crate) struct ExpectTraffic {
    pub(super) traffic: Traffic,
    /// Without it, tickets are not wanted.
    pub(super) sessions: Option<Box<Sessions>>,
}

impl ExpectTraffic {
    pub(super) fn handle(
        mut self: Box<Self>,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let Incoming::Handshake(message) = incoming else {
            return Err(incoming.unexpected());
        };
        match message.typ {
            HandshakeType::KEY_UPDATE => self.traffic.key_update(&message, cx.common)?,
            HandshakeType::NEW_SESSION_TICKET => match &self.sessions {
                Some(sessions) => sessions.receive(&message, cx)?,
                // RFC 9846 §4.7.1: "Clients which receive a NewSessionTicket message but do not support
                // resumption MUST silently ignore this message."
                None => drop(message.decode::<NewSessionTicketTls13>()?),
            },
            // RFC 9846 §4.7.2: "A client that receives a post-handshake CertificateRequest message without
            // having sent the "post_handshake_auth" extension MUST send an "unexpected_message" fatal alert."
            HandshakeType::CERTIFICATE_REQUEST => {
                return Err(PeerMisbehaved::PostHandshakeAuthentication.into());
            }
            _ => return Err(PeerMisbehaved::UnexpectedHandshake(message.typ).into()),
        }
        Ok(State::ExpectTraffic(self))
    }
}
