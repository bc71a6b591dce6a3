//! Numbers that cost a few nanoseconds to count: relaxed atomics, no lock, no text until somebody asks for it.

mod exposition;
mod histogram;

use std::sync::atomic::{AtomicU64, Ordering};

pub use exposition::{Exposition, Format};
pub use histogram::{BOUNDS, Histogram, HistogramSnapshot};

/// A number of things that happened, or, with [`Counter::subtract`], that there are now.
///
/// Nothing is ordered by it, so relaxed is enough.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.add_many(1);
    }

    /// So many more.
    pub fn add_many(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// One less.
    pub fn subtract(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Another value in its place.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
