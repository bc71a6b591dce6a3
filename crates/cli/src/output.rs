//! Standard output. A reader that went away (`keyward demo | head`) is an error, not a panic.

use std::io::{self, IsTerminal, Write};

use keyward_observe::Glyphs;

use crate::failure::Failure;

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|cause| Failure::run_time(format!("cannot write to standard output: {cause}")))
}

pub(crate) fn line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// Box-drawing characters on a terminal that says it has them, ASCII everywhere else.
pub(crate) fn glyphs() -> Glyphs {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    match utf8 && io::stdout().is_terminal() {
        true => Glyphs::Unicode,
        false => Glyphs::Ascii,
    }
}
