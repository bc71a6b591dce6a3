//! Log lines for people: `TIME LEVEL message key=value`, one line an event, whatever peers put into what is logged.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The format; with `colours` for a terminal.
pub(super) struct Human {
    pub(super) colours: bool,
}

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (dim, reset) = if self.colours {
            ("\x1b[2m", "\x1b[0m")
        } else {
            ("", "")
        };
        writer.write_str(dim)?;
        SystemTime.format_time(&mut writer)?;
        writer.write_str(reset)?;
        let level = event.metadata().level();
        let colour = match (*level, self.colours) {
            (_, false) => "",
            (Level::ERROR, true) => "\x1b[31m",
            (Level::WARN, true) => "\x1b[33m",
            (Level::INFO, true) => "\x1b[32m",
            (_, true) => "\x1b[34m",
        };
        write!(writer, " {colour}{level:>5}{reset}")?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        if !fields.message.is_empty() {
            write!(writer, " {}", fields.message)?;
        }
        for (name, value) in &fields.others {
            write!(writer, " {dim}{name}={reset}{value}")?;
        }
        writeln!(writer)
    }
}

/// What an event says, as it can be shown.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut shown = Shown(String::new());
        // Writing to a String does not fail; a value that fails to show itself is shown as far as it came.
        let _ = write!(shown, "{value:?}");
        match field.name() {
            "message" => self.message = shown.0,
            // Of events that come through the `log` facade.
            name if name.starts_with("log.") => {}
            name => self.others.push((name, shown.0)),
        }
    }
}

/// A text without characters that begin another line, or tell a terminal something.
struct Shown(String);

impl Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match keyward_observe::is_visible(character) {
                true => self.0.push(character),
                false => self.0.extend(character.escape_unicode()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::{info, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(colours: bool, log: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .event_format(Human { colours })
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_has_time_level_message_and_fields() {
        let line = logged(false, || {
            info!(sni = "a.example", count = 3, "a handshake is complete");
        });
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
        assert_eq!(
            rest,
            " INFO a handshake is complete sni=\"a.example\" count=3\n"
        );
    }

    #[test]
    fn whatever_a_peer_sends_stays_within_its_line() {
        let wicked = "x\n2026-01-01T00:00:00Z ERROR forged \u{1b}[2J\u{202e}\r\u{9b}31m";
        let line = logged(false, || {
            warn!(displayed = %wicked, debugged = ?wicked, plain = wicked, "said {wicked}");
        });
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.ends_with('\n'));
        for character in ['\u{1b}', '\u{202e}', '\r', '\u{9b}'] {
            assert!(!line.contains(character), "{line}");
        }
        assert!(line.contains("said x\\u{a}2026-"), "{line}");
        assert!(line.contains("displayed=x\\u{a}2026-"), "{line}");
    }

    #[test]
    fn colours_are_for_terminals() {
        let line = logged(true, || info!("hello"));
        assert!(line.contains("\x1b[32m INFO\x1b[0m hello"), "{line:?}");
    }
}
