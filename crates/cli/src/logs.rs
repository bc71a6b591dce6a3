//! Logs go to standard error, so that standard output stays what the command is asked for.

mod human;

use std::io::{self, IsTerminal};

use keyward_config::{LogConfig, LogFormat, LogLevel};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::args::LogArgs;
use human::Human;

/// Begins to log, and returns the format: what the command line says, else what the configuration does.
pub(crate) fn start(args: &LogArgs, config: LogConfig) -> LogFormat {
    let format = args.format().or(config.format).unwrap_or_default();
    let level = args.log_level.or_else(|| config.level.map(filter));
    let filter = EnvFilter::builder()
        .with_default_directive(level.unwrap_or(LevelFilter::INFO).into())
        .parse_lossy(std::env::var("KEYWARD_LOG").unwrap_or_default());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Human => {
            let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.event_format(Human { colours }).init();
        }
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init(),
    }
    format
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
