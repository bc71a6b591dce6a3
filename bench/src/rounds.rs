//! Interleaved rounds and their medians.

/// How many rounds each side gets; odd, so that the median is one of them.
pub const ROUNDS: usize = 9;

/// What two sides reached, in operations per second, each the median of its rounds.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// The yardstick.
    pub reference: f64,
    /// Ours.
    pub ours: f64,
    /// The median of the rounds' own ratios, ours to the reference: what disturbed the machine for longer than a round
    /// disturbed both sides of it.
    pub ratio: f64,
}

/// Measures both sides [`ROUNDS`] times, turn by turn, and who goes first changes each time. Each closure returns the
/// operations per second of one round. One round of each goes before, unmeasured, to warm caches up.
///
/// # Errors
///
/// The first error of either side.
pub fn compare(
    mut reference: impl FnMut() -> crate::Result<f64>,
    mut ours: impl FnMut() -> crate::Result<f64>,
) -> crate::Result<Comparison> {
    reference()?;
    ours()?;
    let mut results = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        results.push(if round % 2 == 0 {
            let first = reference()?;
            (first, ours()?)
        } else {
            let first = ours()?;
            (reference()?, first)
        });
    }
    Ok(Comparison {
        reference: median(results.iter().map(|(reference, _)| *reference).collect()),
        ours: median(results.iter().map(|(_, ours)| *ours).collect()),
        ratio: median(
            results
                .iter()
                .map(|(reference, ours)| ours / reference)
                .collect(),
        ),
    })
}

/// The middle one of `values`, of which there is at least one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a side is made to do once a round: a few figures, the same ones each time.
pub type Side<'a> = Box<dyn FnMut() -> crate::Result<Vec<f64>> + 'a>;

/// The figures of several sides, round by round.
#[derive(Debug)]
pub struct Rounds {
    /// By side, by round, by figure.
    figures: Vec<Vec<Vec<f64>>>,
}

impl Rounds {
    /// Measures all sides [`ROUNDS`] times, turn by turn, and who goes first changes each time. One round of each goes
    /// before, unmeasured.
    ///
    /// # Errors
    ///
    /// The first error of any side.
    pub fn measure(sides: &mut [Side<'_>]) -> crate::Result<Self> {
        for side in sides.iter_mut() {
            side()?;
        }
        let mut figures = vec![Vec::with_capacity(ROUNDS); sides.len()];
        for round in 0..ROUNDS {
            for turn in 0..sides.len() {
                let side = (round + turn) % sides.len();
                figures[side].push(sides[side]()?);
            }
        }
        Ok(Self { figures })
    }

    /// The median of a side's figure.
    pub fn median(&self, side: usize, figure: usize) -> f64 {
        median(
            self.figures[side]
                .iter()
                .map(|round| round[figure])
                .collect(),
        )
    }

    /// The median of the rounds' own ratios of a figure, `side` to `other`.
    pub fn ratio(&self, side: usize, other: usize, figure: usize) -> f64 {
        let rounds = self.figures[side].iter().zip(&self.figures[other]);
        median(
            rounds
                .map(|(side, other)| side[figure] / other[figure])
                .collect(),
        )
    }
}
