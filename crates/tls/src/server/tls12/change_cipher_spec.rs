//! The client's change_cipher_spec (RFC 5246 §7.1). In TLS 1.2 it has one place, and is refused
//! everywhere else: taken before the master secret is made, it would put a key that everybody knows
//! into force (CVE-2014-0224).

use super::State;
use super::finished::{Ending, ExpectFinished, Keyed};
use super::server_hello::Flight;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::key_schedule::tls12::{MasterSecret, Protections, Side, Terms};
use crate::record::{ChangeCipherSpecs, Protection};
use crate::server::Context;

pub(crate) struct ExpectChangeCipherSpec {
    /// For what the client sends from there on.
    pub(super) client: Protection,
    pub(super) keyed: Keyed,
    pub(super) ending: Ending,
}

impl ExpectChangeCipherSpec {
    /// The master secret of a full handshake is there, and the client is who it says it is.
    pub(super) fn in_full_handshake(
        master: MasterSecret,
        mut flight: Flight,
        cx: &Context<'_>,
    ) -> Result<State, Error> {
        let terms = Terms {
            suite: flight.suite,
            randoms: &flight.randoms,
            encrypt_then_mac: flight.encrypt_then_mac,
        };
        let Protections { write, read } =
            master.protections(Side::Server, &terms, &cx.config.random)?;
        flight.transcript.forget_messages();
        Ok(State::ExpectChangeCipherSpec(Box::new(Self {
            client: read,
            keyed: Keyed {
                master,
                randoms: flight.randoms,
                transcript: flight.transcript,
                prospect: flight.prospect,
            },
            ending: Ending::Full {
                server: write,
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
        cx.common.hold_data();
        Ok(State::ExpectFinished(Box::new(ExpectFinished {
            keyed: self.keyed,
            ending: self.ending,
        })))
    }
}
