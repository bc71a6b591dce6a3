//! How long the key operations of a server took: what somebody else does for an edge.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::processor_time;

/// One key operation in this many is measured: reading the clock takes time itself. No divisor of a batch, whose first
/// handshake finds the caches cold.
const SAMPLE: u64 = 7;

/// A sum over a sample of operations. Atomic, because rustls wants its keys to be shared by threads.
#[derive(Debug, Default)]
pub struct KeyTime {
    operations: AtomicU64,
    measured: AtomicU64,
    checking_ns: AtomicU64,
    signing_ns: AtomicU64,
}

impl KeyTime {
    /// Runs the two halves of an operation, and measures them if it is their turn.
    ///
    /// # Errors
    ///
    /// That of either half.
    pub fn run<C, T, E>(
        &self,
        check: impl FnOnce() -> Result<C, E>,
        sign: impl FnOnce(C) -> Result<T, E>,
    ) -> Result<T, E> {
        let turn = self.operations.fetch_add(1, Ordering::Relaxed);
        if !turn.is_multiple_of(SAMPLE) {
            return sign(check()?);
        }
        let start = processor_time::of_this_thread();
        let checked = check()?;
        let between = processor_time::of_this_thread();
        let result = sign(checked)?;
        let end = processor_time::of_this_thread();
        self.measured.fetch_add(1, Ordering::Relaxed);
        add(&self.checking_ns, between - start);
        add(&self.signing_ns, end - between);
        Ok(result)
    }

    /// What checks and signature took on average since this was last called, in microseconds.
    pub fn take_means_us(&self) -> (f64, f64) {
        let count = as_f64(&self.measured).max(1.0);
        let clock = processor_time::of_a_reading().as_secs_f64() * 1e6;
        let mean = |sum: &AtomicU64| (as_f64(sum) / count / 1e3 - clock).max(0.0);
        let means = (mean(&self.checking_ns), mean(&self.signing_ns));
        for counter in [&self.measured, &self.checking_ns, &self.signing_ns] {
            counter.store(0, Ordering::Relaxed);
        }
        means
    }
}

fn add(sum: &AtomicU64, time: Duration) {
    let nanoseconds = u64::try_from(time.as_nanos()).expect("no operation takes centuries");
    sum.fetch_add(nanoseconds, Ordering::Relaxed);
}

fn as_f64(counter: &AtomicU64) -> f64 {
    Duration::from_nanos(counter.load(Ordering::Relaxed)).as_secs_f64() * 1e9
}
