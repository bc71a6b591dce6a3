//! Points in time.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::page::{Cell, Tone};
use crate::text::span;

/// Certificates that end so soon are somebody's business.
const SOON: u64 = 14 * 86_400;

/// Seconds since 1970 as a date: `2026-11-24 17:30 UTC`.
pub fn date(unix: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    OffsetDateTime::from_unix_timestamp(unix)
        .ok()
        .and_then(|time| time.format(&format).ok())
        .unwrap_or_else(|| "at no time that there is".to_owned())
}

/// When something ends, and how far that is from `now`.
pub fn expiry(not_after: i64, now: i64) -> Cell {
    let date = date(not_after);
    match u64::try_from(not_after.saturating_sub(now)) {
        Ok(left) if left > SOON => Cell::from(format!("{date} (in {})", span(left))),
        Ok(left) => Cell::from(format!("{date} (in {})", span(left))).tone(Tone::Warning),
        Err(_) => {
            let ago = now.saturating_sub(not_after).unsigned_abs();
            Cell::from(format!("{date} ({} ago)", span(ago))).tone(Tone::Bad)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_soon_or_has_ended_shows() {
        let now = 1_795_000_000;
        assert_eq!(date(now), "2026-11-18 11:06 UTC");
        let long = Cell::from("2027-02-26 11:06 UTC (in 100 d)");
        assert_eq!(expiry(now + 100 * 86_400, now), long);
        let soon = Cell::from("2026-11-19 12:06 UTC (in 1 d 1 h)").tone(Tone::Warning);
        assert_eq!(expiry(now + 90_000, now), soon);
        let over = Cell::from("2026-11-18 11:05 UTC (1 min 0 s ago)").tone(Tone::Bad);
        assert_eq!(expiry(now - 60, now), over);
        assert_eq!(date(i64::MAX), "at no time that there is");
    }
}
