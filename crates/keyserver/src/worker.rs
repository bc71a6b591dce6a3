//! What is done with a request that waits: checks, the private key, the record, the answer.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use keyward_keyop::{CheckError, Names, PerformError};
use keyward_protocol::{ErrorCode, ErrorReply, RefusalReason};
use tokio::sync::watch;
use tracing::{debug, error, warn};

use crate::access::Access;
use crate::audit::{Audit, Entry, Verdict};
use crate::in_flight::{ReplySlot, Wake};
use crate::metrics::{Metrics, Outcome};
use crate::policy::{Admitted, EdgeGrant, Refusal};
use crate::queue::Queue;
use crate::refusals::Refusals;
use crate::remote_work::{self, Asked, Remote};
use crate::store::{Custody, StoreError, StoredKey};
use crate::work::{CheckedWork, Done, Work};

/// A request that policy lets pass as far as that can be said before its handshake is looked at.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) operation: Work,
    pub(crate) key: Arc<StoredKey>,
    pub(crate) edge: Arc<EdgeGrant>,
    pub(crate) admitted: Admitted,
    pub(crate) arrived: Instant,
    pub(crate) deadline: Instant,
    pub(crate) reply: ReplySlot,
}

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue<Job>>,
    pub(crate) access: watch::Receiver<Arc<Access>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) remote: Remote,
}

/// A job that is being done.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) job: Job,
    started: Instant,
    seen: Seen,
}

/// How far a worker got.
enum Step {
    Done(Done),
    /// The key is elsewhere, and its store has been asked.
    Asked(Asked),
}

impl Worker {
    /// Does a job, and answers it. Whom to wake for the answer, if it is there.
    pub(crate) fn run(self: &Arc<Self>, job: Job) -> Option<Wake> {
        if job.reply.is_withdrawn() {
            job.edge
                .operations()
                .count(job.operation.kind(), Outcome::Cancelled);
            return None;
        }
        let started = Instant::now();
        let mut seen = Seen::default();
        let step = if started >= job.deadline {
            Err(Failure::Expired)
        } else {
            // A bug in one operation must not take a worker from all the others.
            catch_unwind(AssertUnwindSafe(|| self.perform(&job, &mut seen)))
                .unwrap_or(Err(Failure::Panic))
        };
        let current = Current { job, started, seen };
        match step {
            Ok(Step::Done(result)) => self.conclude(current, Ok(result)),
            Ok(Step::Asked(asked)) => {
                remote_work::conclude_later(self, current, asked);
                None
            }
            Err(failure) => self.conclude(current, Err(failure)),
        }
    }

    /// Counts, logs, records and answers. Whom to wake for the answer, if it is not waited for until its record is on disk.
    pub(crate) fn conclude(
        &self,
        current: Current,
        outcome: Result<Done, Failure>,
    ) -> Option<Wake> {
        let Current { job, started, seen } = current;
        let kind = job.operation.kind();
        let work = started.elapsed();
        let queued = started - job.arrived;
        let failure = outcome.as_ref().err();
        let is_told = self.tell(&job, failure, (queued, work));
        let cause = failure.map(ToString::to_string).unwrap_or_default();
        let verdict = match failure {
            None => Some(Verdict::Performed),
            Some(Failure::Refused(_)) if !is_told => None,
            Some(Failure::Refused(_)) => Some(Verdict::Refused(&cause)),
            // Also where the store may have used the key, and nobody has seen the result.
            Some(
                Failure::Perform(_)
                | Failure::Store(_)
                | Failure::Unanswered
                | Failure::Stopped
                | Failure::Panic,
            ) => Some(Verdict::Failed(&cause)),
            Some(Failure::Expired | Failure::Busy) => None,
        };
        let dialect = job.reply.dialect();
        let frame = match outcome {
            Ok(done) => dialect.result(done, (queued, work)),
            Err(failure) => dialect.error(failure.reply()),
        };
        let frame = frame?;
        let Some(verdict) = verdict else {
            // The key was not used; a refusal among many is counted.
            return job.reply.send(frame);
        };
        let entry = Entry {
            edge: job.edge.label(),
            key: job.key.id(),
            label: Some(job.key.label()),
            operation: kind,
            names: seen.names.as_ref(),
            fingerprint: seen.fingerprint.as_deref(),
            verdict,
            work,
        };
        self.audit.answer(&entry, job.reply, frame)
    }

