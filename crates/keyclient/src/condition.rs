//! What is known of a key server's performance: how fast it was lately, what it has to do for us, whether it fails.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::breaker::{Advice, Breaker};
use crate::kind::WorkKind;
use crate::latency::Latency;

/// One key server's.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    kinds: [OfKind; WorkKind::COUNT],
    /// The next number of an operation.
    next: u64,
    breaker: Breaker,
    /// Operations answered since the start, and those that failed by the key server's fault.
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

#[derive(Debug, Default)]
struct OfKind {
    /// From sending to the answer.
    latency: Latency,
    /// Of it, the private-key operation, as the key server says.
    work: Latency,
    /// What waits for an answer, by its number, and since when: the first is the oldest.
    in_flight: BTreeMap<u64, Instant>,
}

impl Condition {
    /// When an answer is to be expected to an operation of this kind that is sent now: what it took lately, or longer if one waits
    /// longer already, but not less than the way there and back; and the work that was given before.
    pub(crate) fn cost(&self, kind: WorkKind, round_trip: Duration, now: Instant) -> Duration {
        let of_kind = &self.kinds[kind.index()];
        let oldest = of_kind
            .in_flight
            .first_key_value()
            .map_or(Duration::ZERO, |(_, since)| {
                now.saturating_duration_since(*since)
            });
        let work: Duration = self
            .kinds
            .iter()
            .map(|of_kind| {
                let waiting = u32::try_from(of_kind.in_flight.len()).unwrap_or(u32::MAX);
                of_kind
                    .work
                    .last()
                    .unwrap_or_default()
                    .saturating_mul(waiting)
            })
            .sum();
        of_kind.latency.estimate(now).max(oldest).max(round_trip) + work
    }

    /// An operation is sent; returns its number.
    pub(crate) fn sent(&mut self, kind: WorkKind, now: Instant) -> u64 {
        self.next += 1;
        self.kinds[kind.index()].in_flight.insert(self.next, now);
        self.next
    }

    /// Nobody waits for it any more.
    pub(crate) fn done(&mut self, kind: WorkKind, number: u64) {
        self.kinds[kind.index()].in_flight.remove(&number);
    }

    /// It was answered. `true` if the key server had failed before.
    pub(crate) fn answered(
        &mut self,
        kind: WorkKind,
        took: Duration,
        work: Duration,
        now: Instant,
    ) -> bool {
        let of_kind = &mut self.kinds[kind.index()];
        of_kind.latency.measured(took, now);
        of_kind.work.measured(work, now);
        self.answered += 1;
        self.breaker.succeeded()
    }

    /// It was given up after so long.
    pub(crate) fn given_up(&mut self, kind: WorkKind, waited: Duration, now: Instant) {
        self.kinds[kind.index()].latency.at_least(waited, now);
    }

    /// It failed by the key server's fault. Returns for how long it is left alone, if that begins now.
    pub(crate) fn failed(&mut self, now: Instant, fraction: f64) -> Option<Duration> {
        self.failed += 1;
        self.breaker.failed(now, fraction)
    }

    pub(crate) fn advice(&self, now: Instant) -> Advice {
        self.breaker.advice(now)
    }

    /// The operation that is sent now is to show whether it works again.
    pub(crate) fn probe(&mut self, now: Instant) {
        self.breaker.probe(now);
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.kinds
            .iter()
            .map(|of_kind| of_kind.in_flight.len())
            .sum()
    }

    /// What was measured, by kind.
    pub(crate) fn latencies(&self) -> Vec<(&'static str, Duration)> {
        WorkKind::ALL
            .iter()
            .zip(&self.kinds)
            .filter(|(_, of_kind)| of_kind.work.last().is_some())
            .filter_map(|(kind, of_kind)| Some((kind.name(), of_kind.latency.last()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const NEAR: Duration = Duration::ZERO;
    const KIND: WorkKind = WorkKind::P256;

    #[test]
    fn who_lets_one_wait_costs_more_with_every_moment() {
        let now = Instant::now();
        let mut condition = Condition::default();
        condition.answered(KIND, 2 * MS, MS, now);
        assert_eq!(condition.cost(KIND, NEAR, now), 2 * MS);
        let number = condition.sent(KIND, now);
        assert_eq!(condition.cost(KIND, NEAR, now), 3 * MS);
        assert_eq!(condition.cost(KIND, NEAR, now + 100 * MS), 101 * MS);
        // Of another kind nothing is late.
        assert_eq!(
            condition.cost(WorkKind::LargerRsa, NEAR, now + 100 * MS),
            MS
        );
        condition.done(KIND, number);
        assert!(condition.cost(KIND, NEAR, now + 100 * MS) < 3 * MS);
    }

    #[test]
    fn work_of_other_kinds_counts_by_what_it_takes() {
        let now = Instant::now();
        let mut condition = Condition::default();
        condition.answered(WorkKind::LargerRsa, 8 * MS, 5 * MS, now);
        condition.answered(KIND, 2 * MS, MS, now);
        condition.sent(WorkKind::LargerRsa, now);
        condition.sent(WorkKind::LargerRsa, now);
        assert_eq!(condition.cost(KIND, NEAR, now), 12 * MS);
    }

    #[test]
    fn a_far_one_is_not_expected_to_be_fast_however_long_ago_it_was_asked() {
        let now = Instant::now();
        let mut condition = Condition::default();
        assert_eq!(condition.cost(KIND, 40 * MS, now), 40 * MS);
        condition.answered(KIND, 50 * MS, MS, now);
        assert_eq!(condition.cost(KIND, 40 * MS, now), 50 * MS);
        let later = now + 60_000 * MS;
        assert_eq!(condition.cost(KIND, 40 * MS, later), 40 * MS);
    }
}
