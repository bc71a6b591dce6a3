//! Measuring pairs, one of each class, in an order that nobody chose.

use std::hint::black_box;
use std::time::Instant;

use keyward_bench::Result;

/// What is measured.
pub(crate) trait Subject {
    /// Makes ready for an input. Not on the clock.
    ///
    /// # Errors
    /// The input is not one for this subject.
    fn prepare(&mut self, input: &[u8]) -> Result<()>;

    /// What is on the clock.
    fn run(&mut self);
}

/// Nanoseconds of each pair.
pub(crate) struct Samples {
    pub(crate) first: Vec<f64>,
    pub(crate) second: Vec<f64>,
}

/// Measures this many pairs. Inputs are copied to one place first, so that where they lie makes no difference; both
/// classes go through all of theirs in turn; a coin decides which goes first.
pub(crate) fn sample(
    subject: &mut dyn Subject,
    classes: &[Vec<Vec<u8>>; 2],
    pairs: usize,
) -> Result<Samples> {
    let mut samples = Samples {
        first: Vec::with_capacity(pairs),
        second: Vec::with_capacity(pairs),
    };
    let mut coin = Coin(0x9e37_79b9_7f4a_7c15);
    let warm_up = pairs / 20 + 1;
    for pair in 0..warm_up + pairs {
        let mut times = [0.0; 2];
        let order = if coin.toss() { [0, 1] } else { [1, 0] };
        for class in order {
            let inputs = &classes[class];
            times[class] = measure(subject, &inputs[pair % inputs.len()])?;
        }
        if pair >= warm_up {
            samples.first.push(times[0]);
            samples.second.push(times[1]);
        }
    }
    Ok(samples)
}

fn measure(subject: &mut dyn Subject, input: &[u8]) -> Result<f64> {
    subject.prepare(black_box(input))?;
    let start = Instant::now();
    subject.run();
    Ok(start.elapsed().as_secs_f64() * 1e9)
}

/// Xorshift: fair enough for an order, and the same in every run.
pub(crate) struct Coin(pub(crate) u64);

impl Coin {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn toss(&mut self) -> bool {
        self.next() >> 63 == 1
    }

    /// Below `end`.
    pub(crate) fn index(&mut self, end: usize) -> usize {
        let wide = u128::from(self.next()) * end as u128;
        usize::try_from(wide >> 64).expect("below `end`")
    }
}
