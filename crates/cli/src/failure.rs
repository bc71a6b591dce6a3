//! How a command ends when it does not end well: messages and one exit code.

use std::fmt;
use std::process::ExitCode;

use keyward_config::{ConfigError, LogFormat, Problem};

/// Why a command failed. Each kind has its exit code; 2, wrong usage, is also what clap exits with.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    /// At least one.
    messages: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    RunTime,
    Usage,
    Configuration,
    KeyServerUnreachable,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::RunTime => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::KeyServerUnreachable => 4,
        }
    }

    const fn from_code(code: i32) -> Self {
        match code {
            2 => Self::Usage,
            3 => Self::Configuration,
            4 => Self::KeyServerUnreachable,
            _ => Self::RunTime,
        }
    }
}

impl Failure {
    pub(crate) fn run_time(message: impl fmt::Display) -> Self {
        Self::new(Kind::RunTime, message)
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn configuration(message: impl fmt::Display) -> Self {
        Self::new(Kind::Configuration, message)
    }

    /// Several things are wrong with a configuration.
    pub(crate) fn configurations(messages: Vec<String>) -> Self {
        Self {
            kind: Kind::Configuration,
            messages,
        }
    }

    pub(crate) fn key_server(message: impl fmt::Display) -> Self {
        Self::new(Kind::KeyServerUnreachable, message)
    }

    /// A process of ours exited with this code; the one that started it exits with the same.
    pub(crate) fn of_exit_code(code: i32, message: impl fmt::Display) -> Self {
        Self::new(Kind::from_code(code), message)
    }

    fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            messages: vec![message.to_string()],
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.code())
    }

    /// To standard error, in the format of the logs.
    pub(crate) fn report(&self, format: LogFormat) {
        for message in &self.messages {
            match format {
                LogFormat::Human => eprintln!("keyward: {message}"),
                LogFormat::Json => {
                    tracing::error!(exit_code = self.kind.code(), "{message}");
                }
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.messages.join("\n"))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::configurations(error.problems.iter().map(ToString::to_string).collect())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::configuration(problem)
    }
}

impl From<keyward_pki::PkiError> for Failure {
    fn from(error: keyward_pki::PkiError) -> Self {
        use keyward_pki::PkiError;
        match error {
            PkiError::InvalidName(_) | PkiError::NoNames => Self::usage(error),
            _ => Self::run_time(error),
        }
    }
}
