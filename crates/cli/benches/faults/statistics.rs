//! What the handshakes of a phase took.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::Sample;
use crate::stand::Answers;

/// A phase as it was.
pub(crate) struct Span {
    pub(crate) name: &'static str,
    pub(crate) fault: bool,
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
    pub(crate) answers: Answers,
}

/// Its handshakes.
pub(crate) struct Summary {
    name: &'static str,
    count: usize,
    failed: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    longest: Duration,
    answers: Answers,
}

impl Summary {
    pub(crate) fn new(span: &Span, samples: &[Sample]) -> Self {
        let of_span: Vec<&Sample> = samples
            .iter()
            .filter(|sample| (span.began..span.ended).contains(&sample.at))
            .collect();
        let mut times: Vec<Duration> = of_span.iter().map(|sample| sample.took).collect();
        times.sort();
        let at = |part: usize| {
            let index = (times.len() * part / 100).min(times.len().saturating_sub(1));
            times.get(index).copied().unwrap_or_default()
        };
        Self {
            name: span.name,
            count: times.len(),
            failed: of_span
                .iter()
                .filter(|sample| sample.error.is_some())
                .count(),
            p50: at(50),
            p99: at(99),
            longest: times.last().copied().unwrap_or_default(),
            answers: span.answers,
        }
    }

    /// What must not be.
    pub(crate) fn problems(&self) -> Option<String> {
        if self.failed > 0 {
            Some(format!("{}: {} handshakes failed", self.name, self.failed))
        } else if self.count < 10 {
            Some(format!("{}: only {} handshakes", self.name, self.count))
        } else {
            None
        }
    }
}

/// For people, in Markdown.
pub(crate) fn table(summaries: &[Summary]) -> String {
    let mut out = String::from(
        "| phase | handshakes | failed | p50, ms | p99, ms | longest, ms | answered by 0 / 1 / 2 | hedged | went elsewhere |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for summary in summaries {
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
        let Answers {
            by_server: [zero, one, two],
            hedged,
            elsewhere,
        } = summary.answers;
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {zero} / {one} / {two} | {hedged} | {elsewhere} |",
            summary.name,
            summary.count,
            summary.failed,
            ms(summary.p50),
            ms(summary.p99),
            ms(summary.longest),
        );
    }
    out
}
