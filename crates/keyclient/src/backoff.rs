//! How long to wait before the next attempt.

use std::time::Duration;

/// The pause after `failures` failures in a row: doubling from `min` up to `max`, and somewhere between half of that and all of it
/// (`fraction` says where), so that the edges of a fleet do not all come back in the same moment.
pub(crate) fn pause(failures: u32, min: Duration, max: Duration, fraction: f64) -> Duration {
    let doubled = min.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let longest = doubled.min(max);
    longest / 2 + longest.mul_f64(0.5 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Timings;
    use crate::random::Dice;

    #[test]
    fn grows_to_its_bound_and_varies() {
        let Timings {
            backoff_min,
            backoff_max,
            ..
        } = Timings::default();
        let dice = Dice::default();
        for (failures, longest_ms) in [
            (1, 50),
            (2, 100),
            (3, 200),
            (8, 6400),
            (9, 10_000),
            (u32::MAX, 10_000),
        ] {
            let longest = Duration::from_millis(longest_ms);
            let pauses: Vec<_> = (0..50)
                .map(|_| pause(failures, backoff_min, backoff_max, dice.fraction()))
                .collect();
            assert!(
                pauses
                    .iter()
                    .all(|pause| *pause >= longest / 2 && *pause <= longest)
            );
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
