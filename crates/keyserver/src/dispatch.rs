//! From a request to a job in a queue, or to an answer at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_crypto::signature::KeyKind;
use keyward_keyop::OperationKind;
use keyward_protocol::{EncodedFrame, ErrorCode, ErrorReply, Request};
use tokio::sync::watch;
use tracing::{debug, warn};

use crate::access::Access;
use crate::audit::{Entry, Verdict};
use crate::in_flight::{InFlight, NotTaken, ReplySlot};
use crate::metrics::Outcome;
use crate::places::Place;
use crate::policy::{EdgeGrant, Refusal};
use crate::queue::{Full, Queued, Weight};
use crate::refusals::Class;
use crate::server::Shared;
use crate::store::StoredKey;
use crate::work::Work;
use crate::worker::Job;

/// What one connection's requests need.
pub(crate) struct Dispatch {
    pub(crate) shared: Arc<Shared>,
    /// What the edge may do now.
    pub(crate) edge: watch::Receiver<Arc<EdgeGrant>>,
    /// One of the edge's connections.
    pub(crate) place: Place<String>,
    pub(crate) in_flight: Arc<InFlight>,
}

/// Requests that came together: looked at one by one, queued at once.
pub(crate) struct Batch {
    edge: Arc<EdgeGrant>,
    access: Arc<Access>,
    arrived: Instant,
    jobs: Vec<Queued<Job>>,
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

    /// For requests that come now.
    pub(crate) fn batch(&self) -> Batch {
        Batch {
            edge: self.edge(),
            access: Arc::clone(&self.shared.access.borrow()),
            arrived: Instant::now(),
            jobs: Vec::new(),
        }
    }

    /// Adds a request to those that will be queued, or says why not.
    pub(crate) fn request(
        &self,
        batch: &mut Batch,
        id: u32,
        request: Request,
    ) -> Result<(), Rejected> {
        let Request {
            deadline_ms,
            operation,
        } = request;
        if id == 0 {
            return Err(Rejected::Violation("request with id 0"));
        }
        let work = Work::from(operation);
        let reply = self.in_flight.begin(id);
        let wait = Duration::from_millis(deadline_ms.into());
        self.add(batch, work, wait, reply)
    }

    /// As [`request`](Self::request), for one of the older protocol.
    pub(crate) fn older_request(
        &self,
        batch: &mut Batch,
        id: u32,
        work: Work,
        wait: Duration,
    ) -> Result<(), Rejected> {
        let reply = self.in_flight.begin_older(id);
        self.add(batch, work, wait, reply)
    }

    fn add(
        &self,
        batch: &mut Batch,
        operation: Work,
        wait: Duration,
        reply: Result<ReplySlot, NotTaken>,
    ) -> Result<(), Rejected> {
        let reply = reply.map_err(|why| match why {
            NotTaken::Full => Rejected::Answer(overloaded(
                &batch.edge,
                operation.kind(),
                "too many requests in flight on this connection",
            )),
            NotTaken::Duplicate => {
                Rejected::Violation("request with the id of one that is in flight")
            }
        })?;
        let Some(key) = batch.access.keys.key(operation.key()).cloned() else {
            return Err(self.unknown_key(&batch.edge, &operation));
        };
        let admitted = match batch.edge.admit(&operation) {
            Ok(admitted) => admitted,
            Err(refusal) => return Err(self.refused(&batch.edge, &operation, &key, &refusal)),
        };
        batch.jobs.push(Queued {
            edge: self.place.id(),
            weight: weight(&key),
            bytes: operation.payload_len(),
            job: Job {
                operation,
                key,
                edge: Arc::clone(&batch.edge),
                admitted,
                arrived: batch.arrived,
                deadline: batch.arrived + wait.min(self.shared.limits.deadline),
                reply,
            },
        });
        Ok(())
    }

    /// Queues what came together. Those that there is no room for have their answer: their ids are free again.
    pub(crate) fn queue(&self, batch: Batch) -> Vec<EncodedFrame> {
        let Batch { edge, jobs, .. } = batch;
        if jobs.is_empty() {
            return Vec::new();
        }
        let rejected = self.shared.queue.push_all(jobs);
        let rejected = rejected.into_iter().filter_map(|(job, full)| {
            let what = match full {
                Full::Lane => "the queue for this kind of key is full",
                Full::Edge => "too many of this edge's requests wait for this kind of key",
                Full::Bytes => "the handshakes that wait are too large together",
                Full::Closed => "this key server stops",
            };
            let kind = job.operation.kind();
            job.reply.dialect().error(overloaded(&edge, kind, what))
        });
        rejected.collect()
    }

    fn unknown_key(&self, edge: &EdgeGrant, operation: &Work) -> Rejected {
        let Shared {
            refusals, audit, ..
        } = &*self.shared;
        edge.operations()
            .count(operation.kind(), Outcome::UnknownKey);
        if refusals.note(edge.label(), Class::UnknownKey, Instant::now()) {
            warn!(edge = edge.label(), key = %operation.key(), "refused: there is no such key");
            audit.note(&Entry {
                edge: edge.label(),
                key: operation.key(),
                label: None,
                operation: operation.kind(),
                names: None,
                fingerprint: None,
                verdict: Verdict::Refused("there is no such key here"),
                work: Duration::ZERO,
            });
        }
        Rejected::Answer(ErrorReply::new(
            ErrorCode::UnknownKey,
            "there is no such key here",
        ))
    }

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

fn overloaded(edge: &EdgeGrant, kind: OperationKind, what: &str) -> ErrorReply {
    edge.operations().count(kind, Outcome::Overloaded);
    debug!(edge = edge.label(), "overloaded: {what}");
    ErrorReply::new(ErrorCode::Overloaded, what)
}

/// The lane, and the cost there: measured, a signature with P-256 being 1.
fn weight(key: &StoredKey) -> Weight {
    if !key.is_here() {
        // There are only the checks to be made here.
        return Weight::Light(1);
    }
    match key.public_key().kind() {
        KeyKind::Rsa { bits } | KeyKind::RsaPss { bits, .. } => Weight::Heavy(match bits {
            0..=2048 => 16,
            2049..=3072 => 50,
            _ => 110,
        }),
        KeyKind::EcP256 | KeyKind::Ed25519 => Weight::Light(1),
        _ => Weight::Light(10),
    }
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        // Nobody is left to take the results.
        self.in_flight.cancel_all();
    }
}
