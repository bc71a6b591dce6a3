//! What can go wrong with certificates and their files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::KeyAlgorithm;

/// Why a certificate or key could not be made, read or written.
#[derive(Debug)]
pub enum PkiError {
    /// A file could not be read or written.
    File {
        /// What was tried: `read`, `write`, …
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The file is there already, and is never overwritten.
    Exists(PathBuf),
    /// A name is neither an IP address nor a DNS name that fits a certificate.
    InvalidName(String),
    /// A certificate without a name would be of no use.
    NoNames,
    /// A CA's certificate or key file has something else in it.
    InvalidAuthority(String),
    /// The system's random generator or AWS-LC refused.
    KeyGeneration(KeyAlgorithm),
    /// The certificate library refused.
    Certificate(rcgen::Error),
}

impl PkiError {
    pub(crate) fn file(action: &'static str, path: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path.to_owned()),
            _ => Self::File {
                action,
                path: path.to_owned(),
                cause,
            },
        }
    }
}

impl fmt::Display for PkiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                action,
                path,
                cause,
            } => write!(f, "cannot {action} {}: {cause}", path.display()),
            Self::Exists(path) => write!(
                f,
                "{} exists already and is not overwritten; move it away or choose another place",
                path.display()
            ),
            Self::InvalidName(name) => {
                write!(f, "`{name}` is neither a DNS name nor an IP address")
            }
            Self::NoNames => f.write_str("a certificate needs at least one name"),
            Self::InvalidAuthority(why) => write!(f, "no usable CA: {why}"),
            Self::KeyGeneration(algorithm) => write!(f, "cannot generate a {algorithm} key"),
            Self::Certificate(cause) => write!(f, "cannot make the certificate: {cause}"),
        }
    }
}

impl std::error::Error for PkiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { cause, .. } => Some(cause),
            Self::Certificate(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<rcgen::Error> for PkiError {
    fn from(cause: rcgen::Error) -> Self {
        Self::Certificate(cause)
    }
}
