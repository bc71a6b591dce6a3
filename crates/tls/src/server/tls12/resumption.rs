//! Resumption, by ticket (RFC 5077) or by session ID (RFC 5246 §7.3).

use std::sync::Arc;

use keyward_wire::handshake::ClientHello;
use keyward_wire::values::ProtocolVersion;
use rustls_pki_types::CertificateDer;

use super::client_hello::Offer;
use super::{State, server_hello};
use crate::error::{Error, PeerMisbehaved};
use crate::key_schedule::tls12::MasterSecret;
use crate::needs::{Need, NeedError, NeedKind, OfferedSession, SessionAnswer, SessionNeed};
use crate::server::Context;
use crate::server::negotiation::Resumption;
use crate::session::{SessionState, peer};
use crate::suites::Suite;

/// The session that is resumed: only the check of what it must agree with makes one.
pub(super) struct Resumed {
    pub(super) suite: &'static Suite,
    pub(super) master: MasterSecret,
    /// What the client presented in the full handshake.
    pub(super) peer_certificates: Arc<[CertificateDer<'static>]>,
}

/// Asks for the session, if the client offers one.
///
/// Never in a renegotiation. What is negotiated, and with it who the peer is, changes with the ServerHello,
/// and a ticket is no secret: until the Finished, a peer that has seen another's ticket would pass for that
/// other on a connection that already carries data.
pub(super) fn look_up(offer: Offer, cx: &mut Context<'_>) -> Result<State, Error> {
    let may_resume = offer.renegotiated.is_none() && cx.config.session_lifetime_s > 0;
    let Some(offered) = offered(&offer.opening.hello, cx).filter(|_| may_resume) else {
        return server_hello::send_full(offer, cx);
    };
    cx.common.ask(|id| {
        Need::Session(SessionNeed {
            id,
            offered: vec![offered],
        })
    });
    Ok(State::AwaitSession(Box::new(AwaitSession { offer })))
}

/// RFC 5077 §3.4: "When presenting a ticket, the client MAY generate and include a Session ID in the TLS
/// ClientHello": which then names nothing. To a server without tickets the extension says nothing, and
/// the session ID is one.
fn offered(hello: &ClientHello, cx: &Context<'_>) -> Option<OfferedSession> {
    let tickets = cx.config.session_tickets_tls12;
    match hello.extensions.session_ticket.as_ref().filter(|_| tickets) {
        Some(ticket) if !ticket.is_empty() => Some(OfferedSession::Ticket(ticket.clone())),
        _ if hello.session_id.is_empty() => None,
        _ => Some(OfferedSession::SessionId(hello.session_id.clone())),
    }
}

pub(crate) struct AwaitSession {
    offer: Offer,
}

impl AwaitSession {
    pub(super) fn answered(
        self,
        answer: Result<Option<Box<SessionAnswer>>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let session = cx.common.do_without(NeedKind::Session, answer);
        let Some((0, session)) = session.map(|session| *session) else {
            return server_hello::send_full(self.offer, cx);
        };
        match resume(&self.offer, &session, cx)? {
            // A client without a certificate is nobody to ask about.
            Some(resumed) if session.peer_certificates.is_empty() => {
                server_hello::send_resumed(self.offer, resumed, cx)
            }
            Some(resumed) => Ok(ask_about_peer(self.offer, resumed, session, cx)),
            None => server_hello::send_full(self.offer, cx),
        }
    }
}

/// Asks whether the client that began the session is still to be trusted.
fn ask_about_peer(
    offer: Offer,
    resumed: Resumed,
    session: SessionState,
    cx: &mut Context<'_>,
) -> State {
    peer::ask(&session, None, cx.common);
    State::AwaitSessionPeer(Box::new(AwaitSessionPeer {
        offer,
        resumed,
        session,
    }))
}

pub(crate) struct AwaitSessionPeer {
    offer: Offer,
    resumed: Resumed,
    session: SessionState,
}

impl AwaitSessionPeer {
    /// A client that is not trusted any more gets a full handshake, in which it can present another
    /// certificate.
    pub(super) fn answered(
        self,
        answer: Result<(), NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        if peer::is_trusted(answer, &self.session, cx.now, cx.common) {
            server_hello::send_resumed(self.offer, self.resumed, cx)
        } else {
            server_hello::send_full(self.offer, cx)
        }
    }
}

/// Checks everything that a resumed session must agree with; one that does not fit is passed over.
fn resume(
    offer: &Offer,
    session: &SessionState,
    cx: &Context<'_>,
) -> Result<Option<Resumed>, Error> {
    let hello = &offer.opening.hello;
    let alpn = offer.alpn.as_deref();
    let resumption = Resumption::new(ProtocolVersion::TLS12, &offer.opening, alpn, cx);
    // RFC 5246 §7.4.1.2: a client that resumes "MUST include at least the cipher_suite from that
    // session".
    let suite = Suite::of(session.cipher_suite)
        .filter(|suite| hello.cipher_suites.contains(&suite.code))
        .filter(|suite| offer.opening.site.policy.legacy || !suite.is_legacy());
    let Some(suite) = suite.filter(|_| resumption.permits(session)) else {
        return Ok(None);
    };
    match (
        session.extended_master_secret,
        hello.extensions.extended_master_secret,
    ) {
        // RFC 7627 §5.3: "If the original session did not use the "extended_master_secret" extension
        // but the new ClientHello contains the extension, then the server MUST NOT perform the
        // abbreviated handshake. Instead, it SHOULD continue with a full handshake".
        (false, true) => return Ok(None),
        // RFC 7627 §5.3: "If the original session used the "extended_master_secret" extension but the
        // new ClientHello does not contain it, the server MUST abort the abbreviated handshake."
        (true, false) => return Err(PeerMisbehaved::ResumedWithoutExtendedMasterSecret.into()),
        // Neither has it, which only a legacy policy lets pass: the "MUST NOT export any key material"
        // and "MUST disable renegotiation" of RFC 7627 §5.4 hold then.
        (true, true) | (false, false) => {}
    }
    let master = MasterSecret::of_session(suite, &session.secret);
    Ok(master.map(|master| Resumed {
        suite,
        master,
        peer_certificates: session.peer_certificates.clone(),
    }))
}
