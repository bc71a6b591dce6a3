//! The second half of an operation whose key is elsewhere: the worker has checked it and asked the key's store, and has gone on
//! to other work. Here the answer is waited for, until the deadline and no longer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use keyward_keyop::{OperationResult, RemoteOperation};
use keyward_protocol::RefusalReason;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::metrics::Outcome;
use crate::policy::Refusal;
use crate::store::{Answer, Custody, Elsewhere, StoreError};
use crate::work::Done;
use crate::worker::{Current, Failure, Job, Worker};

/// What was asked of a store.
pub(crate) struct Asked {
    operation: RemoteOperation,
    /// None if there was nothing to ask.
    answer: Option<oneshot::Receiver<Answer>>,
    since: Instant,
}

/// Asks the store of the key, without waiting.
pub(crate) fn ask(
    key: &Elsewhere,
    operation: RemoteOperation,
    job: &Job,
) -> Result<Asked, Failure> {
    let since = Instant::now();
    let Some(task) = operation.task() else {
        return Ok(Asked {
            operation,
            answer: None,
            since,
        });
    };
    if !key.can(task) {
        return Err(Failure::Refused(Refusal {
            reason: RefusalReason::Operation,
            cause: format!("the store of this key does not do this with it: {task:?}"),
        }));
    }
    let (sender, answer) = oneshot::channel();
    let to = move |answer| {
        // Nobody takes it any more after the deadline, by which the edge was answered.
        let _ = sender.send(answer);
    };
    let withdrawn = job.reply.withdrawn();
    key.gate()
        .ask(key.handle(), Arc::clone(task), job.deadline, withdrawn, to)?;
    Ok(Asked {
        operation,
        answer: Some(answer),
        since,
    })
}

/// Waits for the answer, and concludes the operation with it.
pub(crate) fn conclude_later(worker: &Arc<Worker>, current: Current, asked: Asked) {
    let task = conclude(Arc::clone(worker), current, asked);
    worker.remote.tasks.spawn_on(task, &worker.remote.runtime);
}

async fn conclude(worker: Arc<Worker>, current: Current, asked: Asked) {
    let outcome = match asked.answer {
        None => Ok(None),
        Some(answer) => tokio::select! {
            biased;
            // Whoever holds the other end answers when it is dropped as well.
            answer = answer => match answer.unwrap_or(Err(StoreError::Dropped)) {
                Err(StoreError::Unwanted) if current.job.reply.is_withdrawn() => {
                    let kind = current.job.operation.kind();
                    let counters = current.job.edge.operations();
                    return counters.count(kind, Outcome::Cancelled);
                }
                answer => answer.map(Some).map_err(Failure::from),
            },
            () = sleep_until(current.job.deadline.into()) => Err(Failure::Unanswered),
            () = worker.remote.killed.cancelled() => Err(Failure::Stopped),
        },
    };
    let kind = current.job.key.public_key().kind();
    worker.metrics.stored(kind, asked.since.elapsed());
    // A bug here must not leave the edge without an answer.
    let outcome = outcome.and_then(|answer| {
        let finish = || finish(&current.job, asked.operation, answer);
        catch_unwind(AssertUnwindSafe(finish)).unwrap_or(Err(Failure::Panic))
    });
    drop(worker.conclude(current, outcome.map(Done::Typed)));
}

fn finish(
    job: &Job,
    operation: RemoteOperation,
    answer: Option<Zeroizing<Vec<u8>>>,
) -> Result<OperationResult, Failure> {
    let rejection = match job.key.custody() {
        Custody::Elsewhere(key) => key.rejection(),
        Custody::Here(_) => None,
    };
    Ok(operation.finish(answer, rejection)?)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            // It can only be the deadline, which the store has seen first.
            StoreError::Unwanted => Self::Expired,
            error => Self::Store(error),
        }
    }
}

/// What operations with keys elsewhere run on.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) runtime: Handle,
    pub(crate) tasks: TaskTracker,
    /// Nobody waits any more.
    pub(crate) killed: CancellationToken,
}

impl Remote {
    /// Ends them all, after [`killed`](Self::killed): each is recorded by then.
    pub(crate) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
