//! From a request to a job in a queue, or to an answer at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_crypto::signature::KeyKind;
use keyward_protocol::{EncodedFrame, ErrorCode, ErrorReply, Request};
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use crate::audit::{Entry, Verdict};
use crate::in_flight::{InFlight, ReplySlot};
use crate::metrics::Outcome;
use crate::policy::{EdgeGrant, Refusal};
use crate::queue::Weight;
use crate::server::Shared;
use crate::store::StoredKey;
use crate::work::Work;
use crate::worker::Job;

/// What one connection's requests need.
pub(crate) struct Dispatch {
    pub(crate) shared: Arc<Shared>,
    /// What the edge may do now.
    pub(crate) edge: watch::Receiver<Arc<EdgeGrant>>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) replies: mpsc::Sender<EncodedFrame>,
}

/// Why a request was not queued.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// Tell the edge, and go on.
    Answer(ErrorReply),
    /// The edge broke the protocol: the connection ends with this.
    Violation(&'static str),
}

impl Dispatch {
    /// What the edge may do now.
    pub(crate) fn edge(&self) -> Arc<EdgeGrant> {
        Arc::clone(&self.edge.borrow())
    }

    /// Queues a request, or says why not.
    pub(crate) fn request(&self, id: u32, request: Request) -> Result<(), Rejected> {
        let Request {
            deadline_ms,
            operation,
        } = request;
        if id == 0 {
            return Err(Rejected::Violation("request with id 0"));
        }
        let work = Work::from(operation);
        let permit = self.permit(&work)?;
        let Some(reply) = self.in_flight.begin(id, permit) else {
            return Err(Rejected::Violation(
                "request with the id of one that is in flight",
            ));
        };
        self.queue(work, Duration::from_millis(deadline_ms.into()), reply)
    }

    /// As [`request`](Self::request), for one of the older protocol.
    pub(crate) fn older_request(
        &self,
        id: u32,
        work: Work,
        wait: Duration,
    ) -> Result<(), Rejected> {
        let permit = self.permit(&work)?;
        let Some(reply) = self.in_flight.begin_older(id, permit) else {
            return Err(self.overloaded(&work, "too many requests in flight on this connection"));
        };
        self.queue(work, wait, reply)
    }

    /// Room for one answer.
    fn permit(&self, work: &Work) -> Result<OwnedPermit<EncodedFrame>, Rejected> {
        let permit = self.replies.clone().try_reserve_owned();
        permit.map_err(|_| self.overloaded(work, "too many requests in flight on this connection"))
    }

    fn overloaded(&self, work: &Work, what: &str) -> Rejected {
        let edge = self.edge();
        edge.operations().count(work.kind(), Outcome::Overloaded);
        debug!(edge = edge.label(), "overloaded: {what}");
        Rejected::Answer(ErrorReply::new(ErrorCode::Overloaded, what))
    }

    fn queue(&self, operation: Work, wait: Duration, reply: ReplySlot) -> Result<(), Rejected> {
        let arrived = Instant::now();
        let edge = self.edge();
        let access = Arc::clone(&self.shared.access.borrow());
        let Some(key) = access.keys.key(operation.key()).cloned() else {
            edge.operations()
                .count(operation.kind(), Outcome::UnknownKey);
            warn!(edge = edge.label(), key = %operation.key(), "refused: there is no such key");
            return Err(Rejected::Answer(ErrorReply::new(
                ErrorCode::UnknownKey,
                "there is no such key here",
            )));
        };
        let admitted = match edge.admit(&operation) {
            Ok(admitted) => admitted,
            Err(refusal) => return Err(self.refused(&edge, &operation, &key, &refusal)),
        };
        let Ok(bytes) =
            Arc::clone(&self.shared.queued_bytes).try_acquire_many_owned(size(&operation))
        else {
            return Err(self.overloaded(
                &operation,
                "the handshakes that wait are too large together",
            ));
        };
        let weight = match key.public_key().kind() {
            // Of a key elsewhere there are only the checks to be made here.
            KeyKind::Rsa { .. } | KeyKind::RsaPss { .. } if key.is_here() => Weight::Heavy,
            _ => Weight::Light,
        };
        let job = Job {
            operation,
            key,
            edge,
            admitted,
            arrived,
            deadline: arrived + wait.min(self.shared.limits.deadline),
            _bytes: bytes,
            reply,
        };
        let pushed = self.shared.queue.push(weight, job);
        pushed.map_err(|job| {
            self.overloaded(&job.operation, "the queue for this kind of key is full")
        })
    }
}

impl Dispatch {
    fn refused(
        &self,
        edge: &EdgeGrant,
        operation: &Work,
        key: &StoredKey,
        refusal: &Refusal,
    ) -> Rejected {
        let Shared {
            metrics,
            refusals,
            audit,
            ..
        } = &*self.shared;
        metrics.refused(refusal.reason);
        edge.operations().count(operation.kind(), Outcome::Refused);
        if refusals.note(edge.label(), refusal.reason, Instant::now()) {
            warn!(
                edge = edge.label(), key = key.label(), operation = %operation.kind(), cause = %refusal,
                "refused"
            );
            audit.note(&Entry {
                edge: edge.label(),
                key: key.id(),
                label: Some(key.label()),
                operation: operation.kind(),
                names: None,
                fingerprint: None,
                verdict: Verdict::Refused(&refusal.cause),
                work: Duration::ZERO,
            });
        }
        Rejected::Answer(ErrorReply::refused(refusal.reason))
    }
}

/// The bytes of handshake that an operation keeps in memory.
fn size(operation: &Work) -> u32 {
    u32::try_from(operation.payload_len()).unwrap_or(u32::MAX)
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        // Nobody is left to take the results.
        self.in_flight.cancel_all();
    }
}
