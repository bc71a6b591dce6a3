//! The floor: the operations of AWS-LC that a handshake cannot do without, on inputs of the lengths that it has, with
//! nothing between them. Each is called the leanest way there is: buffers are there already, and a secret of which several
//! others follow is made the key of its HMAC once.
//!
//! What Keyward does beyond the protocol is no part of it: the key operation's checks, and the verification of the
//! signature that comes back, which has a column of its own.

use std::hint::black_box;
use std::time::Duration;

use keyward_bench::Result;
use keyward_bench::handshakes::{BATCH, timed};
use keyward_bench::rounds::{Rounds, Side};
use keyward_bench::table::Table;
use keyward_pki::KeyAlgorithm;

use crate::case::{Case, Kind};
use crate::operations::{self, Part};

/// The head of the table of what the floors are made of.
pub(crate) const HEAD: [&str; 9] = [
    "floor, µs",
    "key exchange",
    "signature",
    "transcript",
    "key schedule",
    "records",
    "tickets",
    "randomness",
    "(verification)",
];

/// How long each figure of a round is measured, at least.
const ROUND: Duration = Duration::from_millis(40);

/// One in this many ECDSA signatures is verified by default; RSA ones always.
const SAMPLE: f64 = 64.0;

/// The operations of one kind of handshake.
pub(crate) struct Floor {
    parts: Vec<Part>,
    verified: f64,
}

impl Floor {
    pub(crate) fn of(case: &Case) -> Result<Self> {
        let parts = match (case.is_tls13(), case.kind) {
            (true, Kind::Full) => operations::tls13_full(case)?,
            (true, Kind::Resumed) => operations::tls13_resumed(case)?,
            (false, Kind::Full) => operations::tls12_full(case)?,
            (false, Kind::Resumed) => operations::tls12_resumed(case)?,
        };
        for part in &parts {
            (part.run)();
        }
        Ok(Self {
            parts,
            verified: match case.algorithm {
                KeyAlgorithm::Rsa2048 => 1.0,
                _ => 1.0 / SAMPLE,
            },
        })
    }

    /// A round's figures: the operations of a handshake one after the other, nothing for checks, the same without the
    /// signature; then each part by itself, where it finds its tables and code in the caches.
    ///
    /// A server does not find them there, for other work has been done since its last batch. So `other` is done here as
    /// well, between one batch and the next, and not counted.
    pub(crate) fn side<'a>(&'a self, other: impl Fn() -> Result<()> + 'a) -> Side<'a> {
        Box::new(move || {
            let handshake = |without: &[&str]| {
                let parts = self.parts.iter();
                let parts: Vec<_> = parts.filter(|part| !without.contains(&part.name)).collect();
                microseconds(&|| parts.iter().for_each(|part| (part.run)()), &other)
            };
            let mut figures = vec![
                handshake(&[operations::VERIFICATION])?,
                0.0,
                handshake(&[operations::VERIFICATION, operations::SIGNATURE])?,
            ];
            for name in operations::NAMES {
                let part = self.parts.iter().find(|part| part.name == name);
                figures.push(match part {
                    Some(part) => microseconds(&part.run, &|| Ok(()))?,
                    None => 0.0,
                });
            }
            Ok(figures)
        })
    }

    /// The operations of that many handshakes, without the verification, for a profiler.
    pub(crate) fn run(&self, handshakes: usize) {
        let parts = self.parts.iter();
        let parts: Vec<_> = parts
            .filter(|part| part.name != operations::VERIFICATION)
            .collect();
        timed(|| (0..handshakes).for_each(|_| parts.iter().for_each(|part| (part.run)())));
    }

    /// What verifying the signatures costs a handshake on average.
    pub(crate) fn verification_us(&self, rounds: &Rounds, side: usize) -> f64 {
        self.verified * rounds.median(side, FIRST_PART + operations::NAMES.len() - 1)
    }

    /// Adds the row that says what the floor is made of.
    pub(crate) fn describe(&self, case: &str, rounds: &Rounds, side: usize, table: &mut Table) {
        let mut row = vec![case.to_owned()];
        row.extend((0..operations::NAMES.len()).map(|part| {
            let us = rounds.median(side, FIRST_PART + part);
            if us == 0.0 {
                "–".to_owned()
            } else {
                format!("{us:.1}")
            }
        }));
        table.row(row);
    }
}

/// Where the parts begin among a round's figures.
const FIRST_PART: usize = 3;

fn microseconds(run: &dyn Fn(), other: &dyn Fn() -> Result<()>) -> Result<f64> {
    let mut spent = Duration::ZERO;
    let mut batches = 0;
    while spent < ROUND {
        let ((), time) = timed(|| (0..BATCH).for_each(|_| black_box(run)()));
        spent += time;
        batches += 1;
        other()?;
    }
    Ok(spent.as_secs_f64() * 1e6 / f64::from(u32::try_from(batches * BATCH)?))
}
