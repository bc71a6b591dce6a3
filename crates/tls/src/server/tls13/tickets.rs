//! NewSessionTicket (RFC 9846 §4.7.1). Tickets are asked for when the handshake is complete, and hold
//! nothing up.

use keyward_wire::extensions::NewSessionTicketExtensions;
use keyward_wire::handshake::NewSessionTicketTls13;
use keyward_wire::values::ExtensionType;

use super::server_hello::TicketTerms;
use crate::error::Error;
use crate::grease;
use crate::key_schedule::tls13::{ResumptionSecret, Ticket};
use crate::needs::{Need, NeedId, NewSessionKind, NewSessionNeed};
use crate::server::Context;
use crate::session::{self, SessionState};

/// A ticket that was asked for: what its message says beside the ticket.
pub(super) struct OpenTicket {
    pub(super) id: NeedId,
    nonce: u8,
    lifetime_s: u32,
    age_add: u32,
    max_early_data: Option<u32>,
    /// An extension without meaning.
    grease: Option<ExtensionType>,
}

/// RFC 9846 §4.7.1: "Servers MUST NOT use any value greater than 604800 seconds (7 days)."
const MAX_LIFETIME_S: u32 = 604_800;

/// Raises the needs for the tickets of this connection.
pub(super) fn ask(
    resumption: &ResumptionSecret,
    terms: TicketTerms,
    cx: &mut Context<'_>,
) -> Result<Vec<OpenTicket>, Error> {
    let negotiated = cx.common.negotiated()?;
    if !terms.wanted || !session::can_keep(negotiated) {
        return Ok(Vec::new());
    }
    // The client that resumed has used up one ticket.
    let count = if negotiated.resumed {
        cx.config.session_ticket_count_tls13.min(1)
    } else {
        cx.config.session_ticket_count_tls13
    };
    // A session lives as long as its full handshake allows, however often it is resumed.
    let whole = cx.config.session_lifetime_s.min(MAX_LIFETIME_S);
    let whole = session::lifetime_s(whole, terms.created, negotiated);
    let age_s = cx
        .now
        .since(terms.created)
        .map_or(0, |age| u32::try_from(age.as_secs()).unwrap_or(u32::MAX));
    let lifetime_s = whole.saturating_sub(age_s);
    if lifetime_s == 0 {
        return Ok(Vec::new());
    }
    let grease = grease(cx)?;
    let tickets = resumption.tickets(count).into_iter();
    let open = tickets.map(
        |Ticket {
             nonce,
             psk,
             age_add,
         }| {
            let negotiated = cx.common.negotiated()?;
            let state = SessionState {
                version: negotiated.version,
                cipher_suite: negotiated.cipher_suite,
                secret: psk,
                created: terms.created,
                issued: cx.now,
                lifetime_s: whole,
                age_add,
                server_name: negotiated.server_name.clone(),
                alpn: negotiated.alpn.clone(),
                context: terms.session_context.clone(),
                extended_master_secret: true,
                peer_certificates: negotiated.peer_certificates.clone(),
                stapled: None,
                max_early_data: terms.max_early_data,
            };
            let id = cx.common.ask_aside(|id| {
                Need::NewSession(NewSessionNeed {
                    id,
                    state,
                    kind: NewSessionKind::Ticket,
                })
            });
            Ok(OpenTicket {
                id,
                nonce,
                lifetime_s,
                age_add,
                max_early_data: Some(terms.max_early_data).filter(|size| *size > 0),
                grease,
            })
        },
    );
    open.collect()
}

fn grease(cx: &Context<'_>) -> Result<Option<ExtensionType>, Error> {
    if !cx.config.grease {
        return Ok(None);
    }
    let (extension, _) = grease::for_server(&*cx.config.random)?;
    Ok(Some(extension))
}

/// Sends a ticket.
pub(super) fn send(open: &OpenTicket, ticket: Vec<u8>, cx: &mut Context<'_>) {
    cx.common.send_message(&NewSessionTicketTls13 {
        ticket_lifetime: open.lifetime_s,
        ticket_age_add: open.age_add,
        // RFC 9846 §4.7.1: "A per-ticket value that is unique across all tickets issued on this
        // connection."
        ticket_nonce: vec![open.nonce],
        ticket,
        extensions: NewSessionTicketExtensions {
            max_early_data_size: open.max_early_data,
            unknown: open
                .grease
                .map(|typ| (typ, Vec::new()))
                .into_iter()
                .collect(),
        },
    });
}
