//! The requests of one connection that have no answer yet, and the answers that are not sent yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_protocol::EncodedFrame;
use tokio::sync::Notify;

use crate::dialect::Dialect;

/// Which ids are taken, what was withdrawn, and what the writer is to send.
#[derive(Debug)]
pub(crate) struct InFlight {
    state: Mutex<State>,
    /// Requests and answers that are not sent, together.
    bound: usize,
    /// Bytes of answers that are not sent: an edge that asks and does not read.
    unsent_bound: usize,
    /// Wakes the writer.
    answers: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The flag is set when the result is not wanted any more.
    by_id: HashMap<u32, Arc<AtomicBool>>,
    /// The last number that was given to a request whose own id says nothing.
    last_number: u32,
    /// Those whose answer is not here yet. An id is free before that, lest an edge that is quick to use it again finds it taken.
    unanswered: usize,
    answers: Vec<EncodedFrame>,
    bytes: usize,
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Too many are in flight.
    Full,
    /// The id is one of those in flight.
    Duplicate,
}

/// More bytes wait to be sent than an edge that reads leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unread;

impl InFlight {
    /// For `bound` requests and `unsent_bound` bytes of answers.
    pub(crate) fn new(bound: u16, unsent_bound: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            bound: usize::from(bound).max(1),
            unsent_bound,
            answers: Notify::new(),
            emptied: Notify::new(),
        })
    }

    /// Takes an id.
    pub(crate) fn begin(self: &Arc<Self>, id: u32) -> Result<ReplySlot, NotTaken> {
        self.enter(&mut self.lock(), id, Dialect::Keyward { id })
    }

    /// For a request of the older protocol, whose id may be that of another one: here it has a number of its own.
    pub(crate) fn begin_older(self: &Arc<Self>, id: u32) -> Result<ReplySlot, NotTaken> {
        let mut state = self.lock();
        loop {
            state.last_number = state.last_number.wrapping_add(1);
            if !state.by_id.contains_key(&state.last_number) {
                break;
            }
        }
        let number = state.last_number;
        self.enter(&mut state, number, Dialect::Gokeyless { id })
    }

    fn enter(
        self: &Arc<Self>,
        state: &mut State,
        id: u32,
        dialect: Dialect,
    ) -> Result<ReplySlot, NotTaken> {
        if state.by_id.len() + state.answers.len() >= self.bound {
            return Err(NotTaken::Full);
        }
        let withdrawn = Arc::new(AtomicBool::new(false));
        match state.by_id.entry(id) {
            Entry::Occupied(_) => return Err(NotTaken::Duplicate),
            Entry::Vacant(vacant) => vacant.insert(Arc::clone(&withdrawn)),
        };
        state.unanswered += 1;
        Ok(ReplySlot {
            id,
            dialect,
            withdrawn,
            in_flight: Arc::clone(self),
            answered: false,
        })
    }

    /// The edge does not want the result any more.
    pub(crate) fn cancel(&self, id: u32) {
        if let Some(withdrawn) = self.lock().by_id.get(&id) {
            withdrawn.store(true, Ordering::Relaxed);
        }
    }

    /// Nobody is there to take the results.
    pub(crate) fn cancel_all(&self) {
        for withdrawn in self.lock().by_id.values() {
            withdrawn.store(true, Ordering::Relaxed);
        }
    }

    /// How many requests have no answer yet.
    pub(crate) fn len(&self) -> usize {
        self.lock().unanswered
    }

    /// Waits until every request has its answer here.
    pub(crate) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().unanswered == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Waits for answers, and moves all that are here to `frames`.
    pub(crate) async fn take(&self, frames: &mut Vec<EncodedFrame>) -> Result<(), Unread> {
        while !self.try_take(frames)? {
            self.answers.notified().await;
        }
        Ok(())
    }

    /// Moves what is here to `frames`. Whether there was something.
    pub(crate) fn try_take(&self, frames: &mut Vec<EncodedFrame>) -> Result<bool, Unread> {
        let mut state = self.lock();
        if state.bytes > self.unsent_bound {
            return Err(Unread);
        }
        state.bytes = 0;
        let any = !state.answers.is_empty();
        frames.append(&mut state.answers);
        Ok(any)
    }

    /// Waits until the edge is seen not to read.
    pub(crate) async fn unread(&self) -> Unread {
        loop {
            if self.lock().bytes > self.unsent_bound {
                return Unread;
            }
            self.answers.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the fields true: nothing that is done under the lock can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's right to one answer. There is room for it, so that a worker never waits for a slow reader.
#[derive(Debug)]
pub(crate) struct ReplySlot {
    id: u32,
    dialect: Dialect,
    withdrawn: Arc<AtomicBool>,
    in_flight: Arc<InFlight>,
    answered: bool,
}

impl ReplySlot {
    /// How its answer is written.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the result is not wanted any more.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Relaxed)
    }

    /// As [`is_withdrawn`](Self::is_withdrawn) will be, for who works on it elsewhere.
    pub(crate) fn withdrawn(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.withdrawn)
    }

    /// Answers. If the writer has to be woken, it is when what is returned is dropped: who has more answers coming may wait a
    /// little with that.
    pub(crate) fn send(mut self, frame: EncodedFrame) -> Option<Wake> {
        self.answered = true;
        let mut state = self.in_flight.lock();
        state.by_id.remove(&self.id);
        let before = state.bytes;
        state.bytes += frame.len();
        let bound = self.in_flight.unsent_bound;
        let wake = state.answers.is_empty() || (before <= bound && state.bytes > bound);
        state.answers.push(frame);
        drop(state);
        wake.then(|| Wake(Arc::clone(&self.in_flight)))
    }
}

