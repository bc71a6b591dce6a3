//! Resumption, by ticket (RFC 5077) or by session ID (RFC 5246 §7.3): whether the server agreed to it.

use keyward_wire::handshake::ServerHello;
use keyward_wire::values::ProtocolVersion;

use super::State;
use super::finished::{Ending, Keyed};
use super::server_hello::Flight;
use crate::client::{Context, Hello};
use crate::error::{Error, PeerMisbehaved};
use crate::key_schedule::tls12::{MasterSecret, Protections};
use crate::session::SessionState;
use crate::suites::Suite;

/// The session that is resumed: only the check of what the ServerHello says of it makes one.
pub(super) struct Resumed {
    master: MasterSecret,
    state: SessionState,
}

/// Whether the ServerHello resumes our session.
///
/// RFC 5077 §3.4: a server that accepts the ticket "MUST respond with the same Session ID present in the
/// ClientHello. This allows the client to easily differentiate when the server is resuming a session from
/// when it is falling back to a full handshake."
pub(super) fn accepted(
    hello: &Hello,
    server_hello: &ServerHello,
    suite: &Suite,
) -> Result<Option<Resumed>, Error> {
    if server_hello.session_id.is_empty() || server_hello.session_id != hello.hello.session_id {
        return Ok(None);
    }
    let session = hello.session.as_deref();
    let state = session
        .map(|session| &session.state)
        .filter(|state| state.version == ProtocolVersion::TLS12)
        .ok_or(PeerMisbehaved::UnofferedSession)?;
    // RFC 5246 §7.4.1.3: "For resumed sessions, this field is the value from the state of the session
    // being resumed."
    if state.cipher_suite != suite.code {
        return Err(PeerMisbehaved::ResumedWithAnotherSuite.into());
    }
    // RFC 7627 §5.3: "If the original session did not use the "extended_master_secret" extension but the
    // new ServerHello contains the extension, the client MUST abort the handshake." and "If the original
    // session used the extension but the new ServerHello does not contain the extension, the client MUST
    // abort the handshake."
    if state.extended_master_secret != server_hello.extensions.extended_master_secret {
        return Err(PeerMisbehaved::ResumedWithoutExtendedMasterSecret.into());
    }
    let master = MasterSecret::of_session(suite, &state.secret)
        .ok_or(Error::Internal("a session without a master secret"))?;
    Ok(Some(Resumed {
        master,
        state: state.clone(),
    }))
}

/// Waits for the server's Finished.
pub(super) fn go_on(
    mut flight: Flight,
    resumed: Resumed,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    flight.transcript.forget_messages();
    let Resumed { master, state } = resumed;
    if let Some(negotiated) = &mut cx.common.negotiated {
        negotiated.resumed = true;
        negotiated.peer_certificates = state.peer_certificates.clone();
        negotiated.stapled.clone_from(&state.stapled);
    }
    let Protections { write, read } = flight.protections(&master, cx)?;
    Keyed { master, flight }.expect_server(
        read,
        Ending::Resumed {
            client: write,
            session: Box::new(state),
        },
    )
}
