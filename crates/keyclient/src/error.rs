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
    /// The connection died before the answer, and so did the one that the operation was sent again on.
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
