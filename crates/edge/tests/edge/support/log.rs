//! The log of all tests of this process, one after the other's lines.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<String> = Mutex::new(String::new());
static START: Once = Once::new();

/// The lines since a test began. Tests run beside each other, so look for lines of one's own: with
/// one's own peer address or server name.
pub(crate) struct Log {
    from: usize,
}

impl Log {
    pub(crate) fn start() -> Self {
        START.call_once(|| {
            tracing_subscriber::fmt()
                .with_env_filter("keyward=debug,info")
                .with_ansi(false)
                .with_writer(Writer)
                .init();
        });
        Self { from: text().len() }
    }

    /// The first line that has all the parts; waits for it.
    pub(crate) async fn line(&self, parts: &[&str]) -> String {
        let mut found = None;
        super::until(&format!("a log line with {parts:?}"), || {
            found = self.find(parts);
            found.is_some()
        })
        .await;
        found.expect("found")
    }

    pub(crate) fn find(&self, parts: &[&str]) -> Option<String> {
        text()[self.from..]
            .lines()
            .find(|line| parts.iter().all(|part| line.contains(part)))
            .map(str::to_owned)
    }
}

fn text() -> std::sync::MutexGuard<'static, String> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        text().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
