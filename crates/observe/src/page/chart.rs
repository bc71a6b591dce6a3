//! A histogram as bars.

use std::fmt::Write;
use std::time::Duration;

use super::html::escape;
use crate::metrics::{BOUNDS, HistogramSnapshot};
use crate::text::duration;

const BAR: u32 = 30;
const GAP: u32 = 4;
const HEIGHT: u32 = 72;
/// Above the bars, for their counts, and below, for the bounds.
const ABOVE: u32 = 14;
const BELOW: u32 = 16;

/// Draws it, with its title and the bounds that half of them and 99 in 100 did not exceed.
pub(super) fn draw(out: &mut String, title: &str, histogram: &HistogramSnapshot) {
    let columns = u32::try_from(histogram.buckets.len()).unwrap_or(u32::MAX);
    let (width, height) = (columns * (BAR + GAP), ABOVE + HEIGHT + BELOW);
    let most = histogram.buckets.iter().copied().max().unwrap_or(0).max(1);
    let summary = summary(histogram);
    let _ = write!(
        out,
        "<figure><figcaption>{} <small>{}</small></figcaption>\
         <svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{} {}\">",
        escape(title),
        escape(&summary),
        escape(title),
        escape(&summary),
    );
    for (i, count) in (0..columns).zip(histogram.buckets) {
        let x = i * (BAR + GAP) + GAP / 2;
        // What happened at all can be seen.
        let bar = u32::try_from(count.saturating_mul(HEIGHT.into()) / most).unwrap_or(HEIGHT);
        let bar = if count > 0 { bar.max(2) } else { 0 };
        let y = ABOVE + HEIGHT - bar;
        let bound = usize::try_from(i).ok().and_then(|i| BOUNDS.get(i));
        let _ = write!(
            out,
            "<rect class=\"slot\" x=\"{x}\" y=\"{ABOVE}\" width=\"{BAR}\" height=\"{HEIGHT}\"/>\
             <rect class=\"bar\" x=\"{x}\" y=\"{y}\" width=\"{BAR}\" height=\"{bar}\"><title>{}: {count}</title></rect>",
            bound.map_or_else(
                || "longer".to_owned(),
                |bound| format!("up to {}", whole(*bound))
            ),
        );
        let middle = x + BAR / 2;
        if count > 0 {
            let _ = write!(
                out,
                "<text class=\"count\" x=\"{middle}\" y=\"{}\">{}</text>",
                y - 3,
                short(count)
            );
        }
        let _ = write!(
            out,
            "<text class=\"bound\" x=\"{middle}\" y=\"{}\">{}</text>",
            height - 4,
            bound.map_or_else(|| "more".to_owned(), |bound| compact(*bound)),
        );
    }
    out.push_str("</svg></figure>");
}

fn summary(histogram: &HistogramSnapshot) -> String {
    let count = histogram.count();
    let at_most = |part, name: &str| match histogram.at_most(part) {
        Some(bound) => format!("{name} ≤ {}", whole(bound)),
        None => format!(
            "{name} > {}",
            BOUNDS.last().map_or_else(String::new, |last| whole(*last))
        ),
    };
    let mean = histogram.sum.as_micros() / u128::from(count.max(1));
    format!(
        "{count} in all, mean {}, {}, {}",
        duration(u64::try_from(mean).unwrap_or(u64::MAX)).replace(" us", " µs"),
        at_most(0.5, "half"),
        at_most(0.99, "99 %"),
    )
}

/// A bound in full: `250 µs`, `2.5 ms`.
fn whole(bound: Duration) -> String {
    match bound.as_micros() {
        us @ 0..1_000 => format!("{us} µs"),
        us @ 1_000..1_000_000 => format!("{} ms", tenths(us, 1_000)),
        us => format!("{} s", tenths(us, 1_000_000)),
    }
}

/// A bound below a bar.
fn compact(bound: Duration) -> String {
    whole(bound).replace(' ', "")
}

fn tenths(us: u128, unit: u128) -> String {
    match us % unit * 10 / unit {
        0 => (us / unit).to_string(),
        tenth => format!("{}.{tenth}", us / unit),
    }
}

/// A count above a bar: at most four characters.
fn short(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        1_000_000..1_000_000_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}G", count / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_their_heights_and_the_title_is_text() {
        let mut histogram = HistogramSnapshot::default();
        histogram.buckets[0] = 100_000;
        histogram.buckets[12] = 1;
        histogram.sum = Duration::from_secs(4);
        let mut out = String::new();
        draw(&mut out, "<script>", &histogram);
        assert!(!out.contains("<script>"), "{out}");
        assert!(out.contains("&lt;script&gt;"), "{out}");
        assert!(
            out.contains("100001 in all, mean 39 µs, half ≤ 50 µs, 99 % ≤ 50 µs"),
            "{out}"
        );
        assert!(
            out.contains(&format!("height=\"{HEIGHT}\"><title>up to 50 µs: 100000<")),
            "{out}"
        );
        assert!(out.contains("height=\"2\"><title>longer: 1<"), "{out}");
        assert_eq!(out.matches("height=\"0\"><title>").count(), 11);
        assert!(out.contains(">100k</text>"), "{out}");
        assert!(out.contains(">2.5ms</text>"), "{out}");
    }
}
