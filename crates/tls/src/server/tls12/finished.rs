//! Finished, the client's and ours (RFC 5246 §7.4.9). In a full handshake the client's comes first,
//! in an abbreviated one ours.

use keyward_wire::handshake::{self, Finished};
use keyward_wire::values::HandshakeType;

use super::change_cipher_spec::ExpectChangeCipherSpec;
use super::resumption::Resumed;
use super::server_hello::NewSession;
use super::traffic::ExpectTraffic;
use super::{State, new_session_ticket};
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::{Incoming, Transcript};
use crate::key_schedule::tls12::{MasterSecret, Randoms};
use crate::record::Protection;
use crate::server::Context;

/// What follows the client's Finished.
pub(super) enum Ending {
    /// Ours, behind the ticket.
    Full {
        server: Protection,
        session: NewSession,
    },
    /// Nothing: ours is sent.
    Resumed,
}

pub(crate) struct ExpectFinished {
    pub(super) master: MasterSecret,
    pub(super) transcript: Transcript,
    pub(super) ending: Ending,
}

impl ExpectFinished {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::FINISHED)?;
        let finished: Finished = message.decode()?;
        // RFC 5246 §7.4.9: "Recipients of Finished messages MUST verify that the contents are correct."
        let transcript = self.transcript.current();
        if !self
            .master
            .verify_client_finished(&transcript, &finished.verify_data)
        {
            return Err(PeerMisbehaved::BadFinished.into());
        }
        self.transcript.add(&message.bytes);
        match self.ending {
            Ending::Full { server, session } => {
                let last = LastFlight {
                    master: self.master,
                    transcript: self.transcript,
                    server,
                };
                new_session_ticket::ask(session, last, cx)
            }
            Ending::Resumed => Ok(complete(cx)),
        }
    }
}

/// What our last flight of a full handshake needs.
pub(super) struct LastFlight {
    pub(super) master: MasterSecret,
    pub(super) transcript: Transcript,
    server: Protection,
}

impl LastFlight {
    /// Sends change_cipher_spec and Finished, and ends the handshake.
    pub(super) fn send(mut self, cx: &mut Context<'_>) -> Result<State, Error> {
        send(&self.master, &mut self.transcript, self.server, cx)?;
        Ok(complete(cx))
    }
}

/// Sends ours in an abbreviated handshake, and waits for the client's.
pub(super) fn send_resumed(
    resumed: Resumed,
    randoms: &Randoms,
    mut transcript: Transcript,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let Resumed { suite, master } = resumed;
    let (client, server) = master.protections(suite, randoms)?;
    send(&master, &mut transcript, server, cx)?;
    Ok(State::ExpectChangeCipherSpec(Box::new(
        ExpectChangeCipherSpec {
            client,
            master,
            transcript,
            ending: Ending::Resumed,
        },
    )))
}

/// RFC 5246 §7.4.9: "A Finished message is always sent immediately after a change cipher spec message".
fn send(
    master: &MasterSecret,
    transcript: &mut Transcript,
    server: Protection,
    cx: &mut Context<'_>,
) -> Result<(), Error> {
    cx.common.send_change_cipher_spec()?;
    cx.common.set_write_protection(server)?;
    let verify_data = master.server_finished(&transcript.current()).to_vec();
    let message = handshake::to_message(&Finished { verify_data });
    transcript.add(&message);
    cx.common.send_handshake(&message);
    Ok(())
}

fn complete(cx: &mut Context<'_>) -> State {
    cx.common.complete_handshake();
    cx.common.shrink();
    State::ExpectTraffic(ExpectTraffic::default())
}
