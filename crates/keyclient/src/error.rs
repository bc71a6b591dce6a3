//! Why an operation has no result.

use std::error::Error;
use std::fmt;

use keyward_protocol::{ErrorCode, ErrorReply, RefusalReason};

/// Why an operation has no result. Each says who has to do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyClientError {
    /// There is no connection, and none could be made.
    Unreachable {
        /// The last attempt's failure.
        cause: String,
    },
    /// There is a connection to none of several key servers.
    NoneReachable {
        /// Each with its last trouble; none if there are none.
        servers: Vec<Trouble>,
    },
    /// The key server's policy says no, to this edge or to this operation. Its log says why.
    Refused {
        /// The class of the rule.
        reason: RefusalReason,
    },
    /// Too many operations wait: at the key server, or on this connection.
    Overloaded,
    /// The key server does not have the key.
    UnknownKey,
    /// The deadline passed, here or there.
    Expired,
    /// The key server could not read the operation.
    Malformed {
        /// What it said.
        message: String,
    },
    /// The key server is older than this edge: it does not know the operation, or the version of the protocol.
    Unsupported {
        /// What it said.
        message: String,
    },
    /// The key server failed. Its log says why.
    Internal {
        /// What it said.
        message: String,
    },
    /// The connection died before the answer, and so did those that the operation was sent again on.
    ConnectionLost {
        /// How it died.
        cause: String,
    },
    /// The handshake's messages are larger than the protocol carries.
    TooLarge {
        /// Bytes of the frame.
        length: usize,
    },
    /// The key server's answer cannot be read.
    InvalidReply {
        /// What is wrong with it.
        cause: String,
    },
}

/// A key server that cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which, as logs call it.
    pub server: String,
    /// Its last trouble, and what to do about it if that is known.
    pub cause: String,
}

impl Trouble {
    pub(crate) fn new(server: &str, cause: String) -> Self {
        Self {
            server: server.to_owned(),
            cause,
        }
    }

    pub(crate) fn of(server: &str, error: &KeyClientError) -> Self {
        let cause = match error {
            // It names the key server already.
            KeyClientError::Unreachable { cause } => cause
                .strip_prefix(server)
                .and_then(|cause| cause.strip_prefix(": "))
                .unwrap_or(cause)
                .to_owned(),
            other => other.to_string(),
        };
        Self::new(server, cause)
    }
}

impl KeyClientError {
    /// Whether another key server may do what this one did not.
    pub(crate) fn may_differ_elsewhere(&self) -> bool {
        match self {
            Self::Overloaded
            | Self::UnknownKey
            | Self::Expired
            | Self::Unsupported { .. }
            | Self::Internal { .. }
            | Self::ConnectionLost { .. }
            | Self::InvalidReply { .. } => true,
            // A no is a no, and what one cannot read the other cannot.
            Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Unreachable { .. }
            | Self::NoneReachable { .. } => false,
        }
    }

    /// Whether the key server is not well, and better left alone if that repeats itself.
    pub(crate) fn is_servers_fault(&self) -> bool {
        matches!(
            self,
            Self::Overloaded | Self::Expired | Self::Internal { .. } | Self::InvalidReply { .. }
        )
    }
}

impl From<ErrorReply> for KeyClientError {
    fn from(error: ErrorReply) -> Self {
        match error.code {
            ErrorCode::Refused => Self::Refused {
                reason: error.reason,
            },
            ErrorCode::Overloaded => Self::Overloaded,
            ErrorCode::UnknownKey => Self::UnknownKey,
            ErrorCode::Expired => Self::Expired,
            ErrorCode::Malformed => Self::Malformed {
                message: error.message,
            },
            ErrorCode::Unsupported => Self::Unsupported {
                message: error.message,
            },
            _ => Self::Internal {
                message: error.to_string(),
            },
        }
    }
}

impl fmt::Display for KeyClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { cause } => write!(f, "key server out of reach: {cause}"),
            Self::NoneReachable { servers } => {
                f.write_str("no key server in reach")?;
                for (n, trouble) in servers.iter().enumerate() {
                    f.write_str(if n == 0 { ": " } else { "; " })?;
                    write!(f, "{}: {}", trouble.server, trouble.cause)?;
                }
                f.write_str(
                    " (start one of them, or look at [key_server] in the edge's configuration with \
                     `keyward check --connect`)",
                )
            }
            Self::Refused {
                reason: RefusalReason::Edge,
            } => f.write_str(
                "key server refused this edge: no [[edge]] rule in its configuration is about it",
            ),
            Self::Refused { reason } => {
                write!(f, "key server refused: {reason}; its log has the cause")
            }
            Self::Overloaded => f.write_str("key server overloaded"),
            Self::UnknownKey => f.write_str("key server does not have the key of this certificate"),
            Self::Expired => f.write_str("key server did not answer within the deadline"),
            Self::Malformed { message } => {
                write!(
                    f,
                    "key server could not read the operation: {}",
                    message.escape_debug()
                )
            }
            Self::Unsupported { message } => {
                write!(
                    f,
                    "key server does not support it: {}; update the older side",
                    message.escape_debug()
                )
            }
            Self::Internal { message } => {
                write!(f, "key server failed: {}", message.escape_debug())
            }
            Self::ConnectionLost { cause } => {
                write!(f, "connection to the key server lost: {cause}")
            }
            Self::TooLarge { length } => write!(
                f,
                "an operation of {length} bytes is too large for the key server"
            ),
            Self::InvalidReply { cause } => {
                write!(f, "key server's answer cannot be read: {cause}")
            }
        }
    }
}

impl Error for KeyClientError {}
