//! Why a run did not go as the test wants.

use std::fmt;
use std::io;

use keyward_tls::{Error, Misuse};

#[derive(Debug)]
pub(crate) enum Failure {
    /// The test wants what the engine or the shim does not have.
    Unimplemented(String),
    /// The engine's error. Its `Debug` form is what the configuration's `ErrorMap` refers to.
    Tls(Error),
    /// The shim holds the engine in the wrong way.
    Misuse(Misuse),
    Io(io::Error),
    /// A flag that expects something, or the engine's contract, was not met.
    Unmet(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unimplemented(what) => write!(f, "not implemented: {what}"),
            Self::Tls(error) => write!(f, "{error:?}: {error}"),
            Self::Misuse(misuse) => write!(f, "{misuse:?}: {misuse}"),
            Self::Io(error) => write!(f, "socket: {error}"),
            Self::Unmet(what) => f.write_str(what),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

pub(crate) fn unimplemented(what: impl Into<String>) -> Failure {
    Failure::Unimplemented(what.into())
}

pub(crate) fn unmet(what: impl Into<String>) -> Failure {
    Failure::Unmet(what.into())
}
