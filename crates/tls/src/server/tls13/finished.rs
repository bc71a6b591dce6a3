//! Finished, ours and the client's (RFC 9846 §4.5.3).

use keyward_wire::handshake::{self, Finished};
use keyward_wire::values::HandshakeType;

use super::State;
use super::server_hello::{Flight, TicketTerms};
use super::tickets;
use super::traffic::ExpectTraffic;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::{Incoming, Transcript};
use crate::key_schedule::tls13::{MasterSecret, TrafficSecret};
use crate::record::ChangeCipherSpecs;
use crate::server::Context;
use crate::tls13::Traffic;

/// Sends ours, and changes to the keys for application data.
pub(super) fn send(mut flight: Flight, cx: &mut Context<'_>) -> Result<State, Error> {
    let verify_data = flight
        .server_handshake
        .finished(&flight.transcript.current())
        .to_vec();
    let message = handshake::to_message(&Finished { verify_data });
    flight.transcript.add(&message);
    cx.common.send_handshake(&message);

    let (client, server) = flight.master.traffic(&flight.transcript.current());
    cx.common.set_write_protection(server.protection()?)?;
    Ok(State::ExpectFinished(Box::new(ExpectFinished {
        transcript: flight.transcript,
        master: flight.master,
        client_handshake: flight.client_handshake,
        client,
        server,
        tickets: flight.tickets,
    })))
}

pub(crate) struct ExpectFinished {
    transcript: Transcript,
    master: MasterSecret,
    client_handshake: TrafficSecret,
    client: TrafficSecret,
    server: TrafficSecret,
    tickets: TicketTerms,
}

impl ExpectFinished {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::FINISHED)?;
        let finished: Finished = message.decode()?;
        // RFC 9846 §4.5.3: "Recipients of Finished messages MUST verify that the contents are correct
        // and if incorrect MUST terminate the connection with a "decrypt_error" alert."
        let transcript = self.transcript.current();
        if !self
            .client_handshake
            .verify_finished(&transcript, &finished.verify_data)
        {
            return Err(PeerMisbehaved::BadFinished.into());
        }
        self.transcript.add(&message.bytes);
        cx.common.set_read_protection(self.client.protection()?)?;
        cx.common
            .set_change_cipher_specs(ChangeCipherSpecs::Refused);
        cx.common.complete_handshake();
        cx.common.shrink();

        let resumption = self.master.into_resumption(&self.transcript.current());
        let open_tickets = tickets::ask(&resumption, self.tickets, cx)?;
        Ok(State::ExpectTraffic(Box::new(ExpectTraffic::new(
            Traffic::new(self.client, self.server),
            open_tickets,
        ))))
    }
}
