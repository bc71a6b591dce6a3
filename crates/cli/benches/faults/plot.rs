//! The handshakes over time as a picture: each one a dot, each phase a band.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::Sample;
use crate::statistics::{Span, Summary};

const WIDTH: f64 = 1380.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 70.0;
/// Room for the last phase's name.
const RIGHT: f64 = 120.0;
const TOP: f64 = 150.0;
const BOTTOM: f64 = 50.0;

/// The axis of times, in milliseconds, logarithmic.
const SHORTEST: f64 = 0.5;
const LONGEST: f64 = 10_000.0;

const WELL: &str = "#f4f7f4";
const FAULT: &str = "#fbe9e4";
const DOT: &str = "#2a5d9f";
const FAILED: &str = "#c00000";

pub(crate) struct Plot<'a> {
    pub(crate) samples: &'a [Sample],
    pub(crate) spans: &'a [Span],
    pub(crate) summaries: &'a [Summary],
}

impl Plot<'_> {
    /// The picture as SVG.
    pub(crate) fn svg(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = self.draw(&mut out);
        out
    }

    fn draw(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
        )?;
        let failed = self.samples.iter().filter(|s| s.error.is_some()).count();
        writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"24\" font-size=\"16\">Time to complete a full TLS handshake through an edge with three key \
             servers, one of them in trouble</text>\n\
             <text x=\"{LEFT}\" y=\"42\" fill=\"#555\">{} handshakes, {failed} failed. A dot is a handshake; lines are the \
             phase's median (solid) and 99th percentile (dashed).</text>",
            self.samples.len(),
        )?;
        self.bands(out)?;
        self.axes(out)?;
        self.dots(out)?;
        self.lines(out)?;
        writeln!(out, "</svg>")
    }

    fn bands(&self, out: &mut String) -> std::fmt::Result {
        for span in self.spans {
            let (x, end) = (self.x(span.began), self.x(span.ended));
            let fill = if span.fault { FAULT } else { WELL };
            writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\" stroke=\"white\"/>",
                end - x,
                HEIGHT - TOP - BOTTOM,
            )?;
            let (x, y) = ((x + end) / 2.0, TOP - 8.0);
            writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y}\" transform=\"rotate(-28 {x:.1} {y})\">{}</text>",
                span.name.replace('&', "&amp;").replace('<', "&lt;"),
            )?;
        }
        Ok(())
    }

    fn axes(&self, out: &mut String) -> std::fmt::Result {
        let right = WIDTH - RIGHT;
        for (ms, label) in [
            (1.0, "1 ms"),
            (10.0, "10 ms"),
            (100.0, "100 ms"),
            (1000.0, "1 s"),
            (10_000.0, "10 s"),
        ] {
            let y = y(ms);
            writeln!(
                out,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#ccc\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 8.0,
                y + 4.0,
            )?;
        }
        let bottom = HEIGHT - BOTTOM;
        let mut second = 0;
        while Duration::from_secs(second) <= self.end() {
            let x = self.x(Duration::from_secs(second));
            if x >= LEFT {
                writeln!(
                    out,
                    "<line x1=\"{x:.1}\" y1=\"{bottom}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#888\"/>\n\
                     <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second} s</text>",
                    bottom + 5.0,
                    bottom + 20.0,
                )?;
            }
            second += 10;
        }
        Ok(())
    }

    fn dots(&self, out: &mut String) -> std::fmt::Result {
        // One path for all that succeeded: a tenth of the size of as many circles.
        write!(
            out,
            "<path fill=\"none\" stroke=\"{DOT}\" stroke-opacity=\"0.45\" stroke-width=\"2.6\" stroke-linecap=\"round\" d=\""
        )?;
        for sample in self.samples.iter().filter(|s| s.error.is_none()) {
            let (x, y) = (self.x(sample.at), y(millis(sample.took)));
            if x >= LEFT {
                write!(out, "M{x:.1} {y:.1}h0")?;
            }
        }
        writeln!(out, "\"/>")?;
        for sample in self.samples.iter().filter(|s| s.error.is_some()) {
            writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{FAILED}\"/>",
                self.x(sample.at),
                y(millis(sample.took)),
            )?;
        }
        Ok(())
    }

    fn lines(&self, out: &mut String) -> std::fmt::Result {
        for (span, summary) in self.spans.iter().zip(self.summaries) {
            let (x, end) = (self.x(span.began), self.x(span.ended));
            for (time, dashes) in [
                (summary.p50, ""),
                (summary.p99, " stroke-dasharray=\"5 3\""),
            ] {
                let y = y(millis(time));
                writeln!(
                    out,
                    "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{end:.1}\" y2=\"{y:.1}\" stroke=\"black\" \
                     stroke-width=\"1.4\"{dashes}/>"
                )?;
            }
        }
        Ok(())
    }

    fn begin(&self) -> Duration {
        self.spans.first().map_or(Duration::ZERO, |span| span.began)
    }

    fn end(&self) -> Duration {
        self.spans.last().map_or(Duration::ZERO, |span| span.ended)
    }

    fn x(&self, at: Duration) -> f64 {
        let (begin, end) = (self.begin().as_secs_f64(), self.end().as_secs_f64());
        let part = (at.as_secs_f64() - begin) / (end - begin).max(f64::EPSILON);
        LEFT + part * (WIDTH - LEFT - RIGHT)
    }
}

fn y(ms: f64) -> f64 {
    let part = (ms.clamp(SHORTEST, LONGEST) / SHORTEST).ln() / (LONGEST / SHORTEST).ln();
    HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
