//! Standard output. A reader that went away (`keyward demo | head`) is an error, not a panic.

use std::io::{self, Write};

use crate::failure::Failure;

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|cause| Failure::run_time(format!("cannot write to standard output: {cause}")))
}

pub(crate) fn line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}
