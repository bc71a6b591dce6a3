//! After the handshake: application data, KeyUpdate (RFC 9846 §4.7.3), late tickets.

use keyward_wire::handshake::{self, KeyUpdate};
use keyward_wire::values::{HandshakeType, KeyUpdateRequest};

use super::State;
use super::tickets::{self, OpenTicket};
use crate::common::Common;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::key_schedule::tls13::TrafficSecret;
use crate::needs::{NeedError, NeedId, NeedKind};
use crate::server::Context;

pub(crate) struct ExpectTraffic {
    client: TrafficSecret,
    server: TrafficSecret,
    /// Tickets that were asked for and have no answer.
    open_tickets: Vec<OpenTicket>,
    /// KeyUpdates from the client since it last sent data.
    key_updates: u8,
    /// The client waits for a KeyUpdate from us.
    owes_key_update: bool,
    /// We have asked the client for a KeyUpdate, and none has come since.
    wants_key_update: bool,
}

/// As many as BoringSSL takes in a row.
const MAX_KEY_UPDATES: u8 = 32;

impl ExpectTraffic {
    pub(super) fn new(
        client: TrafficSecret,
        server: TrafficSecret,
        open_tickets: Vec<OpenTicket>,
    ) -> Self {
        Self {
            client,
            server,
            open_tickets,
            key_updates: 0,
            owes_key_update: false,
            wants_key_update: false,
        }
    }

    pub(super) fn handle(
        mut self: Box<Self>,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::KEY_UPDATE)?;
        let update: KeyUpdate = message.decode()?;
        self.key_updates += 1;
        if self.key_updates > MAX_KEY_UPDATES {
            return Err(PeerMisbehaved::TooManyKeyUpdates.into());
        }
        self.client = self.client.next();
        cx.common.set_read_protection(self.client.protection()?)?;
        self.wants_key_update = false;
        // RFC 9846 §4.7.3: "If the request_update field is set to "update_requested", then the receiver
        // MUST send a KeyUpdate of its own with request_update set to "update_not_requested" prior to
        // sending its next Application Data record"; and one for several requests will do.
        self.owes_key_update |= update.request_update == KeyUpdateRequest::UPDATE_REQUESTED;
        Ok(State::ExpectTraffic(self))
    }

    /// A record came that was no handshake message.
    pub(super) fn received_record(&mut self, common: &mut Common) -> Result<(), Error> {
        if !common.input.plaintext().is_empty() {
            self.key_updates = 0;
        }
        if common.reader().is_exhausted() && !self.wants_key_update && !common.closed {
            self.update_write_keys(common, true)?;
        }
        Ok(())
    }

    pub(super) fn pay_key_update(&mut self, common: &mut Common) -> Result<(), Error> {
        if self.owes_key_update {
            self.update_write_keys(common, false)?;
        }
        Ok(())
    }

    /// Sends a KeyUpdate, and changes the keys behind it.
    pub(super) fn update_write_keys(
        &mut self,
        common: &mut Common,
        request_peer: bool,
    ) -> Result<(), Error> {
        self.owes_key_update = false;
        // RFC 9846 §4.7.3: "Until receiving a subsequent KeyUpdate from the peer, the sender MUST NOT
        // send another KeyUpdate with request_update set to "update_requested"."
        let request_update = if request_peer && !self.wants_key_update {
            self.wants_key_update = true;
            KeyUpdateRequest::UPDATE_REQUESTED
        } else {
            KeyUpdateRequest::UPDATE_NOT_REQUESTED
        };
        common.send_handshake(&handshake::to_message(&KeyUpdate { request_update }));
        self.server = self.server.next();
        common.set_write_protection(self.server.protection()?)
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
