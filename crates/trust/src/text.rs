//! Words for people.

use std::fmt;
use std::time::Duration;

use keyward_tls::UnixTime;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const MINUTES: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute] UTC");

/// A time as `2026-11-24 11:10 UTC`.
pub(crate) fn date(time: UnixTime) -> String {
    i64::try_from(time.as_millis() / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|date| date.format(MINUTES).ok())
        .unwrap_or_else(|| "a time without end".to_owned())
}

/// A span in its two largest units' worth: `3 days`, `1 hour`, `2 years`.
pub(crate) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 5] = [
        (365 * 86_400, "year"),
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
    let count = seconds / size;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// A peer's text, fit for a terminal: control characters are written out.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let (plain, escaped) = if is_harmless(c) {
                (Some(c), None)
            } else {
                (None, Some(c.escape_default()))
            };
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// Neither a control character nor one that turns the direction of what follows.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Items as `a, b and c`; of many, the first eight and how many more.
pub(crate) struct List<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let (shown, more) = match self.0.len() {
            0..=SHOWN => (self.0, 0),
            count => (&self.0[..SHOWN], count - SHOWN),
        };
        for (index, item) in shown.iter().enumerate() {
            let separator = match index {
                0 => "",
                _ if index + 1 == shown.len() && more == 0 => " and ",
                _ => ", ",
            };
            write!(f, "{separator}{item}")?;
        }
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        Ok(())
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sentences() {
        assert_eq!(List(&["a"]).to_string(), "a");
        assert_eq!(List(&["a", "b"]).to_string(), "a and b");
        assert_eq!(List(&["a", "b", "c"]).to_string(), "a, b and c");
        let ten: Vec<u8> = (0..10).collect();
        assert_eq!(List(&ten).to_string(), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }

    #[test]
    fn a_terminal_is_not_written_to_by_a_certificate() {
        assert_eq!(printable("shop\u{1b}[2J\nx"), "shop\\u{1b}[2J\\nx");
        assert_eq!(printable("Käse \u{202e}moc"), "Käse \\u{202e}moc");
    }

    #[test]
    fn spans_and_dates() {
        assert_eq!(span(Duration::from_secs(86_400)), "1 day");
        assert_eq!(span(Duration::from_secs(7_300)), "2 hours");
        assert_eq!(span(Duration::ZERO), "0 seconds");
        assert_eq!(date(UnixTime::from_secs(0)), "1970-01-01 00:00 UTC");
        assert_eq!(date(UnixTime::from_secs(u64::MAX)), "a time without end");
    }
}
