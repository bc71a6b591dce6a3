//! What the configuration files of edges and key servers have in common.
//!
//! ```text
//!  read ─▶ Source ─▶ parse ─▶ the file's values, Spanned ─▶ checks ─▶ the configuration
//!                      │                                      │
//!                      └──────────────▶ Problem ◀─────────────┘   file:line:column: cause; remedy
//! ```
//!
//! [`HostName`] and [`NamePattern`] are the names in them: what an edge serves and what a key server allows must mean the same
//! handshakes.

mod admin;
mod host_name;
mod log;
mod name_pattern;
mod problem;
mod problems;
mod source;
mod suggestion;

pub use admin::{AdminConfig, AdminTable};
pub use host_name::{HostName, InvalidName};
pub use log::{LogConfig, LogFormat, LogLevel, LogTable};
pub use name_pattern::NamePattern;
pub use problem::{Position, Problem, Severity};
pub use problems::{ConfigError, Problems};
pub use serde_spanned::Spanned;
pub use source::{Source, read};
