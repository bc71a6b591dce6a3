//! The thread that writes a log, and what others see of it.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::MAX_RECORD;
use crate::error::{AppendError, OpenError};
use crate::folder::Folder;
use crate::log::{Durable, Log, Recovery};
use crate::note::Signer;
use crate::publisher::Publisher;

/// So many records are a batch whatever the time: more would have left the processor's caches before they are hashed.
const FULL: usize = 2048;

/// When a record has to be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As soon as can be: what comes while the disk is busy goes into the next batch.
    AtOnce,
    /// After so long at the latest. Fewer, larger batches.
    Within(Duration),
}

/// Where a log is, and how it is written.
#[derive(Debug)]
pub struct WriterConfig {
    /// Its folder; made if it is not there.
    pub path: PathBuf,
    /// Signs its checkpoints.
    pub signer: Signer,
    /// When a record has to be on disk.
    pub durability: Durability,
    /// How many records may wait to be written.
    pub queue: usize,
    /// How often tiles are written.
    pub publish_every: Duration,
}

/// Is told what became of a record. It must not take long: the log waits for it.
pub trait Waiter: Send + 'static {
    /// The record is on disk, under this index, or it could not be put there.
    fn recorded(self, outcome: Result<u64, &AppendError>);
}

/// Nobody waits.
impl Waiter for () {
    fn recorded(self, _: Result<u64, &AppendError>) {}
}

/// More records wait than are allowed. The waiter comes back.
#[derive(Debug)]
pub struct QueueFull<W>(pub W);

/// What a log is doing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WriterStatus {
    /// Records on disk.
    pub size: u64,
    /// The newest checkpoint, signed: worth keeping elsewhere.
    pub checkpoint: String,
    /// Records that wait.
    pub waiting: usize,
    /// Records that could not be put on disk, since the log was opened.
    pub failed: u64,
    /// Why the last batch could not be written; `None` if it was.
    pub failing: Option<String>,
    /// Why tiles could not be written the last time they should have been.
    pub publishing: Option<String>,
}

/// A log that is written to. Dropping it puts all that waits on disk, and writes the tiles.
pub struct Writer<W: Waiter> {
    shared: Arc<Shared<W>>,
    threads: Vec<JoinHandle<()>>,
    queue: usize,
}

struct Shared<W> {
    state: Mutex<State<W>>,
    /// Something waits, or the end.
    work: Condvar,
    /// Something can be published, or the end.
    publish: Condvar,
}

struct State<W> {
    waiting: VecDeque<(Vec<u8>, W)>,
    since: Option<Instant>,
    status: WriterStatus,
    durable: Option<Durable>,
    closing: bool,
    closed: bool,
}

impl<W: Waiter> Writer<W> {
    /// Opens a log, and says what was found.
    ///
    /// # Errors
    /// It cannot be opened, or is not as it was left: then it is not touched.
    pub fn open(config: WriterConfig) -> Result<(Self, Recovery), OpenError> {
        let io = |cause| OpenError::Io {
            path: config.path.clone(),
            cause,
        };
        let (log, recovery) = Log::open(&config.path, config.signer)?;
        let durable = log
            .durable()
            .ok_or_else(|| io(io::Error::other("the log's key failed to sign")))?;
        let status = WriterStatus {
            size: recovery.size,
            checkpoint: durable.note.clone(),
            ..WriterStatus::default()
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                since: None,
                status,
                durable: Some(durable),
                closing: false,
                closed: false,
            }),
            work: Condvar::new(),
            publish: Condvar::new(),
        });
        let mut writer = Self {
            shared: Arc::clone(&shared),
            threads: Vec::new(),
            queue: config.queue,
        };
        let folder = Folder::new(&config.path);
        let publishing = Arc::clone(&shared);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            Builder::new().name(name.to_owned()).spawn(run).map_err(io)
        };
        writer.threads.push(spawn(
            "kw-audit",
            Box::new(move || shared.write(log, config.durability)),
        )?);
        writer.threads.push(spawn(
            "kw-audit-tiles",
            Box::new(move || publishing.publish(&folder, config.publish_every)),
        )?);
        Ok((writer, recovery))
    }

    /// Hands a record over; `waiter` is told when it is on disk.
    ///
    /// # Errors
    /// Too many wait already.
    pub fn append(&self, record: Vec<u8>, waiter: W) -> Result<(), QueueFull<W>> {
        if record.len() > MAX_RECORD {
            waiter.recorded(Err(&AppendError::TooLong(record.len())));
            return Ok(());
        }
        let mut state = self.shared.lock();
        if state.closed {
            drop(state);
            waiter.recorded(Err(&ended()));
            return Ok(());
        }
        if state.waiting.len() >= self.queue {
            return Err(QueueFull(waiter));
        }
        state.since.get_or_insert_with(Instant::now);
        state.waiting.push_back((record, waiter));
        if matches!(state.waiting.len(), 1 | FULL) {
            self.shared.work.notify_one();
        }
        Ok(())
    }

    /// What the log is doing.
    pub fn status(&self) -> WriterStatus {
        let state = self.shared.lock();
        WriterStatus {
            waiting: state.waiting.len(),
            ..state.status.clone()
        }
    }
}

