//! How long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::config::Timings;

/// The pause after `failures` failed attempts in a row: doubling, bounded, and somewhere between half of it and all of it, so that
/// the edges of a fleet do not all come back in the same moment.
pub(crate) fn pause(failures: u32, timings: &Timings) -> Duration {
    let doubled = timings
        .backoff_min
        .saturating_mul(1 << failures.saturating_sub(1).min(20));
    let longest = doubled.min(timings.backoff_max);
    longest / 2 + longest.mul_f64(0.5 * random_fraction())
}

/// Anything spread over 0..1 will do: the seeds of the standard library's hash maps differ each time.
fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0u8) >> 32;
    f64::from(u32::try_from(bits).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_varies() {
        let timings = Timings::default();
        for (failures, longest_ms) in [
            (1, 50),
            (2, 100),
            (3, 200),
            (8, 6400),
            (9, 10_000),
            (u32::MAX, 10_000),
        ] {
            let longest = Duration::from_millis(longest_ms);
            let pauses: Vec<_> = (0..50).map(|_| pause(failures, &timings)).collect();
            assert!(
                pauses
                    .iter()
                    .all(|pause| *pause >= longest / 2 && *pause <= longest)
            );
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
