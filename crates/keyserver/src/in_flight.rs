//! The requests of one connection that have no answer yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_protocol::EncodedFrame;
use tokio::sync::Notify;
use tokio::sync::mpsc::OwnedPermit;

use crate::dialect::Dialect;

/// Which ids are taken, and who has been told to stop.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    requests: Mutex<Requests>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Requests {
    /// The flag is set when the result is not wanted any more.
    by_id: HashMap<u32, Arc<AtomicBool>>,
    /// The last number that was given to a request whose own id says nothing.
    last_number: u32,
    /// Those whose answer is not in the connection's queue yet. An id is free before that, lest an edge that is quick to use
    /// it again finds it taken.
    unanswered: usize,
}

impl InFlight {
    /// Takes an id, or fails if a request with it is in flight.
    pub(crate) fn begin(
        self: &Arc<Self>,
        id: u32,
        permit: OwnedPermit<EncodedFrame>,
    ) -> Option<ReplySlot> {
        self.take(&mut self.lock(), id, Dialect::Keyward { id }, permit)
    }

    /// For a request of the older protocol, whose id may be that of another one: here it has a number of its own.
    pub(crate) fn begin_older(
        self: &Arc<Self>,
        id: u32,
        permit: OwnedPermit<EncodedFrame>,
    ) -> Option<ReplySlot> {
        let mut requests = self.lock();
        loop {
            requests.last_number = requests.last_number.wrapping_add(1);
            if !requests.by_id.contains_key(&requests.last_number) {
                break;
            }
        }
        let number = requests.last_number;
        self.take(&mut requests, number, Dialect::Gokeyless { id }, permit)
    }

    fn take(
        self: &Arc<Self>,
        requests: &mut Requests,
        id: u32,
        dialect: Dialect,
        permit: OwnedPermit<EncodedFrame>,
    ) -> Option<ReplySlot> {
        let withdrawn = Arc::new(AtomicBool::new(false));
        match requests.by_id.entry(id) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(vacant) => vacant.insert(Arc::clone(&withdrawn)),
        };
        requests.unanswered += 1;
        Some(ReplySlot {
            id,
            dialect,
            withdrawn,
            in_flight: Arc::clone(self),
            permit: Some(permit),
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

    /// Waits until every request has its answer in the connection's queue.
    pub(crate) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().unanswered == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn answered(&self) {
        let mut requests = self.lock();
        requests.unanswered -= 1;
        if requests.unanswered == 0 {
            self.emptied.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        // A panic elsewhere leaves both fields true: nothing that is done under the lock can panic halfway.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's right to one answer: room in the connection's queue is already reserved, so a worker never waits for a slow reader.
#[derive(Debug)]
pub(crate) struct ReplySlot {
    id: u32,
    dialect: Dialect,
    withdrawn: Arc<AtomicBool>,
    in_flight: Arc<InFlight>,
    permit: Option<OwnedPermit<EncodedFrame>>,
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

    /// Answers.
    pub(crate) fn send(mut self, frame: EncodedFrame) {
        self.in_flight.lock().by_id.remove(&self.id);
        if let Some(permit) = self.permit.take() {
            permit.send(frame);
        }
    }
}

impl Drop for ReplySlot {
    fn drop(&mut self) {
        if self.permit.is_some() {
            self.in_flight.lock().by_id.remove(&self.id);
        }
        self.in_flight.answered();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;
    use zeroize::Zeroizing;

    #[test]
    fn an_id_is_taken_until_its_answer() {
        let in_flight = Arc::new(InFlight::default());
        let (sender, mut receiver) = mpsc::channel(2);
        let permit = || sender.clone().try_reserve_owned().unwrap();
        let slot = in_flight.begin(1, permit()).unwrap();
        assert!(in_flight.begin(1, permit()).is_none());
        in_flight.cancel(1);
        in_flight.cancel(2);
        assert!(slot.is_withdrawn());
        slot.send(Zeroizing::new(vec![1]));
        assert_eq!(*receiver.try_recv().unwrap(), vec![1]);
        assert!(
            in_flight
                .begin(1, permit())
                .is_some_and(|slot| !slot.is_withdrawn())
        );
    }
}
