//! Finished, the client's and ours (RFC 5246 §7.4.9). In a full handshake the client's comes first,
//! in an abbreviated one ours.

use super::change_cipher_spec::ExpectChangeCipherSpec;
use super::renegotiation::Prospect;
use super::resumption::Resumed;
use super::server_hello::NewSession;
use super::traffic::ExpectTraffic;
use super::{State, new_session_ticket};
use crate::error::Error;
use crate::handshake::{Incoming, Transcript};
use crate::key_schedule::tls12::{MasterSecret, Protections, Randoms, Side, Terms, VerifyData};
use crate::record::Protection;
use crate::server::Context;
use crate::tls12::{Previous, check_finished, send_finished};

/// A handshake whose keys are made.
pub(super) struct Keyed {
    pub(super) master: MasterSecret,
    pub(super) randoms: Randoms,
    pub(super) transcript: Transcript,
    pub(super) prospect: Option<Box<Prospect>>,
}

/// What follows the client's Finished.
pub(super) enum Ending {
    /// Ours, behind the ticket.
    Full {
        server: Protection,
        session: NewSession,
    },
    /// Nothing: ours is sent.
    Resumed(VerifyData),
}

pub(crate) struct ExpectFinished {
    pub(super) keyed: Keyed,
    pub(super) ending: Ending,
}

impl ExpectFinished {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let mut keyed = self.keyed;
        let client = check_finished(Side::Client, &keyed.master, &mut keyed.transcript, incoming)?;
        match self.ending {
            Ending::Full { server, session } => {
                let last = LastFlight {
                    keyed,
                    client,
                    protection: server,
                };
                new_session_ticket::ask(session, last, cx)
            }
            Ending::Resumed(server) => Ok(complete(keyed, Previous { client, server }, cx)),
        }
    }
}

/// What our last flight of a full handshake needs.
pub(super) struct LastFlight {
    pub(super) keyed: Keyed,
    client: VerifyData,
    protection: Protection,
}

impl LastFlight {
    /// Sends change_cipher_spec and Finished, and ends the handshake.
    pub(super) fn send(mut self, cx: &mut Context<'_>) -> Result<State, Error> {
        let server = send(&mut self.keyed, self.protection, cx)?;
        let client = self.client;
        Ok(complete(self.keyed, Previous { client, server }, cx))
    }
}

/// Sends ours in an abbreviated handshake, and waits for the client's.
pub(super) fn send_resumed(
    resumed: Resumed,
    randoms: Randoms,
    transcript: Transcript,
    encrypt_then_mac: bool,
    prospect: Option<Box<Prospect>>,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let Resumed { suite, master, .. } = resumed;
    let terms = Terms {
        suite,
        randoms: &randoms,
        encrypt_then_mac,
    };
    let Protections { write, read } =
        master.protections(Side::Server, &terms, &cx.config.random)?;
    let mut keyed = Keyed {
        master,
        randoms,
        transcript,
        prospect,
    };
    let sent = send(&mut keyed, write, cx)?;
    Ok(State::ExpectChangeCipherSpec(Box::new(
        ExpectChangeCipherSpec {
            client: read,
            keyed,
            ending: Ending::Resumed(sent),
        },
    )))
}

fn send(
    keyed: &mut Keyed,
    protection: Protection,
    cx: &mut Context<'_>,
) -> Result<VerifyData, Error> {
    send_finished(
        Side::Server,
        &keyed.master,
        &mut keyed.transcript,
        protection,
        cx.common,
    )
}

fn complete(keyed: Keyed, previous: Previous, cx: &mut Context<'_>) -> State {
    let extended = cx
        .common
        .negotiated
        .as_ref()
        .is_some_and(|negotiated| negotiated.extended_master_secret);
    keyed.master.publish(keyed.randoms, extended, cx.common);
    cx.common.complete_handshake();
    let renegotiable = keyed
        .prospect
        .map(|prospect| Box::new(prospect.finished(previous)));
    State::ExpectTraffic(ExpectTraffic::new(renegotiable))
}
