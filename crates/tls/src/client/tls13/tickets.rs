//! NewSessionTicket (RFC 9846 §4.7.1): a session for the next connection.

use std::time::Duration;

use keyward_wire::handshake::NewSessionTicketTls13;

use crate::client::Context;
use crate::error::Error;
use crate::handshake::HandshakeMessage;
use crate::key_schedule::tls13::ResumptionSecret;
use crate::peer_name::PeerName;
use crate::session::{self, ClientSession, MAX_TICKET_LEN, SessionName, SessionState};
use crate::time::UnixTime;

/// What sessions are made of when tickets come.
pub(super) struct Sessions {
    resumption: ResumptionSecret,
    peer: PeerName,
    /// When the full handshake was, if a session was resumed.
    created: Option<UnixTime>,
}

/// RFC 9846 §4.7.1: "Clients MUST NOT use tickets for longer than 7 days after issuance, regardless of the
/// ticket_lifetime". Here from the full handshake on, the last time that somebody looked at the server's certificate:
/// sessions that beget each other do not live longer than one.
const MAX_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Sessions {
    pub(super) fn new(
        resumption: ResumptionSecret,
        peer: PeerName,
        created: Option<UnixTime>,
    ) -> Self {
        Self {
            resumption,
            peer,
            created,
        }
    }

    /// Makes the session of a ticket and keeps it for the caller; a ticket that cannot be used is dropped.
    pub(super) fn receive(
        &self,
        message: &HandshakeMessage,
        cx: &mut Context<'_>,
    ) -> Result<(), Error> {
        let ticket: NewSessionTicketTls13 = message.decode()?;
        let negotiated = cx.common.negotiated()?;
        // A clock that was set back must not prolong it either.
        let created = self.created.unwrap_or(cx.now).min(cx.now);
        // RFC 9846 §4.7.1: "The value of zero indicates that the ticket should be discarded
        // immediately."
        let Some(lifetime_s) = lifetime_s(created, cx.now, ticket.ticket_lifetime)
            .map(|whole_s| session::lifetime_s(whole_s, created, negotiated))
            .filter(|whole_s| created.plus(Duration::from_secs((*whole_s).into())) > cx.now)
        else {
            return Ok(());
        };
        if ticket.ticket.len() > MAX_TICKET_LEN || !session::can_keep(negotiated) {
            return Ok(());
        }
        let state = SessionState {
            version: negotiated.version,
            cipher_suite: negotiated.cipher_suite,
            secret: self.resumption.psk(&ticket.ticket_nonce),
            created,
            issued: cx.now,
            lifetime_s,
            age_add: ticket.ticket_age_add,
            server_name: negotiated.server_name.clone(),
            alpn: negotiated.alpn.clone(),
            context: cx.config.session_context.clone(),
            extended_master_secret: true,
            peer_certificates: negotiated.peer_certificates.clone(),
            stapled: negotiated.stapled.clone(),
            max_early_data: ticket.extensions.max_early_data_size.unwrap_or_default(),
        };
        cx.common.received_session = Some(Box::new(ClientSession {
            state,
            peer: self.peer.clone(),
            name: SessionName::Ticket(ticket.ticket),
            received: cx.now,
        }));
        Ok(())
    }
}

/// How long a session lives from the full handshake on, with a ticket that comes `now` and says how long it lives;
/// `None` if that is over.
fn lifetime_s(created: UnixTime, now: UnixTime, ticket_lifetime_s: u32) -> Option<u32> {
    let age = now.since(created)?;
    let whole = age + Duration::from_secs(ticket_lifetime_s.into());
    let whole_s = whole.min(MAX_LIFETIME).as_secs();
    (Duration::from_secs(whole_s) > age)
        .then(|| u32::try_from(whole_s).ok())
        .flatten()
}
