//! Finished, the server's and ours (RFC 9846 §4.5.3).

use keyward_wire::handshake::{self, CertificateRequestTls13, Finished};
use keyward_wire::values::HandshakeType;

use super::server_hello::Flight;
use super::tickets::Sessions;
use super::traffic::ExpectTraffic;
use super::{State, client_certificate, early_data, psk};
use crate::client::Context;
use crate::error::{Error, PeerMisbehaved};
use crate::exporter::Exporter;
use crate::handshake::Incoming;
use crate::key_log::label;
use crate::key_schedule::tls13::TrafficSecret;
use crate::record::ChangeCipherSpecs;
use crate::tls13::Traffic;

pub(crate) struct ExpectFinished {
    pub(super) flight: Flight,
    pub(super) request: Option<Box<CertificateRequestTls13>>,
}

impl ExpectFinished {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::FINISHED)?;
        let finished: Finished = message.decode()?;
        let mut flight = self.flight;
        // RFC 9846 §4.5.3: "Recipients of Finished messages MUST verify that the contents are correct and if
        // incorrect MUST terminate the connection with a "decrypt_error" alert."
        let transcript = flight.transcript.current();
        if !flight
            .server_handshake
            .finished_key()
            .verify(&transcript, &finished.verify_data)
        {
            return Err(PeerMisbehaved::BadFinished.into());
        }
        flight.transcript.add(&message.bytes);

        let hash = flight.transcript.current();
        let (client, server, exporter) = flight.master.traffic(&hash);
        let key_log = &mut cx.common.key_log;
        key_log.add(label::CLIENT_TRAFFIC, client.secret());
        key_log.add(label::SERVER_TRAFFIC, server.secret());
        key_log.add(label::EXPORTER, &exporter);
        cx.common.exporter = Some(Exporter::Tls13 {
            secret: exporter,
            hash: flight.suite.hash,
        });
        cx.common.set_read_protection(server.protection()?)?;
        cx.common
            .set_change_cipher_specs(ChangeCipherSpecs::Refused);
        early_data::end(&mut flight, cx)?;
        let last = LastFlight {
            flight,
            client,
            server,
        };
        match self.request {
            Some(request) => Ok(client_certificate::ask(*request, last, cx)),
            None => last.finish(cx),
        }
    }
}

/// What our last flight needs.
pub(super) struct LastFlight {
    pub(super) flight: Flight,
    /// For application data.
    client: TrafficSecret,
    server: TrafficSecret,
}

impl LastFlight {
    /// Sends our Finished: the handshake is complete.
    pub(super) fn finish(self, cx: &mut Context<'_>) -> Result<State, Error> {
        let mut flight = self.flight;
        let verify_data = flight
            .client_handshake
            .finished_key()
            .mac(&flight.transcript.current())
            .to_vec();
        let message = handshake::to_message(&Finished { verify_data });
        flight.transcript.add(&message);
        cx.common.send_handshake(&message);
        cx.common.set_write_protection(self.client.protection()?)?;
        cx.common.complete_handshake();

        let resumption = flight.master.into_resumption(&flight.transcript.current());
        let created = psk::of(&flight.hello)
            .filter(|_| flight.resumed)
            .map(|(session, _)| session.state.created);
        let sessions = cx
            .config
            .resumption
            .then(|| Box::new(Sessions::new(resumption, flight.hello.name, created)));
        Ok(State::ExpectTraffic(Box::new(ExpectTraffic {
            traffic: Traffic::new(self.server, self.client),
            sessions,
        })))
    }
}