impl<W: Waiter> Drop for Writer<W> {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl<W: Waiter> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl<W: Waiter> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        // Nothing that is done under the lock can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writing thread.
    fn write(&self, log: Log, durability: Durability) {
        // However it ends. The log's folder is given back before that is told.
        let _end = End(self);
        let mut log = log;
        loop {
            let batch = self.next_batch(durability);
            if batch.is_empty() {
                break;
            }
            let (records, waiters): (Vec<_>, VecDeque<_>) = batch.into_iter().unzip();
            self.append(&mut log, &records, waiters);
        }
    }

    /// All that waits, when it is time; nothing at the end.
    fn next_batch(&self, durability: Durability) -> VecDeque<(Vec<u8>, W)> {
        let mut state = self.lock();
        loop {
            let due = match (durability, state.since) {
                _ if state.closing => return std::mem::take(&mut state.waiting),
                (_, None) => None,
                (Durability::AtOnce, Some(_)) => Some(Duration::ZERO),
                (Durability::Within(_), Some(_)) if state.waiting.len() >= FULL => {
                    Some(Duration::ZERO)
                }
                (Durability::Within(limit), Some(since)) => {
                    Some(limit.saturating_sub(since.elapsed()))
                }
            };
            state = match due {
                Some(Duration::ZERO) => {
                    state.since = None;
                    return std::mem::take(&mut state.waiting);
                }
                Some(due) => {
                    self.work
                        .wait_timeout(state, due)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn append(&self, log: &mut Log, records: &[Vec<u8>], mut waiters: VecDeque<W>) {
        let mut rest = records;
        while !rest.is_empty() {
            let first = log.size();
            match log.append(rest) {
                Ok((count, durable)) => {
                    self.written(durable);
                    for (index, waiter) in (first..).zip(waiters.drain(..count)) {
                        waiter.recorded(Ok(index));
                    }
                    rest = &rest[count..];
                }
                Err(error) => {
                    let mut state = self.lock();
                    state.status.failed += rest.len() as u64;
                    state.status.failing = Some(error.to_string());
                    drop(state);
                    for waiter in waiters.drain(..) {
                        waiter.recorded(Err(&error));
                    }
                    return;
                }
            }
        }
    }

    fn written(&self, durable: Durable) {
        let mut state = self.lock();
        state.status.size = durable.checkpoint.size;
        state.status.checkpoint.clone_from(&durable.note);
        state.status.failing = None;
        state.durable = Some(durable);
    }

    /// The publishing thread.
    fn publish(&self, folder: &Folder, every: Duration) {
        let mut publisher = None;
        loop {
            let state = self.lock();
            let (state, _) = self
                .publish
                .wait_timeout_while(state, every, |state| !state.closed)
                .unwrap_or_else(PoisonError::into_inner);
            let (durable, closed) = (state.durable.clone(), state.closed);
            drop(state);
            let outcome =
                durable.map_or(Ok(()), |durable| publish(&mut publisher, folder, &durable));
            if outcome.is_err() {
                publisher = None;
            }
            self.lock().status.publishing = outcome.err().map(|error| error.to_string());
            if closed {
                return;
            }
        }
    }
}

/// Tells that nothing is written any more. A bug that ends the thread must not leave anybody waiting, or believing that what
/// waits is recorded.
struct End<'a, W: Waiter>(&'a Shared<W>);

impl<W: Waiter> Drop for End<'_, W> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        if std::thread::panicking() {
            state.status.failing = Some(ended().to_string());
            state.status.failed += waiting.len() as u64;
        }
        drop(state);
        self.0.publish.notify_all();
        for (_, waiter) in waiting {
            waiter.recorded(Err(&ended()));
        }
    }
}

fn ended() -> AppendError {
    AppendError::Io(io::Error::other("the thread that writes the log has ended"))
}

fn publish(
    publisher: &mut Option<Publisher>,
    folder: &Folder,
    durable: &Durable,
) -> io::Result<()> {
    if publisher.is_none() {
        *publisher = Some(Publisher::new(folder.clone())?);
    }
    match publisher {
        Some(publisher) => publisher.publish(durable),
        None => Ok(()),
    }
}
