//! NewSessionTicket (RFC 5077 §3.3), and the session ID of clients that know no tickets.

use keyward_wire::handshake::{ClientHello, NewSessionTicketTls12};

use super::State;
use super::finished::LastFlight;
use super::server_hello::NewSession;
use crate::error::Error;
use crate::needs::{Need, NeedError, NeedKind, NewSessionKind, NewSessionNeed};
use crate::server::Context;
use crate::session::{self, SessionState};

const SESSION_ID_LEN: usize = 32;

/// How the client will name the session of this full handshake.
pub(super) fn kind(hello: &ClientHello, cx: &Context<'_>) -> Result<Option<NewSessionKind>, Error> {
    if cx.config.session_lifetime_s == 0 {
        return Ok(None);
    }
    // RFC 5077 §3.4: "If a server is planning on issuing a session ticket to a client that does not
    // present one, it SHOULD include an empty Session ID in the ServerHello."
    if hello.extensions.session_ticket.is_some() && cx.config.session_tickets_tls12 {
        return Ok(Some(NewSessionKind::Ticket));
    }
    let mut id = vec![0; SESSION_ID_LEN];
    cx.config
        .random
        .fill(&mut id)
        .map_err(|_| Error::Internal("random generation"))?;
    Ok(Some(NewSessionKind::SessionId(id)))
}

/// Asks for the ticket, or for the session to be stored, if there is a name for it.
pub(super) fn ask(
    session: NewSession,
    last: LastFlight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let (Some(kind), Some(negotiated)) = (session.kind, &cx.common.negotiated) else {
        return last.send(cx);
    };
    let waiting = AwaitNewSession {
        promised: kind == NewSessionKind::Ticket,
        last,
    };
    let lifetime_s = session::lifetime_s(cx.config.session_lifetime_s, cx.now, negotiated);
    if lifetime_s == 0 || !session::can_keep(negotiated) {
        return waiting.go_on(None, cx);
    }
    let state = SessionState {
        version: negotiated.version,
        cipher_suite: negotiated.cipher_suite,
        secret: waiting.last.keyed.master.to_session(),
        created: cx.now,
        issued: cx.now,
        lifetime_s,
        age_add: 0,
        server_name: negotiated.server_name.clone(),
        alpn: negotiated.alpn.clone(),
        context: session.context,
        extended_master_secret: negotiated.extended_master_secret,
        peer_certificates: negotiated.peer_certificates.clone(),
        stapled: None,
        max_early_data: 0,
    };
    cx.common
        .ask(|id| Need::NewSession(NewSessionNeed { id, state, kind }));
    Ok(State::AwaitNewSession(Box::new(waiting)))
}

pub(crate) struct AwaitNewSession {
    /// Whether the ServerHello said that a NewSessionTicket comes.
    promised: bool,
    last: LastFlight,
}

impl AwaitNewSession {
    pub(super) fn answered(
        self,
        answer: Result<Option<Vec<u8>>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let ticket = cx.common.do_without(NeedKind::NewSession, answer);
        self.go_on(ticket, cx)
    }

    fn go_on(mut self, ticket: Option<Vec<u8>>, cx: &mut Context<'_>) -> Result<State, Error> {
        if self.promised {
            // RFC 5077 §3.3: "If the server determines that it does not want to include a ticket after
            // it has included the SessionTicket extension in the ServerHello, then it sends a
            // zero-length ticket in the NewSessionTicket handshake message."
            let ticket = ticket
                .filter(|ticket| ticket.len() <= usize::from(u16::MAX))
                .unwrap_or_default();
            let message = cx.common.send_message(&NewSessionTicketTls12 {
                ticket_lifetime_hint: cx.config.session_lifetime_s,
                ticket,
            });
            self.last.keyed.transcript.add(message);
        }
        self.last.send(cx)
    }
}
