//! Who does the jobs: a task for each processor for the light lane, threads for the heavy one.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;
use tokio::task::yield_now;
use tracing::{debug, error};

use crate::in_flight::Wake;
use crate::lane::Cost;
use crate::worker::{Job, Worker};

/// After so long of signing, connections are looked after, whose tasks share the thread.
const SLICE: Duration = Duration::from_micros(500);

/// For how long the heavy lane may keep answers back while it has more to do, so that several wake and cost their connection
/// one write. Short beside what a job in a lane that is not empty has waited.
const TOGETHER: Duration = Duration::from_millis(2);

/// The nice value of the heavy lane's threads: about a tenth of a processor that others want as well.
const BEHIND: i32 = 10;

/// What one of the costs of [`crate::lane`] is in time, roughly.
const COST: Duration = Duration::from_micros(15);

/// A task of the light lane. Ends when the queue is closed.
pub(crate) async fn light(worker: Arc<Worker>) {
    while let Some(first) = worker.queue.pop_light().await {
        let began = Instant::now();
        let mut job = Some(first);
        while let Some(next) = job {
            drop(run(&worker, next));
            job = match began.elapsed() < SLICE {
                true => worker.queue.try_pop_light(),
                false => None,
            };
        }
        // Not without a look at the sockets: a request that comes now has its turn in the lane.
        yield_now().await;
    }
}

/// Starts `count` threads for the heavy lane.
pub(crate) fn heavy(worker: &Arc<Worker>, count: usize) -> io::Result<Vec<JoinHandle<()>>> {
    let threads: io::Result<Vec<_>> = (0..count)
        .map(|i| {
            let worker = Arc::clone(worker);
            Builder::new()
                .name(format!("kw-worker-{i}"))
                .spawn(move || run_heavy(&worker))
        })
        .collect();
    if threads.is_err() {
        worker.queue.close();
    }
    threads
}

fn run_heavy(worker: &Arc<Worker>) {
    // Where there are fewer processors than threads, those that look after connections and sign with elliptic curves come first.
    if let Err(error) = setpriority_process(None, BEHIND) {
        debug!(%error, "RSA has the same priority as everything else");
    }
    let mut answered = Answered::default();
    loop {
        let next = worker.queue.try_pop_heavy().or_else(|| {
            answered.tell();
            worker.queue.pop_heavy()
        });
        let Some((cost, job)) = next else {
            return;
        };
        answered.tell_before(cost);
        answered.add(run(worker, job));
    }
}

/// A bug in one job must not take a thread or a task from all the others.
fn run(worker: &Arc<Worker>, job: Job) -> Option<Wake> {
    catch_unwind(AssertUnwindSafe(|| worker.run(job))).unwrap_or_else(|_| {
        error!("a bug in the key server: a request was lost in a panic");
        None
    })
}

/// Connections whose writers are to be woken.
#[derive(Default)]
struct Answered {
    wakes: Vec<Wake>,
    since: Option<Instant>,
}

impl Answered {
    fn add(&mut self, wake: Option<Wake>) {
        if let Some(wake) = wake {
            self.since.get_or_insert_with(Instant::now);
            self.wakes.push(wake);
        }
    }

    /// Tells what cannot wait for a job of this cost.
    fn tell_before(&mut self, cost: Cost) {
        if self
            .since
            .is_some_and(|since| since.elapsed() + COST * cost > TOGETHER)
        {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.wakes.clear();
        self.since = None;
    }
}
