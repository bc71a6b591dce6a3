//! NewSessionTicket (RFC 5077 §3.3), and the session that the client keeps of a handshake.

use keyward_wire::handshake::NewSessionTicketTls12;
use keyward_wire::values::{HandshakeType, ProtocolVersion};

use super::State;
use super::finished::{Ending, ExpectChangeCipherSpec, Keyed};
use crate::client::Context;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::record::Protection;
use crate::session::{self, ClientSession, SessionName, SessionState};

/// The ServerHello said that it would come.
///
/// RFC 5077 §3.3: "This message MUST be sent if the server included a SessionTicket extension in the
/// ServerHello. This message MUST NOT be sent if the server did not include a SessionTicket extension in
/// the ServerHello."
pub(crate) struct ExpectNewSessionTicket {
    pub(super) server: Protection,
    pub(super) keyed: Keyed,
    pub(super) ending: Ending,
}

impl ExpectNewSessionTicket {
    pub(super) fn handle(mut self, incoming: Incoming) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::NEW_SESSION_TICKET)?;
        let ticket: NewSessionTicketTls12 = message.decode()?;
        self.keyed.flight.received(&message);
        Ok(State::ExpectChangeCipherSpec(Box::new(
            ExpectChangeCipherSpec {
                server: self.server,
                keyed: self.keyed,
                ending: self.ending,
                // RFC 5077 §3.3: the server "sends a zero-length ticket" if it changed its mind.
                ticket: Some(ticket).filter(|ticket| !ticket.ticket.is_empty()),
            },
        )))
    }
}

/// RFC 5246 §F.1.4: "An upper limit of 24 hours is suggested for session ID lifetimes". For tickets whose
/// server does not say, as well.
const DEFAULT_LIFETIME_S: u32 = 24 * 60 * 60;

/// RFC 9846 §4.7.1: no client keeps a ticket "for longer than 7 days".
const MAX_LIFETIME_S: u32 = 7 * 24 * 60 * 60;

/// Gives the caller the session of a handshake that is complete, if it can be resumed. `earlier` is the
/// session that was resumed: its life is not prolonged.
pub(super) fn give(
    keyed: &Keyed,
    ticket: Option<NewSessionTicketTls12>,
    earlier: Option<&SessionState>,
    cx: &mut Context<'_>,
) {
    let flight = &keyed.flight;
    let hint = ticket.as_ref().map(|ticket| ticket.ticket_lifetime_hint);
    let id = &flight.server_hello.session_id;
    let name = match ticket {
        Some(ticket) => SessionName::Ticket(ticket.ticket),
        None if earlier.is_none() && !id.is_empty() => SessionName::SessionId(id.clone()),
        None => return,
    };
    let Some(negotiated) = &cx.common.negotiated else {
        return;
    };
    if !cx.config.resumption || !session::can_keep(negotiated) {
        return;
    }
    let created = earlier.map_or(cx.now, |earlier| earlier.created);
    let whole_s = match (earlier, hint) {
        (Some(earlier), _) => earlier.lifetime_s,
        (None, None | Some(0)) => DEFAULT_LIFETIME_S,
        (None, Some(hint)) => hint.min(MAX_LIFETIME_S),
    };
    let lifetime_s = session::lifetime_s(whole_s, created, negotiated);
    if lifetime_s == 0 {
        return;
    }
    let state = SessionState {
        version: ProtocolVersion::TLS12,
        cipher_suite: flight.suite.code,
        secret: keyed.master.to_session(),
        created,
        issued: cx.now,
        lifetime_s,
        age_add: 0,
        server_name: negotiated.server_name.clone(),
        alpn: negotiated.alpn.clone(),
        context: cx.config.session_context.clone(),
        extended_master_secret: flight.extended_master_secret(),
        peer_certificates: negotiated.peer_certificates.clone(),
        stapled: negotiated.stapled.clone(),
        max_early_data: 0,
    };
    cx.common.received_session = Some(Box::new(ClientSession {
        state,
        peer: flight.hello.name.clone(),
        name,
        received: cx.now,
    }));
}
