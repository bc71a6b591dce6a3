//! Finished, ours and the client's (RFC 9846 §4.5.3).

use keyward_wire::handshake::Finished;
use keyward_wire::values::HandshakeType;

use super::State;
use super::client_certificate::ExpectCertificate;
use super::early_data::ExpectEndOfEarlyData;
use super::server_hello::{Flight, Next, TicketTerms};
use super::tickets;
use super::traffic::ExpectTraffic;
use crate::error::{Error, PeerMisbehaved};
use crate::exporter::Exporter;
use crate::handshake::{Incoming, Transcript};
use crate::key_log::label;
use crate::key_schedule::tls13::{FinishedKey, MasterSecret, TrafficSecret};
use crate::record::ChangeCipherSpecs;
use crate::server::Context;
use crate::tls13::Traffic;

/// Sends ours, and changes to the keys for application data.
pub(super) fn send(mut flight: Flight, cx: &mut Context<'_>) -> Result<State, Error> {
    let verify_data = flight.server_finished.mac(&flight.transcript.current());
    let message = cx
        .common
        .send_message_of(HandshakeType::FINISHED, &verify_data[..]);
    flight.transcript.add(message);

    let hash = flight.transcript.current();
    let hash_algorithm = flight.transcript.algorithm();
    let (client, server, exporter) = flight.master.traffic(&hash);
    let key_log = &mut cx.common.key_log;
    key_log.add(label::CLIENT_TRAFFIC, client.secret());
    key_log.add(label::SERVER_TRAFFIC, server.secret());
    key_log.add(label::EXPORTER, &exporter);
    cx.common.exporter = Some(Exporter::Tls13 {
        secret: exporter,
        hash: hash_algorithm,
    });
    cx.common.set_write_protection(server.protection()?)?;
    let then = ExpectFinished {
        transcript: flight.transcript,
        master: flight.master,
        client_finished: flight.client_finished,
        client,
        server,
        tickets: flight.tickets,
    };
    // RFC 9846 §2: "while the server may send Application Data prior to receiving the client's
    // Authentication messages, any data sent at that point is, of course, being sent to an unauthenticated
    // peer." Where those messages were asked for, data waits for them.
    if !matches!(flight.next, Next::Certificate(_)) {
        cx.common.allow_sending();
    }
    Ok(match flight.next {
        Next::Finished => State::ExpectFinished(Box::new(then)),
        Next::EndOfEarlyData(protection) => {
            State::ExpectEndOfEarlyData(Box::new(ExpectEndOfEarlyData { protection, then }))
        }
        Next::Certificate(request) => {
            State::ExpectCertificate(Box::new(ExpectCertificate { request, then }))
        }
    })
}

pub(crate) struct ExpectFinished {
    pub(super) transcript: Transcript,
    master: MasterSecret,
    client_finished: FinishedKey,
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
            .client_finished
            .verify(&transcript, &finished.verify_data)
        {
            return Err(PeerMisbehaved::BadFinished.into());
        }
        self.transcript.add(&message.bytes);
        cx.common.set_read_protection(self.client.protection()?)?;
        cx.common
            .set_change_cipher_specs(ChangeCipherSpecs::Refused);
        cx.common.complete_handshake();

        let resumption = self.master.into_resumption(&self.transcript.current());
        let open_tickets = tickets::ask(&resumption, self.tickets, cx)?;
        Ok(State::ExpectTraffic(Box::new(ExpectTraffic::new(
            Traffic::new(self.client, self.server),
            open_tickets,
        ))))
    }
}
