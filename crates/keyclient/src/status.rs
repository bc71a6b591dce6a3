//! What a client tells about its key servers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::state::ConnectionState;

/// One key server, as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStatus {
    /// Its address, with the name that led to it.
    pub server: String,
    /// Whether there is a connection, or why not.
    pub connection: ConnectionState,
    /// Silent though it owes answers.
    pub stalled: bool,
    /// Left alone, since it failed several times in a row.
    pub left_alone: bool,
    /// Operations that it has not answered yet.
    pub in_flight: usize,
    /// Operations that it has answered.
    pub answered: u64,
    /// Operations that it failed.
    pub failed: u64,
    /// How long operations took lately, by kind of key.
    pub latency: Vec<(&'static str, Duration)>,
}

/// What a client has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCounts {
    /// Operations asked for.
    pub operations: u64,
    /// Those asked of a second key server because the first was slow.
    pub hedged: u64,
    /// Those of them that the second answered first.
    pub hedges_won: u64,
    /// How often one was asked of another key server, or anew, because one failed or fell silent.
    pub moved: u64,
}

/// The counters behind [`ClientCounts`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) operations: AtomicU64,
    pub(crate) hedged: AtomicU64,
    pub(crate) hedges_won: AtomicU64,
    pub(crate) moved: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> ClientCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ClientCounts {
            operations: read(&self.operations),
            hedged: read(&self.hedged),
            hedges_won: read(&self.hedges_won),
            moved: read(&self.moved),
        }
    }
}
