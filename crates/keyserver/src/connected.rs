//! The edges that are connected now, for who looks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::in_flight::InFlight;

/// Every connection whose edge was let in.
#[derive(Debug, Default)]
pub(crate) struct Connected(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    by_number: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    edge: String,
    peer: String,
    since: Instant,
    in_flight: Arc<InFlight>,
}

/// A connection, as it is told.
#[derive(Debug)]
pub(crate) struct ConnectedEdge {
    pub(crate) edge: String,
    pub(crate) peer: String,
    pub(crate) since: Instant,
    /// Requests without answer.
    pub(crate) in_flight: usize,
}

impl Connected {
    /// Counts a connection in, until the guard is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        edge: &str,
        peer: &str,
        in_flight: &Arc<InFlight>,
    ) -> Presence {
        let mut entries = self.lock();
        entries.last += 1;
        let number = entries.last;
        let entry = Entry {
            edge: edge.to_owned(),
            peer: peer.to_owned(),
            since: Instant::now(),
            in_flight: Arc::clone(in_flight),
        };
        entries.by_number.insert(number, entry);
        Presence {
            connected: Arc::clone(self),
            number,
        }
    }

    /// The first of them, at most `most`, and how many there are.
    pub(crate) fn list(&self, most: usize) -> (Vec<ConnectedEdge>, usize) {
        let entries = self.lock();
        let first = entries.by_number.values().take(most);
        let first = first.map(|entry| ConnectedEdge {
            edge: entry.edge.clone(),
            peer: entry.peer.clone(),
            since: entry.since,
            in_flight: entry.in_flight.len(),
        });
        (first.collect(), entries.by_number.len())
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing done under the lock can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That a connection is there.
#[derive(Debug)]
pub(crate) struct Presence {
    connected: Arc<Connected>,
    number: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.connected.lock().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_gone_is_not_listed() {
        let connected = Arc::new(Connected::default());
        let in_flight = InFlight::new(1, 1000);
        let first = connected.enter("a", "peer", &in_flight);
        let _second = connected.enter("b", "peer", &in_flight);
        assert_eq!(connected.list(1).1, 2);
        drop(first);
        let (list, count) = connected.list(10);
        assert_eq!(count, 1);
        assert_eq!((list[0].edge.as_str(), list[0].in_flight), ("b", 0));
    }
}
