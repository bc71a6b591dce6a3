//! How long a key server takes, as measured lately.

use std::time::Duration;

use tokio::time::Instant;

/// How fast what was measured is forgotten: after so long without a measurement a third is left. A key server that was slow is so
/// tried again after a while.
const FORGET: Duration = Duration::from_secs(5);

/// So many measurements are as good as any number. What fewer say is forgotten sooner: the first operation on a connection is
/// often slow.
const CERTAIN: u32 = 10;

/// That something would have taken longer makes nothing more certain than so many measurements do.
const GIVEN_UP: u32 = 5;

/// The least that one measurement counts, however short ago the one before was.
const LEAST_WEIGHT: f64 = 0.1;

/// An exponentially weighted average over time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency(Option<Measured>);

#[derive(Clone, Copy, Debug)]
struct Measured {
    average: Duration,
    at: Instant,
    /// How many measurements it stands on, up to [`CERTAIN`].
    count: u32,
}

impl Measured {
    /// What is left of it.
    fn left(&self, now: Instant) -> f64 {
        let forget = FORGET.as_secs_f64() * f64::from(self.count) / f64::from(CERTAIN);
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (-passed / forget).exp()
    }
}

impl Latency {
    /// What is to be expected now; less the longer ago it was measured, and nothing if it never was.
    pub(crate) fn estimate(&self, now: Instant) -> Duration {
        self.0.map_or(Duration::ZERO, |measured| {
            measured.average.mul_f64(measured.left(now))
        })
    }

    /// The average as it was last measured.
    pub(crate) fn last(&self) -> Option<Duration> {
        self.0.map(|measured| measured.average)
    }

    /// It took so long.
    pub(crate) fn measured(&mut self, took: Duration, now: Instant) {
        let (average, count) = match self.0 {
            None => (took, 1),
            Some(before) => {
                let weight = (1.0 - before.left(now)).max(LEAST_WEIGHT);
                let average = before.average.mul_f64(1.0 - weight) + took.mul_f64(weight);
                (average, (before.count + 1).min(CERTAIN))
            }
        };
        self.0 = Some(Measured {
            average,
            at: now,
            count,
        });
    }

    /// It would have taken longer than this; how long, nobody waited to see.
    pub(crate) fn at_least(&mut self, waited: Duration, now: Instant) {
        if self.estimate(now) < waited {
            let before = self.0.map_or(0, |before| before.count);
            self.0 = Some(Measured {
                average: waited,
                at: now,
                count: (before + 1).min(GIVEN_UP),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_follows_what_is_measured() {
        let mut now = Instant::now();
        let mut latency = Latency::default();
        assert_eq!(latency.estimate(now), Duration::ZERO);
        latency.measured(10 * MS, now);
        assert_eq!(latency.estimate(now), 10 * MS);
        for _ in 0..60 {
            now += 10 * MS;
            latency.measured(100 * MS, now);
        }
        assert!(latency.estimate(now) > 95 * MS, "{latency:?}");
        // One that is out of line changes little.
        latency.measured(2000 * MS, now);
        assert!(latency.estimate(now) < 300 * MS, "{latency:?}");
    }

    #[test]
    fn what_was_slow_is_forgotten_and_what_is_not_certain_sooner() {
        let now = Instant::now();
        let mut latency = Latency::default();
        for _ in 0..CERTAIN {
            latency.measured(2000 * MS, now);
        }
        assert!(latency.estimate(now + FORGET) > 700 * MS);
        assert!(latency.estimate(now + FORGET) < 1000 * MS);
        assert!(latency.estimate(now + 8 * FORGET) < MS);
        assert_eq!(latency.last(), Some(2000 * MS));
        let mut latency = Latency::default();
        latency.measured(2000 * MS, now);
        assert!(latency.estimate(now + FORGET) < MS);
    }

    #[test]
    fn who_was_not_waited_for_is_at_least_that_slow() {
        let now = Instant::now();
        let mut latency = Latency::default();
        latency.measured(MS, now);
        latency.at_least(20 * MS, now);
        assert_eq!(latency.estimate(now), 20 * MS);
        latency.at_least(5 * MS, now);
        assert_eq!(latency.estimate(now), 20 * MS);
    }
}
