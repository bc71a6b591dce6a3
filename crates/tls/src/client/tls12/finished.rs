//! change_cipher_spec and Finished, ours and the server's (RFC 5246 §7.1, §7.4.9). In a full handshake ours
//! come first, in an abbreviated one the server's.

use keyward_wire::handshake::NewSessionTicketTls12;

use super::State;
use super::new_session_ticket::{self, ExpectNewSessionTicket};
use super::renegotiation::Renegotiable;
use super::server_hello::Flight;
use super::traffic::ExpectTraffic;
use crate::client::Context;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::key_schedule::tls12::{MasterSecret, Protections, Side, VerifyData};
use crate::record::{ChangeCipherSpecs, Protection};
use crate::session::SessionState;
use crate::tls12::{Previous, check_finished, send_finished};

/// A handshake whose keys are made.
pub(super) struct Keyed {
    pub(super) master: MasterSecret,
    pub(super) flight: Flight,
}

/// What follows the server's Finished.
pub(super) enum Ending {
    /// Nothing: ours is sent.
    Full(VerifyData),
    /// Ours.
    Resumed {
        client: Protection,
        session: Box<SessionState>,
    },
}

/// Sends ours in a full handshake, and waits for the server's.
pub(super) fn send_full(mut keyed: Keyed, cx: &mut Context<'_>) -> Result<State, Error> {
    keyed.flight.transcript.forget_messages();
    let Protections { write, read } = keyed.flight.protections(&keyed.master, cx)?;
    let sent = keyed.send(write, cx)?;
    keyed.expect_server(read, Ending::Full(sent))
}

impl Keyed {
    /// Waits for the server's ticket, if it promised one, and its Finished.
    pub(super) fn expect_server(self, server: Protection, ending: Ending) -> Result<State, Error> {
        Ok(if self.flight.server_hello.extensions.session_ticket {
            State::ExpectNewSessionTicket(Box::new(ExpectNewSessionTicket {
                server,
                keyed: self,
                ending,
            }))
        } else {
            State::ExpectChangeCipherSpec(Box::new(ExpectChangeCipherSpec {
                server,
                keyed: self,
                ending,
                ticket: None,
            }))
        })
    }

    fn send(&mut self, client: Protection, cx: &mut Context<'_>) -> Result<VerifyData, Error> {
        send_finished(
            Side::Client,
            &self.master,
            &mut self.flight.transcript,
            client,
            cx.common,
        )
    }
}

pub(crate) struct ExpectChangeCipherSpec {
    pub(super) server: Protection,
    pub(super) keyed: Keyed,
    pub(super) ending: Ending,
    pub(super) ticket: Option<NewSessionTicketTls12>,
}

impl ExpectChangeCipherSpec {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let Incoming::ChangeCipherSpec = incoming else {
            return Err(incoming.unexpected());
        };
        cx.common.set_read_protection(self.server)?;
        // RFC 8449 §4: "Records are subject to the limits that were set in the handshake that produces the keys
        // that are used to protect those records."
        let limit = self.keyed.flight.record_limit();
        cx.common.reader().limit_record(limit);
        cx.common
            .set_change_cipher_specs(ChangeCipherSpecs::Refused);
        cx.common.hold_data();
        Ok(State::ExpectFinished(Box::new(ExpectFinished {
            keyed: self.keyed,
            ending: self.ending,
            ticket: self.ticket,
        })))
    }
}

pub(crate) struct ExpectFinished {
    keyed: Keyed,
    ending: Ending,
    ticket: Option<NewSessionTicketTls12>,
}

impl ExpectFinished {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let mut keyed = self.keyed;
        let server = check_finished(
            Side::Server,
            &keyed.master,
            &mut keyed.flight.transcript,
            incoming,
        )?;
        let (client, earlier) = match self.ending {
            Ending::Full(sent) => (sent, None),
            Ending::Resumed { client, session } => (keyed.send(client, cx)?, Some(session)),
        };
        new_session_ticket::give(&keyed, self.ticket, earlier.as_deref(), cx);
        let extended = keyed.flight.extended_master_secret();
        keyed
            .master
            .publish(keyed.flight.randoms, extended, cx.common);
        cx.common.complete_handshake();
        let previous = Previous { client, server };
        let renegotiable = Renegotiable::after(keyed.flight, previous, cx);
        Ok(State::ExpectTraffic(ExpectTraffic { renegotiable }))
    }
}
