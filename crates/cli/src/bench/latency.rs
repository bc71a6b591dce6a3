//! Latencies as figures and as a drawing.

use std::fmt::Write;
use std::time::Duration;

/// The longest bar.
const WIDTH: usize = 50;

/// Latencies, sorted.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// What so many per thousand are not longer than.
    pub(crate) fn per_mille(&self, rank: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let place = (self.0.len() * rank / 1000).min(last);
        self.0.get(place).copied().unwrap_or_default()
    }

    /// One row for each doubling in four steps, from the shortest to the longest.
    pub(crate) fn histogram(&self, bar: char) -> String {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else {
            return String::new();
        };
        let (first, last) = (step(*first), step(*last));
        let mut counts = vec![0_usize; last - first + 1];
        for latency in &self.0 {
            counts[step(*latency) - first] += 1;
        }
        let most = counts.iter().copied().max().unwrap_or(1).max(1);
        let mut drawing = String::new();
        for (row, count) in counts.iter().enumerate() {
            // Rounded up: what is rare is to be seen.
            let len = (count * WIDTH).div_ceil(most);
            let bar: String = std::iter::repeat_n(bar, len).collect();
            let from = micros(start_of(first + row));
            let _ = writeln!(drawing, "  {from:>8} µs │{bar:<WIDTH$} {count}");
        }
        drawing
    }
}

/// Microseconds, with as many places as make sense.
pub(crate) fn micros(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros < 10.0 {
        true => format!("{micros:.1}"),
        false => format!("{micros:.0}"),
    }
}

/// Four steps for each doubling of the nanoseconds.
fn step(duration: Duration) -> usize {
    let nanos = u64::try_from(duration.as_nanos())
        .unwrap_or(u64::MAX)
        .max(4);
    let doublings = nanos.ilog2();
    let quarter = (nanos >> (doublings - 2)) & 3;
    doublings as usize * 4 + usize::try_from(quarter).unwrap_or_default()
}

fn start_of(step: usize) -> Duration {
    let quarter = 4 + (step % 4) as u64;
    Duration::from_nanos((quarter << (step / 4)) >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted() {
        let latencies = Latencies::new((1..=1000).rev().map(Duration::from_micros).collect());
        assert_eq!(latencies.per_mille(500), Duration::from_micros(501));
        assert_eq!(latencies.per_mille(990), Duration::from_micros(991));
        assert_eq!(latencies.per_mille(1000), Duration::from_micros(1000));
        assert_eq!(Latencies::new(Vec::new()).per_mille(999), Duration::ZERO);
    }

    #[test]
    fn a_row_of_the_histogram_holds_what_is_not_before_its_start() {
        for nanos in [4, 5, 7, 8, 100, 1_000, 65_535, 65_536, 1_000_000_007] {
            let latency = Duration::from_nanos(nanos);
            assert!(start_of(step(latency)) <= latency);
            assert!(start_of(step(latency) + 1) > latency);
        }
        let latencies = Latencies::new(vec![
            Duration::from_micros(16),
            Duration::from_micros(16),
            Duration::from_micros(20),
        ]);
        let drawing = latencies.histogram('#');
        let counts: Vec<&str> = drawing
            .lines()
            .filter_map(|line| line.rsplit(' ').next())
            .collect();
        assert_eq!(counts, ["2", "1"], "{drawing}");
    }
}
