//! NewSessionTicket (RFC 9846 §4.7.1): a session for the next connection.

use keyward_wire::handshake::NewSessionTicketTls13;

use crate::client::Context;
use crate::error::Error;
use crate::handshake::HandshakeMessage;
use crate::key_schedule::tls13::ResumptionSecret;
use crate::peer_name::PeerName;
use crate::session::{self, ClientSession, MAX_TICKET_LEN, SessionName, SessionState};

/// What sessions are made of when tickets come.
pub(super) struct Sessions {
    resumption: ResumptionSecret,
    peer: PeerName,
}

/// RFC 9846 §4.7.1: "Clients MUST NOT use tickets for longer than 7 days after issuance, regardless of the
/// ticket_lifetime".
const MAX_LIFETIME_S: u32 = 604_800;

impl Sessions {
    pub(super) fn new(resumption: ResumptionSecret, peer: PeerName) -> Self {
        Self { resumption, peer }
    }

    /// Makes the session of a ticket and keeps it for the caller; a ticket that cannot be used is dropped.
    pub(super) fn receive(
        &self,
        message: &HandshakeMessage,
        cx: &mut Context<'_>,
    ) -> Result<(), Error> {
        let ticket: NewSessionTicketTls13 = message.decode()?;
        let negotiated = cx.common.negotiated()?;
        // "The value of zero indicates that the ticket should be discarded immediately."
        if ticket.ticket_lifetime == 0
            || ticket.ticket.len() > MAX_TICKET_LEN
            || !session::can_keep(&negotiated.peer_certificates)
        {
            return Ok(());
        }
        let state = SessionState {
            version: negotiated.version,
            cipher_suite: negotiated.cipher_suite,
            secret: self.resumption.psk(&ticket.ticket_nonce),
            created: cx.now,
            issued: cx.now,
            lifetime_s: ticket.ticket_lifetime.min(MAX_LIFETIME_S),
            age_add: ticket.ticket_age_add,
            server_name: negotiated.server_name.clone(),
            alpn: negotiated.alpn.clone(),
            context: Vec::new(),
            extended_master_secret: true,
            peer_certificates: negotiated.peer_certificates.clone(),
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
