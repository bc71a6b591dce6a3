//! How long things took, in few buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The buckets' upper bounds. One set for all: an elliptic curve's signature, an RSA signature, a token's, a slow disk and a
/// handshake over a bad line are all told apart, and tables have the same columns.
pub const BOUNDS: [Duration; 12] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(2_500),
];

/// The last bucket has no bound.
const BUCKETS: usize = BOUNDS.len() + 1;

/// Counts durations by bucket.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// One more that took so long.
    pub fn record(&self, duration: Duration) {
        let bucket = BOUNDS
            .iter()
            .position(|bound| duration <= *bound)
            .unwrap_or(BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// What was counted until now.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            buckets: std::array::from_fn(|i| self.buckets[i].load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)),
        }
    }
}

/// A histogram at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// How many fell into each bucket, the last being that beyond all of [`BOUNDS`].
    pub buckets: [u64; BUCKETS],
    /// How long all of them took together.
    pub sum: Duration,
}

impl HistogramSnapshot {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The bound that at least this part (0 to 1) of them did not exceed: `None` without any, or if it is beyond all bounds.
    pub fn at_most(&self, part: f64) -> Option<Duration> {
        let count = self.count();
        let mut seen = 0;
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            seen += bucket;
            // Exact up to 2^53 things.
            if count > 0 && seen as f64 >= part * count as f64 {
                return Some(*bound);
            }
        }
        None
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            buckets: std::array::from_fn(|i| self.buckets[i] + other.buckets[i]),
            sum: self.sum + other.sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for us in [0, 50, 51, 2_500_000, 2_500_001, 86_400_000_000] {
            histogram.record(Duration::from_micros(us));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(snapshot.count(), 6);
        assert_eq!(snapshot.sum, Duration::from_micros(86_405_000_102));
        assert_eq!(snapshot.at_most(0.5), Some(Duration::from_micros(100)));
        assert_eq!(snapshot.at_most(0.6), Some(Duration::from_millis(2_500)));
        assert_eq!(snapshot.at_most(0.99), None);
        assert_eq!(HistogramSnapshot::default().at_most(0.5), None);
        assert_eq!(snapshot.plus(&snapshot).count(), 12);
    }

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }
}
