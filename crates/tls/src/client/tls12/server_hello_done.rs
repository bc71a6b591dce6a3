//! ServerHelloDone (RFC 5246 §7.4.5), and whether the server is to be trusted.

use keyward_wire::handshake::{CertificateRequestTls12, ServerHelloDone};
use keyward_wire::values::{HandshakeType, ProtocolVersion};

use super::certificate::Presented;
use super::client_key_exchange::{self, KeyExchange};
use super::server_hello::Flight;
use super::{State, client_certificate};
use crate::client::Context;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{Need, NeedError, NeedKind, PeerCertificateNeed, PeerRole};

pub(crate) struct ExpectServerHelloDone {
    pub(super) flight: Flight,
    pub(super) presented: Presented,
    pub(super) key_exchange: KeyExchange,
    pub(super) requested: Option<CertificateRequestTls12>,
}

impl ExpectServerHelloDone {
    /// Asks before anything else is sent: RFC 5246 §7.4.5: "the client SHOULD verify that the server
    /// provided a valid certificate, if required".
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::SERVER_HELLO_DONE)?;
        message.decode::<ServerHelloDone>()?;
        // What follows depends on us.
        cx.common.expect_no_more_handshake()?;
        self.flight.received(&message);
        cx.common.ask(|id| {
            Need::PeerCertificate(PeerCertificateNeed {
                id,
                role: PeerRole::Server,
                version: ProtocolVersion::TLS12,
                name: Some(self.flight.hello.name.clone()),
                key_transport: matches!(self.key_exchange, KeyExchange::Rsa),
                certificate: self.presented.certificate.clone(),
                session_began: None,
            })
        });
        Ok(State::AwaitPeerCertificate(Box::new(AwaitPeerCertificate(
            self,
        ))))
    }
}

pub(crate) struct AwaitPeerCertificate(ExpectServerHelloDone);

impl AwaitPeerCertificate {
    pub(super) fn answered(
        self,
        answer: Result<(), NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        answer.map_err(|error| Error::Need(NeedKind::PeerCertificate, error))?;
        let ExpectServerHelloDone {
            flight,
            presented,
            key_exchange,
            requested,
        } = self.0;
        if let Some(negotiated) = &mut cx.common.negotiated {
            negotiated.peer_certificates = presented.certificate.chain;
            negotiated.stapled = presented.certificate.stapled;
        }
        let server = client_key_exchange::Server {
            key: presented.key,
            key_exchange,
        };
        match requested {
            Some(request) => Ok(client_certificate::ask(request, flight, server, cx)),
            None => client_key_exchange::send(flight, server, None, cx),
        }
    }
}
