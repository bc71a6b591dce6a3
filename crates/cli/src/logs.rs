//! Logs go to standard error, so that standard output stays what the command is asked for.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::args::{LogArgs, LogFormat};

pub(crate) fn start(args: &LogArgs) {
    let filter = EnvFilter::builder()
        .with_default_directive(args.log_level.into())
        .parse_lossy(std::env::var("KEYWARD_LOG").unwrap_or_default());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match args.log_format {
        LogFormat::Human => builder
            .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
            .with_target(false)
            .init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