impl Drop for ReplySlot {
    fn drop(&mut self) {
        let mut state = self.in_flight.lock();
        if !self.answered {
            state.by_id.remove(&self.id);
        }
        state.unanswered -= 1;
        if state.unanswered == 0 {
            self.in_flight.emptied.notify_waiters();
        }
    }
}

/// Wakes a connection's writer when dropped.
#[derive(Debug)]
pub(crate) struct Wake(Arc<InFlight>);

impl Drop for Wake {
    fn drop(&mut self) {
        self.0.answers.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn answer(len: usize) -> EncodedFrame {
        Zeroizing::new(vec![1; len])
    }

    #[test]
    fn an_id_is_taken_until_its_answer() {
        let in_flight = InFlight::new(3, 100);
        let slot = in_flight.begin(1).unwrap();
        assert_eq!(in_flight.begin(1).unwrap_err(), NotTaken::Duplicate);
        in_flight.cancel(1);
        in_flight.cancel(2);
        assert!(slot.is_withdrawn());
        assert!(slot.send(answer(1)).is_some());
        let again = in_flight.begin(1).unwrap();
        assert!(!again.is_withdrawn());
        assert!(
            again.send(answer(1)).is_none(),
            "the writer is woken already"
        );
        let mut frames = Vec::new();
        assert_eq!(in_flight.try_take(&mut frames), Ok(true));
        assert_eq!(frames.len(), 2);
    }

    #[test]
    fn answers_that_nobody_reads_count_as_in_flight() {
        let in_flight = InFlight::new(2, 100);
        let (one, two) = (in_flight.begin(1).unwrap(), in_flight.begin(2).unwrap());
        assert_eq!(in_flight.begin(3).unwrap_err(), NotTaken::Full);
        drop(one.send(answer(1)));
        assert_eq!(in_flight.begin(3).unwrap_err(), NotTaken::Full);
        drop(two);
        assert!(in_flight.begin(3).is_ok());
    }

    #[test]
    fn more_bytes_than_an_edge_that_reads_leaves_are_told() {
        let in_flight = InFlight::new(10, 100);
        let slots: Vec<_> = (1..=3).map(|id| in_flight.begin(id).unwrap()).collect();
        let woken: Vec<bool> = slots
            .into_iter()
            .map(|slot| slot.send(answer(60)).is_some())
            .collect();
        assert_eq!(woken, [true, true, false]);
        assert_eq!(in_flight.try_take(&mut Vec::new()), Err(Unread));
    }
}
