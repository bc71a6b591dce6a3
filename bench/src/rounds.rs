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
