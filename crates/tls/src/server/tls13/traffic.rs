//! After the handshake: what the client may still say, and late tickets.

use keyward_wire::values::HandshakeType;

use super::State;
use super::tickets::{self, OpenTicket};
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{NeedError, NeedId, NeedKind};
use crate::server::Context;
use crate::tls13::Traffic;

pub(crate) struct ExpectTraffic {
    pub(super) traffic: Traffic,
    /// Tickets that were asked for and have no answer.
    open_tickets: Vec<OpenTicket>,
}

impl ExpectTraffic {
    pub(super) fn new(traffic: Traffic, open_tickets: Vec<OpenTicket>) -> Self {
        Self {
            traffic,
            open_tickets,
        }
    }

    pub(super) fn handle(
        mut self: Box<Self>,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        // RFC 9846 §4.2.2: "Because TLS 1.3 forbids renegotiation, if a server has negotiated TLS
        // 1.3 and receives a ClientHello at any other time, it MUST terminate the connection with
        // an "unexpected_message" alert." So it is with all but KeyUpdate.
        let message = incoming.expect(HandshakeType::KEY_UPDATE)?;
        self.traffic.key_update(&message, cx.common)?;
        Ok(State::ExpectTraffic(self))
    }

    pub(super) fn ticket_answered(
        mut self: Box<Self>,
        id: NeedId,
        answer: Result<Option<Vec<u8>>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let at = self.open_tickets.iter().position(|open| open.id == id);
        let open = at.map(|at| self.open_tickets.swap_remove(at));
        if self.open_tickets.is_empty() {
            self.open_tickets = Vec::new();
        }
        let ticket = cx.common.do_without(NeedKind::NewSession, answer);
        let sendable = |ticket: &Vec<u8>| (1..=usize::from(u16::MAX)).contains(&ticket.len());
        if let (Some(open), Some(ticket), false) = (open, ticket.filter(sendable), cx.common.closed)
        {
            tickets::send(&open, ticket, cx);
        }
        Ok(State::ExpectTraffic(self))
    }
}
