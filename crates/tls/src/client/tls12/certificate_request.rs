//! CertificateRequest (RFC 5246 §7.4.4), which may be left out.

use keyward_wire::handshake::CertificateRequestTls12;
use keyward_wire::values::HandshakeType;

use super::State;
use super::certificate::Presented;
use super::client_key_exchange::KeyExchange;
use super::server_hello::Flight;
use super::server_hello_done::ExpectServerHelloDone;
use crate::client::Context;
use crate::error::Error;
use crate::handshake::Incoming;

pub(crate) struct ExpectCertificateRequest {
    pub(super) flight: Flight,
    pub(super) presented: Presented,
    pub(super) key_exchange: KeyExchange,
}

impl ExpectCertificateRequest {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let (requested, rest) = match incoming {
            Incoming::Handshake(message) if message.typ == HandshakeType::CERTIFICATE_REQUEST => {
                let request: CertificateRequestTls12 = message.decode()?;
                self.flight.received(&message);
                (Some(request), None)
            }
            other => (None, Some(other)),
        };
        let next = ExpectServerHelloDone {
            flight: self.flight,
            presented: self.presented,
            key_exchange: self.key_exchange,
            requested,
        };
        match rest {
            Some(incoming) => next.handle(incoming, cx),
            None => Ok(State::ExpectServerHelloDone(Box::new(next))),
        }
    }
}
