//! One connection: from TCP to the end of the handshake, and what the server sends right after it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keyward_tls::ClientSession;
use tokio::time::timeout;

use super::answers::Answers;
use super::dial::{Dialled, dial, dial_again};
use super::found::{Agreed, Certificates, FailureText, Found, Sessions};
use super::line::{Happened, Line};
use super::plan::Plan;
use super::timeline::micros;
use super::trouble::Trouble;
use crate::failure::Failure;

/// How long to wait for what TLS 1.3 servers send after the handshake, such as tickets or an alert
/// about the client's certificate, at least; or three times as long as TCP's handshake took.
const AFTERWARDS: Duration = Duration::from_millis(200);
/// After the first ticket the others are on the way already.
const MORE: Duration = Duration::from_millis(20);

/// A connection after its handshake.
pub(crate) struct Visit<'a> {
    pub(crate) found: Found,
    pub(crate) answers: Answers<'a>,
    /// `None` if it failed.
    pub(crate) line: Option<Line>,
    /// Why it failed.
    pub(crate) trouble: Option<Trouble>,
    /// The newest session that the server gave.
    pub(crate) session: Option<ClientSession>,
    /// The server sends no more.
    pub(crate) peer_closed: bool,
}

/// A second connection, to where the first one went.
pub(crate) struct Again {
    pub(crate) address: SocketAddr,
    pub(crate) session: ClientSession,
}

/// Connects and shakes hands. A handshake that fails is a result as well.
pub(crate) async fn visit<'a>(
    plan: &'a Plan<'_>,
    again: Option<Again>,
) -> Result<Visit<'a>, Failure> {
    let limit = plan.timeout();
    let mut answers = Answers::new(&plan.trust, plan.args.insecure, plan.identity.as_ref());
    let mut early_data = None;
    let (number, dialled) = match again {
        None => (1, dial(&plan.args.target, limit).await?),
        Some(Again { address, session }) => {
            answers = answers.with_session(session);
            early_data = plan.early_data.as_deref();
            (2, dial_again(address, limit).await?)
        }
    };
    let Dialled {
        socket,
        address,
        took,
    } = dialled;
    let line = Line::new(
        socket,
        Arc::clone(&plan.config),
        plan.name.clone(),
        number,
        plan.key_log()?,
    );
    let mut line = line
        .map_err(|trouble| Failure::run_time(trouble.short()))?
        .with_early_data(early_data);
    let mut visit = Visit {
        found: Found {
            target: plan.args.target.to_string(),
            address,
            name: plan.name.to_string(),
            connect_us: micros(took),
            agreed: None,
            certificates: None,
            certificate_request: None,
            sessions: Sessions::default(),
            failure: None,
            handshake: line.timeline.record().clone(),
        },
        answers,
        line: None,
        trouble: None,
        session: None,
        peer_closed: false,
    };
    let outcome = match visit.shake_hands(&mut line, limit).await {
        Ok(()) => visit.settle(&mut line, AFTERWARDS.max(took * 3)).await,
        Err(trouble) => Err(trouble),
    };
    let seen = &visit.answers.seen;
    visit.found.certificates = Certificates::of(seen);
    visit.found.certificate_request = seen.request.clone();
    if let Err(trouble) = outcome {
        line.timeline.failed(&trouble.short());
        visit.found.failure = Some(FailureText {
            cause: trouble.short(),
            remedy: trouble.remedy(),
        });
        visit.trouble = Some(trouble);
    }
    visit.found.handshake = line.timeline.record().clone();
    visit.found.complete_record(&plan.name);
    visit.line = visit.trouble.is_none().then_some(line);
    Ok(visit)
}

impl Visit<'_> {
    async fn shake_hands(&mut self, line: &mut Line, limit: Duration) -> Result<(), Trouble> {
        // The first thing that happens, by the engine's rules.
        timeout(limit, line.next(&mut self.answers))
            .await
            .unwrap_or(Err(Trouble::Timeout))?;
        self.found.agreed = line
            .connection
            .negotiated()
            .map(|negotiated| Agreed::new(negotiated, &line.timeline));
        Ok(())
    }

    /// What the server sends of its own accord.
    async fn settle(&mut self, line: &mut Line, longest: Duration) -> Result<(), Trouble> {
        let mut wait = longest;
        loop {
            let Ok(happened) = timeout(wait, line.next(&mut self.answers)).await else {
                return Ok(());
            };
            match happened? {
                Happened::Session(session) => {
                    self.found.sessions.add(&session);
                    self.session = Some(*session);
                    wait = MORE;
                    // TLS 1.2 gives its only one with the handshake.
                    if line.is_tls12() {
                        return Ok(());
                    }
                }
                Happened::Complete if line.is_tls12() => return Ok(()),
                Happened::Complete | Happened::Sent => {}
                Happened::PeerClosed | Happened::Closed => {
                    self.peer_closed = true;
                    return Ok(());
                }
                Happened::Data => return Ok(()),
            }
        }
    }
}
