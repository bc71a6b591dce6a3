//! Leaves a key server alone that answers, but only with failures.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff;

/// So many failures in a row are no accident.
const TOLERATED: u32 = 3;

/// The first pause; it doubles with each failed probe.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long a probe may take until another is allowed: it may have been cancelled.
const PROBE: Duration = Duration::from_secs(3);

/// Whether a key server is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// It is, after so many failures in a row.
    Closed { failures: u32 },
    /// It is not, until then.
    Open { until: Instant, pauses: u32 },
    /// One operation is on its way to see whether it works again.
    Probing { since: Instant, pauses: u32 },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// What to do with a key server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Ask it.
    Ask,
    /// Ask it once, to see.
    Probe,
    /// Ask others.
    Leave,
}

impl Breaker {
    pub(crate) fn advice(&self, now: Instant) -> Advice {
        match *self {
            Self::Closed { .. } => Advice::Ask,
            Self::Open { until, .. } if now >= until => Advice::Probe,
            Self::Probing { since, .. } if now >= since + PROBE => Advice::Probe,
            Self::Open { .. } | Self::Probing { .. } => Advice::Leave,
        }
    }

    /// It is being asked, to see.
    pub(crate) fn probe(&mut self, now: Instant) {
        if let Self::Open { pauses, .. } | Self::Probing { pauses, .. } = *self {
            *self = Self::Probing { since: now, pauses };
        }
    }

    /// It has done something. `true` if that ends a pause.
    pub(crate) fn succeeded(&mut self) -> bool {
        let was_open = !matches!(self, Self::Closed { .. });
        *self = Self::default();
        was_open
    }

    /// It has failed. Returns how long it is left alone, if that begins now; `fraction` spreads it.
    pub(crate) fn failed(&mut self, now: Instant, fraction: f64) -> Option<Duration> {
        let pauses = match *self {
            Self::Closed { failures } if failures + 1 < TOLERATED => {
                *self = Self::Closed {
                    failures: failures + 1,
                };
                return None;
            }
            Self::Closed { .. } => 1,
            // What was on its way before the pause began says nothing new.
            Self::Open { .. } => return None,
            Self::Probing { pauses, .. } => pauses.saturating_add(1),
        };
        let pause = backoff::pause(pauses, PAUSE_MIN, PAUSE_MAX, fraction);
        *self = Self::Open {
            until: now + pause,
            pauses,
        };
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_open_it_and_a_probe_closes_it() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        assert_eq!(breaker.failed(now, 1.0), None);
        assert_eq!(breaker.failed(now, 1.0), None);
        assert!(!breaker.succeeded());
        assert_eq!(breaker.failed(now, 1.0), None);
        assert_eq!(breaker.failed(now, 1.0), None);
        assert_eq!(breaker.advice(now), Advice::Ask);
        assert_eq!(breaker.failed(now, 1.0), Some(PAUSE_MIN));
        assert_eq!(breaker.failed(now, 1.0), None);
        assert_eq!(breaker.advice(now), Advice::Leave);

        let later = now + PAUSE_MIN;
        assert_eq!(breaker.advice(later), Advice::Probe);
        breaker.probe(later);
        assert_eq!(breaker.advice(later), Advice::Leave);
        assert_eq!(breaker.failed(later, 1.0), Some(2 * PAUSE_MIN));
        assert_eq!(breaker.advice(later + PAUSE_MIN), Advice::Leave);
        let later = later + 2 * PAUSE_MIN;
        breaker.probe(later);
        assert!(breaker.succeeded());
        assert_eq!(breaker.advice(later), Advice::Ask);
    }

    #[test]
    fn a_probe_that_nobody_hears_of_is_made_again() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..TOLERATED {
            breaker.failed(now, 0.0);
        }
        let later = now + PAUSE_MIN;
        breaker.probe(later);
        assert_eq!(breaker.advice(later + PROBE / 2), Advice::Leave);
        assert_eq!(breaker.advice(later + PROBE), Advice::Probe);
    }

    #[test]
    fn pauses_have_a_bound() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            breaker.failed(now, 1.0);
            now += PAUSE_MAX;
            breaker.probe(now);
        }
        assert_eq!(breaker.failed(now, 1.0), Some(PAUSE_MAX));
    }
}
