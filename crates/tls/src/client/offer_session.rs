//! The session that is offered, if the caller has one and still trusts the server's certificate in it.

use keyward_wire::values::ProtocolVersion;

use super::{Context, State, client_hello};
use crate::error::Error;
use crate::needs::{Need, NeedError, NeedKind, OfferSessionNeed};
use crate::peer_name::PeerName;
use crate::session::{ClientSession, MAX_TICKET_LEN, SessionName, peer};
use crate::suites::Suite;

/// Asks for a session, if sessions are resumed, or sends the ClientHello at once.
pub(super) fn start(name: PeerName, cx: &mut Context<'_>) -> Result<State, Error> {
    if !cx.config.resumption {
        return client_hello::send(name, None, cx);
    }
    cx.common.ask(|id| {
        Need::OfferSession(OfferSessionNeed {
            id,
            name: name.clone(),
            alpn: cx.config.alpn.clone(),
        })
    });
    Ok(State::AwaitSession(Box::new(AwaitSession { name })))
}

pub(crate) struct AwaitSession {
    name: PeerName,
}

impl AwaitSession {
    pub(super) fn answered(
        self,
        answer: Result<Option<Box<ClientSession>>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let session = cx
            .common
            .do_without(NeedKind::OfferSession, answer)
            .filter(|session| may_be_offered(session, &self.name, cx));
        let Some(session) = session else {
            return client_hello::send(self.name, None, cx);
        };
        let name = Some(self.name.clone());
        peer::ask(&session.state, name, cx.common);
        Ok(State::AwaitSessionPeer(Box::new(AwaitSessionPeer {
            name: self.name,
            session,
        })))
    }
}

pub(crate) struct AwaitSessionPeer {
    name: PeerName,
    session: Box<ClientSession>,
}

impl AwaitSessionPeer {
    /// A session with a server that is not trusted any more is not offered, and no early data goes to
    /// it: the full handshake shows who it is now.
    pub(super) fn answered(
        self,
        answer: Result<(), NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let trusted = peer::is_trusted(answer, &self.session.state, cx.now, cx.common);
        client_hello::send(self.name, trusted.then_some(self.session), cx)
    }
}

/// Whether the session may be offered here: to whom it was made with, by who would trust
/// the same and present the same, and only where the handshake could
/// lead to what it led to then. One that does not fit is passed over.
fn may_be_offered(session: &ClientSession, name: &PeerName, cx: &Context<'_>) -> bool {
    let policy = &cx.config.policy;
    let state = &session.state;
    let offered = Suite::of(state.cipher_suite).is_some_and(|suite| {
        client_hello::offers(policy, suite) && suite.version() == state.version
    });
    let protocol = match &state.alpn {
        Some(protocol) => cx.config.alpn.contains(protocol),
        None => true,
    };
    // What is required of a full handshake is required of the one that is resumed.
    let extended = state.version == ProtocolVersion::TLS13
        || state.extended_master_secret
        || !policy.require_extended_master_secret;
    let fits = match &session.name {
        SessionName::Ticket(ticket) => ticket.len() <= MAX_TICKET_LEN,
        SessionName::SessionId(_) => state.version == ProtocolVersion::TLS12,
    };
    let ours = session.peer == *name && state.context == cx.config.session_context;
    fits && ours && state.is_alive(cx.now) && offered && protocol && extended
}