    /// Counts the job, and logs it, but for refusals that are too many. Whether it did.
    fn tell(
        &self,
        job: &Job,
        failure: Option<&Failure>,
        (queued, work): (Duration, Duration),
    ) -> bool {
        let counters = job.edge.operations();
        self.metrics.worked(
            job.key.public_key().kind(),
            job.operation.kind(),
            (queued, work),
        );
        let (edge, key, kind) = (job.edge.label(), job.key.label(), job.operation.kind());
        match failure {
            None => {
                counters.count(kind, Outcome::Performed);
                debug!(edge, key, operation = %kind, ?queued, ?work, "performed");
            }
            Some(Failure::Expired) => {
                counters.count(kind, Outcome::Expired);
                debug!(edge, key, operation = %kind, ?queued, "expired before the work began");
            }
            Some(Failure::Refused(refusal)) => {
                self.metrics.refused(refusal.reason);
                counters.count(kind, Outcome::Refused);
                let now = Instant::now();
                if !self.refusals.note(edge, refusal.reason, now) {
                    return false;
                }
                warn!(edge, key, operation = %kind, cause = %refusal, "refused");
            }
            Some(Failure::Busy) => {
                counters.count(kind, Outcome::Overloaded);
                debug!(edge, key, operation = %kind, "overloaded: the key's store is at its capacity");
            }
            Some(Failure::Unanswered) => {
                counters.count(kind, Outcome::Expired);
                warn!(edge, key, operation = %kind, origin = %job.key.origin(), ?work, "the key's store has not answered in time");
            }
            Some(
                failure @ (Failure::Perform(_)
                | Failure::Store(_)
                | Failure::Stopped
                | Failure::Panic),
            ) => {
                counters.count(kind, Outcome::Failed);
                error!(edge, key, operation = %kind, cause = %failure, "operation failed");
            }
        }
        true
    }

    /// The operation's own checks, then policy's last word, then the private key, or the question to its store.
    fn perform(&self, job: &Job, seen: &mut Seen) -> Result<Step, Failure> {
        let kind = job.operation.kind();
        let policy = Arc::clone(&self.access.borrow().policy);
        let rules = policy.key_rules(&job.key, kind, SystemTime::now());
        let checked = job.operation.check(&rules)?;
        if self.audit.is_on() {
            seen.names = Some(checked.names().clone());
            seen.fingerprint = Some(checked.fingerprint());
        }
        job.edge
            .allows_names(job.key.id(), kind, checked.names(), job.admitted)?;
        match (job.key.custody(), checked) {
            (Custody::Here(private), checked) => {
                let began = Instant::now();
                let performed = checked.perform(private);
                self.metrics
                    .stored(job.key.public_key().kind(), began.elapsed());
                Ok(Step::Done(performed?))
            }
            (Custody::Elsewhere(key), CheckedWork::Typed(checked)) => {
                remote_work::ask(key, checked.for_remote_key(), job).map(Step::Asked)
            }
            (Custody::Elsewhere(_), CheckedWork::Raw(_)) => Err(Failure::Refused(Refusal {
                reason: RefusalReason::Operation,
                cause: "raw operations are for keys in this process".to_owned(),
            })),
        }
    }
}

/// What was found out about an operation, for its record.
#[derive(Debug, Default)]
struct Seen {
    names: Option<Names>,
    fingerprint: Option<Vec<u8>>,
}

/// Why a job has no result.
pub(crate) enum Failure {
    Expired,
    Refused(Refusal),
    Perform(PerformError),
    /// The key's store has as much to do as it may.
    Busy,
    /// The key's store has no result.
    Store(StoreError),
    /// The deadline passed while the key's store was at it.
    Unanswered,
    /// This key server stopped while the key's store was at it.
    Stopped,
    Panic,
}

impl Failure {
    /// What the edge is told: the class.
    fn reply(&self) -> ErrorReply {
        match self {
            Self::Expired => ErrorReply::new(
                ErrorCode::Expired,
                "the deadline passed before the work began",
            ),
            Self::Refused(refusal) => ErrorReply::refused(refusal.reason),
            Self::Unanswered => ErrorReply::new(
                ErrorCode::Expired,
                "the deadline passed before the store of the key answered",
            ),
            Self::Busy => ErrorReply::new(
                ErrorCode::Overloaded,
                "the store of the key has as much to do as it may",
            ),
            Self::Perform(_) | Self::Store(_) | Self::Stopped | Self::Panic => {
                ErrorReply::new(ErrorCode::Internal, "the key server's log has the cause")
            }
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        let reason = match error {
            CheckError::SigningDisabled
            | CheckError::DecryptionDisabled
            | CheckError::TranscriptHashDisabled
            | CheckError::RawDigestDisabled
            | CheckError::RawRsaDecryptionDisabled
            | CheckError::DelegationByDecryptionKey
            | CheckError::ClientKey
            | CheckError::NotAClientKey => RefusalReason::Operation,
            _ => RefusalReason::Check,
        };
        Self::Refused(Refusal {
            reason,
            cause: error.to_string(),
        })
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<PerformError> for Failure {
    fn from(error: PerformError) -> Self {
        Self::Perform(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("expired"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Perform(error) => error.fmt(f),
            Self::Busy => StoreError::Busy.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Unanswered => f.write_str(
                "the store of the key had not answered by the deadline; it may have used the key",
            ),
            Self::Stopped => f.write_str(
                "the key server stopped before the store of the key answered; it may have used the key",
            ),
            Self::Panic => f.write_str("a bug in the key server: the operation panicked"),
        }
    }
}
