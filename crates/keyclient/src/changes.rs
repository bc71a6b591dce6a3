//! Tells those who wait for a key server that something has changed.

use tokio::sync::watch;

/// A count of changes: of links, stalls, catalogs and members.
#[derive(Debug, Default)]
pub(crate) struct Changes(watch::Sender<u64>);

impl Changes {
    pub(crate) fn tell(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// To wait for what changes from now on.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
