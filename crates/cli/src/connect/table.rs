//! Rows of a name and a value, and how times and spans are written.

use std::fmt;
use std::time::Duration;

use keyward_tls::UnixTime;
use time::OffsetDateTime;

/// Rows of a name and a value.
pub(crate) struct Rows {
    indent: usize,
    width: usize,
    rows: Vec<(&'static str, String)>,
}

impl Rows {
    /// Names in a column of `width` characters, `indent` from the left.
    pub(crate) const fn indented(indent: usize, width: usize) -> Self {
        Self {
            indent,
            width,
            rows: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, name: &'static str, value: impl Into<String>) {
        self.rows.push((name, value.into()));
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (indent, width) = (self.indent, self.width);
        for (name, value) in &self.rows {
            writeln!(f, "{:indent$}{name:<width$}{value}", "")?;
        }
        Ok(())
    }
}

/// `2026-11-24`
pub(crate) fn day(time: UnixTime) -> String {
    i64::try_from(time.as_millis() / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .map_or_else(|| "ever".to_owned(), |time| time.date().to_string())
}

/// `89 days left`, `expired 3 days ago`
pub(crate) fn days_left(end: UnixTime, now: UnixTime) -> String {
    match (end.since(now), now.since(end)) {
        (Some(left), _) => format!("{} left", span(left)),
        (None, Some(ago)) => format!("expired {} ago", span(ago)),
        (None, None) => String::new(),
    }
}

/// In days, hours, minutes or seconds.
pub(crate) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let seconds = span.as_secs();
    let (size, name) = UNITS
        .into_iter()
        .find(|(size, _)| seconds >= *size)
        .unwrap_or((1, "second"));
    counted(seconds / size, name)
}

/// Lines of at most 96 characters, each `indent` from the left; a longer word has a line of its own.
pub(crate) fn paragraph(text: &str, indent: usize) -> String {
    const WIDTH: usize = 96;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{:indent$}{word}", "")),
        }
    }
    lines.join("\n") + "\n"
}

/// `1 day`, `2 days`
pub(crate) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_align() {
        let mut rows = Rows::indented(2, 6);
        rows.add("a", "1");
        rows.add("bcd", "2");
        assert_eq!(rows.to_string(), "  a     1\n  bcd   2\n");
    }

    #[test]
    fn paragraphs_are_folded() {
        let text = paragraph(&"word ".repeat(40), 4);
        assert!(
            text.lines()
                .all(|line| line.starts_with("    word") && line.len() <= 96)
        );
        assert_eq!(text.split_whitespace().count(), 40);
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn days() {
        let at = UnixTime::from_secs;
        assert_eq!(day(at(0)), "1970-01-01");
        assert_eq!(days_left(at(86_400 * 3), at(0)), "3 days left");
        assert_eq!(days_left(at(0), at(7_200)), "expired 2 hours ago");
        assert_eq!(span(Duration::from_secs(60)), "1 minute");
    }
}
