//! Whether two classes differ, by methods that do not ask how noise is distributed.
//!
//! - **The median of the pairs' differences**, with an interval by bootstrap, as in the Marvin attack's toolkit
//!   (`tlsfuzzer`): what disturbs both measurements of a pair cancels out, and what disturbs one is in the tails.
//! - **The difference at the 10 % quantile**, the box test of Crosby, Wallach and Riedi: fast measurements are those
//!   that nothing disturbed.
//! - **The rank sum** (Mann-Whitney), as a z score. The clock's steps are 10 ns on some machines, and a median moves by
//!   whole ones; the ranks of thousands of pairs show a difference far below a step.

use crate::sampling::{Coin, Samples};

/// How often the samples are drawn again.
const RESAMPLES: usize = 1000;

/// What lies outside the interval, on either side: 99.9 % lie within.
const TAIL: f64 = 0.0005;

/// How many standard deviations the rank sum may be off: one pair of equal classes in sixteen thousand is further.
const MAX_Z: f64 = 4.0;

/// The quantile of the box test.
const LOW: f64 = 0.1;

/// A value, and where it lies with 99.9 % confidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    fn is_without_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// What the samples say.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Of the first class, for the order of magnitude.
    pub(crate) median: f64,
    pub(crate) median_of_differences: Interval,
    pub(crate) at_low_quantile: Interval,
    pub(crate) rank_sum_z: f64,
}

impl Verdict {
    pub(crate) fn of(samples: &Samples) -> Self {
        let differences: Vec<f64> = samples
            .first
            .iter()
            .zip(&samples.second)
            .map(|(first, second)| first - second)
            .collect();
        Self {
            median: quantile(&mut samples.first.clone(), 0.5),
            median_of_differences: bootstrap(differences.len(), |indices| {
                let mut drawn: Vec<f64> = indices.iter().map(|i| differences[*i]).collect();
                quantile(&mut drawn, 0.5)
            }),
            at_low_quantile: bootstrap(differences.len(), |indices| {
                let mut first: Vec<f64> = indices.iter().map(|i| samples.first[*i]).collect();
                let mut second: Vec<f64> = indices.iter().map(|i| samples.second[*i]).collect();
                quantile(&mut first, LOW) - quantile(&mut second, LOW)
            }),
            rank_sum_z: rank_sum_z(&samples.first, &samples.second),
        }
    }

    pub(crate) fn is_different(&self) -> bool {
        self.median_of_differences.is_without_zero()
            || self.at_low_quantile.is_without_zero()
            || self.rank_sum_z.abs() > MAX_Z
    }
}

/// A statistic of the samples, and its interval from samples drawn from them, with replacement.
fn bootstrap(len: usize, statistic: impl Fn(&[usize]) -> f64) -> Interval {
    let mut coin = Coin(0x2545_f491_4f6c_dd1d);
    let all: Vec<usize> = (0..len).collect();
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let indices: Vec<usize> = (0..len).map(|_| coin.index(len)).collect();
            statistic(&indices)
        })
        .collect();
    Interval {
        value: statistic(&all),
        low: quantile(&mut drawn, TAIL),
        high: quantile(&mut drawn, 1.0 - TAIL),
    }
}

/// The value below which this part of `values` is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a length is a smaller length"
)]
fn quantile(values: &mut [f64], part: f64) -> f64 {
    let last = values.len() - 1;
    let index = (last as f64 * part).round() as usize;
    *values.select_nth_unstable_by(index, f64::total_cmp).1
}

/// How far the sum of the first class's ranks is from what it would be if both were the same, in standard deviations.
fn rank_sum_z(first: &[f64], second: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = first.iter().map(|value| (*value, true)).collect();
    all.extend(second.iter().map(|value| (*value, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut ties) = (0.0, 0.0);
    let mut begin = 0;
    while begin < all.len() {
        let equal = all[begin..]
            .iter()
            .take_while(|(value, _)| *value == all[begin].0);
        let end = begin + equal.count();
        // Equal values share the mean of their ranks.
        let rank = (begin + end + 1) as f64 / 2.0;
        sum += rank
            * all[begin..end]
                .iter()
                .filter(|(_, is_first)| *is_first)
                .count() as f64;
        let count = (end - begin) as f64;
        ties += count * (count * count - 1.0);
        begin = end;
    }
    let (n, m) = (first.len() as f64, second.len() as f64);
    let total = n + m;
    let mean = n * (total + 1.0) / 2.0;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance > 0.0 {
        (sum - mean) / variance.sqrt()
    } else {
        0.0
    }
}
