//! The client's change_cipher_spec (RFC 5246 §7.1). In TLS 1.2 it has one place, and is refused
//! everywhere else: taken before the master secret is made, it would put a key that everybody knows
//! into force (CVE-2014-0224).

use super::State;
use super::finished::{Ending, ExpectFinished};
use super::server_hello::Flight;
use crate::error::Error;
use crate::handshake::{Incoming, Transcript};
use crate::key_schedule::tls12::MasterSecret;
use crate::record::{ChangeCipherSpecs, Protection};
use crate::server::Context;

pub(crate) struct ExpectChangeCipherSpec {
    /// For what the client sends from there on.
    pub(super) client: Protection,
    pub(super) master: MasterSecret,
    pub(super) transcript: Transcript,
    pub(super) ending: Ending,
}

impl ExpectChangeCipherSpec {
    /// The master secret of a full handshake is there.
    pub(super) fn in_full_handshake(master: MasterSecret, flight: Flight) -> Result<State, Error> {
        let (client, server) = master.protections(flight.suite, &flight.randoms)?;
        Ok(State::ExpectChangeCipherSpec(Box::new(Self {
            client,
            master,
            transcript: flight.transcript,
            ending: Ending::Full {
                server,
                session: flight.session,
            },
        })))
    }

    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let Incoming::ChangeCipherSpec = incoming else {
            return Err(incoming.unexpected());
        };
        cx.common.set_read_protection(self.client)?;
        cx.common
            .set_change_cipher_specs(ChangeCipherSpecs::Refused);
        Ok(State::ExpectFinished(Box::new(ExpectFinished {
            master: self.master,
            transcript: self.transcript,
            ending: self.ending,
        })))
    }
}
