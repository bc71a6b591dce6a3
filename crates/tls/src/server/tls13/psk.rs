//! Resumption with a PSK (RFC 9846 §4.3.11), with (EC)DHE always (`psk_dhe_ke`).

use std::sync::Arc;

use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{ProtocolVersion, PskKeyExchangeMode};
use rustls_pki_types::CertificateDer;

use super::client_hello::Chosen;
use super::{State, early_data, server_hello};
use crate::error::{Error, PeerMisbehaved};
use crate::key_schedule::tls13::EarlySecret;
use crate::needs::{Need, NeedError, NeedKind, OfferedSession, SessionAnswer, SessionNeed};
use crate::negotiated::NoEarlyData;
use crate::server::Context;
use crate::server::negotiation::Resumption;
use crate::session::{SessionState, peer};
use crate::suites::Suite;
use crate::time::UnixTime;

/// The session that is resumed: only a right binder makes one.
pub(super) struct Resumed {
    /// Which of the client's identities.
    pub(super) index: u16,
    pub(super) early: EarlySecret,
    /// When the session's full handshake was.
    pub(super) created: UnixTime,
    /// What the client presented in it.
    pub(super) peer_certificates: Arc<[CertificateDer<'static>]>,
    /// How much older the client holds its ticket to be than we do, in milliseconds.
    pub(super) age_skew_ms: i64,
    /// How much early data is taken, in bytes, or why none is.
    pub(super) early_data: Result<u32, NoEarlyData>,
}

/// Asks for the session, if the client offers any that could be resumed.
pub(super) fn look_up(chosen: Chosen, cx: &mut Context<'_>) -> Result<State, Error> {
    let offered = offered(&chosen.opening.hello);
    let may_resume = cx.config.session_ticket_count_tls13 > 0 && cx.config.session_lifetime_s > 0;
    if offered.is_empty() || !may_resume {
        return server_hello::send(chosen, None, cx);
    }
    cx.common
        .ask(|id| Need::Session(SessionNeed { id, offered }));
    Ok(State::AwaitSession(Box::new(AwaitSession { chosen })))
}

fn offered(hello: &ClientHello) -> Vec<OfferedSession> {
    let extensions = &hello.extensions;
    match &extensions.pre_shared_key {
        Some(keys) if speaks_psk_dhe(hello) => keys
            .identities
            .iter()
            .take(SessionNeed::MAX_OFFERED)
            .map(|identity| OfferedSession::Ticket(identity.identity.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the client can resume as this server does: with forward secrecy.
pub(super) fn speaks_psk_dhe(hello: &ClientHello) -> bool {
    let modes = hello.extensions.psk_key_exchange_modes.as_deref();
    modes.is_some_and(|modes| modes.contains(&PskKeyExchangeMode::PSK_DHE_KE))
}

pub(crate) struct AwaitSession {
    chosen: Chosen,
}

impl AwaitSession {
    pub(super) fn answered(
        self,
        answer: Result<Option<Box<SessionAnswer>>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let session = cx.common.do_without(NeedKind::Session, answer);
        let Some(answer) = session else {
            return server_hello::send(self.chosen, None, cx);
        };
        let (index, session) = *answer;
        let mut chosen = self.chosen;
        chosen.early_data_promised = session.max_early_data;
        match resume(&mut chosen, index, &session, cx)? {
            Some(resumed) => ask_about_peer(chosen, resumed, session, cx),
            None => server_hello::send(chosen, None, cx),
        }
    }
}

/// Asks whether the client that began the session is still to be trusted, if it has presented a certificate.
fn ask_about_peer(
    chosen: Chosen,
    resumed: Resumed,
    session: SessionState,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    if session.peer_certificates.is_empty() {
        return early_data::consider(chosen, resumed, &session, cx);
    }
    peer::ask(&session, None, cx.common);
    Ok(State::AwaitSessionPeer(Box::new(AwaitSessionPeer {
        chosen,
        resumed,
        session,
    })))
}

pub(crate) struct AwaitSessionPeer {
    chosen: Chosen,
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
            early_data::consider(self.chosen, self.resumed, &self.session, cx)
        } else {
            server_hello::send(self.chosen, None, cx)
        }
    }
}

/// Checks everything that a resumed session must agree with. A session that does not fit is passed
/// over; a binder that is wrong ends the connection.
fn resume(
    chosen: &mut Chosen,
    index: usize,
    session: &SessionState,
    cx: &Context<'_>,
) -> Result<Option<Resumed>, Error> {
    let hello = chosen.opening.hello.clone();
    let alpn = chosen.alpn.as_deref();
    let resumption = Resumption::new(ProtocolVersion::TLS13, &chosen.opening, alpn, cx);
    // RFC 9846 §4.3.11: "The server MUST ensure that it selects a compatible PSK (if any) and cipher
    // suite": one with the same hash.
    let same_hash =
        Suite::of(session.cipher_suite).is_some_and(|suite| suite.hash == chosen.suite.hash);
    let Some(binder) = hello
        .extensions
        .pre_shared_key
        .as_ref()
        .and_then(|keys| keys.binders.get(index))
        .filter(|_| index < SessionNeed::MAX_OFFERED)
    else {
        return Ok(None);
    };
    if !(same_hash && resumption.permits(session)) {
        return Ok(None);
    }
    let early = EarlySecret::new(chosen.suite, Some(&session.secret));
    verify_binder(chosen, &early, binder)?;
    Ok(Some(Resumed {
        index: u16::try_from(index).map_err(|_| Error::Internal("PSK index"))?,
        early,
        created: session.created,
        peer_certificates: session.peer_certificates.clone(),
        age_skew_ms: age_skew_ms(chosen, index, session, cx.now),
        early_data: Err(NoEarlyData::Declined),
    }))
}

fn age_skew_ms(chosen: &Chosen, index: usize, session: &SessionState, now: UnixTime) -> i64 {
    let keys = chosen.opening.hello.extensions.pre_shared_key.as_ref();
    let arrival = keys
        .and_then(|keys| keys.identities.get(index))
        .map_or(now, |identity| session.arrival(identity));
    let ms =
        |duration: core::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match arrival.since(now) {
        Some(older) => ms(older),
        None => now.since(arrival).map_or(0, |younger| -ms(younger)),
    }
}

/// RFC 9846 §4.3.11: "Prior to accepting PSK key establishment, the server MUST validate the
/// corresponding binder value ... If this value is not present or does not validate, the server MUST
/// abort the handshake."
fn verify_binder(chosen: &mut Chosen, early: &EarlySecret, binder: &[u8]) -> Result<(), Error> {
    let truncated = chosen
        .opening
        .hello
        .without_binders(&chosen.opening.message)
        .ok_or(Error::Internal("a ClientHello is shorter than its binders"))?;
    let hash = chosen.transcript.begin(truncated);
    if early.verify_binder(&hash, binder) {
        Ok(())
    } else {
        Err(PeerMisbehaved::BadBinder.into())
    }
}
