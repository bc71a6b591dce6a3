//! Below which time most answers lately came: a histogram that slides.

use std::time::Duration;

use tokio::time::Instant;

/// A new half of the window begins so often; what is older than two is forgotten.
const HALF: Duration = Duration::from_secs(10);

/// Buckets to each doubling, so that a quantile is off by a fifth at most.
const PER_DOUBLING: usize = 4;

/// From a microsecond to more than a minute.
const BUCKETS: usize = 27 * PER_DOUBLING;

/// Fewer answers than this say nothing about one in twenty.
const ENOUGH: u32 = 20;

/// Times of answers in the last 10 to 20 seconds.
#[derive(Debug, Default)]
pub(crate) struct Window {
    current: Half,
    before: Half,
    began: Option<Instant>,
}

#[derive(Debug)]
struct Half {
    counts: [u32; BUCKETS],
    all: u32,
}

impl Default for Half {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            all: 0,
        }
    }
}

impl Window {
    /// An answer took so long.
    pub(crate) fn add(&mut self, took: Duration, now: Instant) {
        self.slide(now);
        let count = &mut self.current.counts[bucket(took)];
        *count = count.saturating_add(1);
        self.current.all = self.current.all.saturating_add(1);
    }

    /// The time within which this part of the answers came; `None` if they are too few to say.
    pub(crate) fn quantile(&mut self, part: f64, now: Instant) -> Option<Duration> {
        self.slide(now);
        let all = self.current.all.saturating_add(self.before.all);
        if all < ENOUGH {
            return None;
        }
        let beyond = f64::from(all) * (1.0 - part);
        let mut slower = 0.0;
        for bucket in (0..BUCKETS).rev() {
            slower +=
                f64::from(self.current.counts[bucket]) + f64::from(self.before.counts[bucket]);
            if slower > beyond {
                return Some(upper_bound(bucket));
            }
        }
        None
    }

    fn slide(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let passed = now.saturating_duration_since(began);
        if passed < HALF {
            return;
        }
        self.before = if passed < 2 * HALF {
            std::mem::take(&mut self.current)
        } else {
            self.current = Half::default();
            Half::default()
        };
        self.began = Some(now);
    }
}

fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let doublings = micros.ilog2();
    // The two bits below the highest say where in the doubling it is.
    let quarter = if doublings >= 2 {
        (micros >> (doublings - 2)) & 3
    } else {
        (micros << (2 - doublings)) & 3
    };
    let index = u64::from(doublings) * PER_DOUBLING as u64 + quarter;
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> Duration {
    let (doublings, quarter) = (bucket / PER_DOUBLING, bucket % PER_DOUBLING);
    let quarters = u64::try_from(PER_DOUBLING + quarter + 1).unwrap_or(1);
    Duration::from_micros((quarters << doublings) / PER_DOUBLING as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_time_is_within_its_bucket() {
        for micros in (1..100_000).chain([1 << 20, (1 << 26) - 1]) {
            let took = Duration::from_micros(micros);
            let bound = upper_bound(bucket(took));
            assert!(bound >= took, "{took:?} {bound:?}");
            assert!(
                bound <= took.mul_f64(1.26) + Duration::from_micros(1),
                "{took:?} {bound:?}"
            );
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn one_in_twenty_is_slower() {
        let now = Instant::now();
        let mut window = Window::default();
        for n in 0..100 {
            assert_eq!(window.quantile(0.95, now).is_some(), n >= ENOUGH);
            window.add(if n % 25 == 0 { 500 * MS } else { MS }, now);
        }
        // Four of a hundred are slow.
        let p95 = window.quantile(0.95, now).unwrap();
        assert!(p95 >= MS && p95 < 2 * MS, "{p95:?}");
        let p99 = window.quantile(0.99, now).unwrap();
        assert!(p99 >= 500 * MS, "{p99:?}");
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut now = Instant::now();
        let mut window = Window::default();
        for _ in 0..100 {
            window.add(500 * MS, now);
        }
        now += HALF;
        for _ in 0..100 {
            window.add(MS, now);
        }
        assert!(window.quantile(0.95, now).unwrap() >= 500 * MS);
        now += HALF;
        window.add(MS, now);
        assert!(window.quantile(0.95, now).unwrap() < 2 * MS);
        assert_eq!(window.quantile(0.95, now + 3 * HALF), None);
    }
}
