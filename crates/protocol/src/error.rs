//! `error`: why a request got no result, or why the connection ends.

use std::fmt;

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};

/// The class of an error. Codes that this build does not know are kept as [`ErrorCode::Other`], so that versions can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 1: policy or the operation's own rules say no. [`ErrorReply::reason`] has the class.
    Refused,
    /// 2: too many requests are in flight or queued. Another key server may take it; waiting here would only add to it.
    Overloaded,
    /// 3: the key server has no such key.
    UnknownKey,
    /// 4: the deadline passed before the work began.
    Expired,
    /// 5: the body does not parse, or the peer broke the rules of the protocol.
    Malformed,
    /// 6: a version or an operation that the key server does not know.
    Unsupported,
    /// 7: the key server failed.
    Internal,
    /// A code of a later version.
    Other(u8),
}

impl ErrorCode {
    /// From its number on the wire.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Refused,
            2 => Self::Overloaded,
            3 => Self::UnknownKey,
            4 => Self::Expired,
            5 => Self::Malformed,
            6 => Self::Unsupported,
            7 => Self::Internal,
            other => Self::Other(other),
        }
    }

    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Overloaded => 2,
            Self::UnknownKey => 3,
            Self::Expired => 4,
            Self::Malformed => 5,
            Self::Unsupported => 6,
            Self::Internal => 7,
            Self::Other(code) => code,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Overloaded => f.write_str("overloaded"),
            Self::UnknownKey => f.write_str("unknown key"),
            Self::Expired => f.write_str("expired"),
            Self::Malformed => f.write_str("malformed"),
            Self::Unsupported => f.write_str("unsupported"),
            Self::Internal => f.write_str("internal error"),
            Self::Other(code) => write!(f, "error {code}"),
        }
    }
}

/// The class of the rule that refused. The key server's log has the cause; the edge is told no more than this, so that a stolen
/// edge cannot map the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// 0: the error is no refusal.
    None,
    /// 1: no rule names this edge.
    Edge,
    /// 2: this edge may not use this key.
    Key,
    /// 3: this edge may not ask for this operation with this key, or the key is not enabled for it.
    Operation,
    /// 4: the handshake is for a name that is not this edge's.
    Name,
    /// 5: the operation broke one of its own rules.
    Check,
    /// 6: this edge, or all edges with this key, ask more often than they may. Later the same can be allowed.
    Rate,
    /// 7: this edge may not connect from this network.
    Network,
    /// A class of a later version.
    Other(u8),
}

impl RefusalReason {
    /// From its number on the wire.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::None,
            1 => Self::Edge,
            2 => Self::Key,
            3 => Self::Operation,
            4 => Self::Name,
            5 => Self::Check,
            6 => Self::Rate,
            7 => Self::Network,
            other => Self::Other(other),
        }
    }

    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Edge => 1,
            Self::Key => 2,
            Self::Operation => 3,
            Self::Name => 4,
            Self::Check => 5,
            Self::Rate => 6,
            Self::Network => 7,
            Self::Other(code) => code,
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no reason given"),
            Self::Edge => f.write_str("no rule names this edge"),
            Self::Key => f.write_str("this edge may not use this key"),
            Self::Operation => f.write_str("this operation is not allowed with this key"),
            Self::Name => f.write_str("the handshake's server name is not among this edge's names"),
            Self::Check => f.write_str("the handshake breaks a rule of its operation"),
            Self::Rate => f.write_str("more often than this edge, or this key, may be used"),
            Self::Network => f.write_str("this edge may not connect from this network"),
            Self::Other(code) => write!(f, "reason {code}"),
        }
    }
}

/// The body of an `error` frame. With id 0 it is about the connection, and the sender closes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// What kind of failure.
    pub code: ErrorCode,
    /// Which class of rule, when the code is [`ErrorCode::Refused`].
    pub reason: RefusalReason,
    /// For people, at most 255 bytes of UTF-8; may be empty. Nothing depends on its wording.
    pub message: String,
}

impl ErrorReply {
    /// An error with a text for people, cut to the 255 bytes that fit.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut message = message.into();
        let mut end = message.len().min(255);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        Self {
            code,
            reason: RefusalReason::None,
            message,
        }
    }

    /// A refusal; its text is the class's.
    pub fn refused(reason: RefusalReason) -> Self {
        Self {
            reason,
            ..Self::new(ErrorCode::Refused, reason.to_string())
        }
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if self.code == ErrorCode::Refused {
            write!(f, ": {}", self.reason)
        } else if self.message.is_empty() {
            Ok(())
        } else {
            // The text is the peer's: control characters would let it write lines of its own into a log.
            write!(f, ": {}", self.message.escape_debug())
        }
    }
}

impl Encode for ErrorReply {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.code.code());
        out.push(self.reason.code());
        crate::frame::put_short(out, self.message.as_bytes());
    }
}

impl<'a> Decode<'a> for ErrorReply {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let code = ErrorCode::from_code(reader.u8("error code")?);
        let reason = RefusalReason::from_code(reader.u8("refusal reason")?);
        let message = reader.opaque_u8("error message", 0..=255)?;
        Ok(Self {
            reason,
            ..Self::new(code, String::from_utf8_lossy(message))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        for code in 0..=255 {
            assert_eq!(ErrorCode::from_code(code).code(), code);
            assert_eq!(RefusalReason::from_code(code).code(), code);
        }
    }

    #[test]
    fn long_message_is_cut_between_characters() {
        let error = ErrorReply::new(ErrorCode::Internal, "é".repeat(200));
        assert_eq!(error.message.len(), 254);
    }

    #[test]
    fn message_cannot_forge_a_log_line() {
        let error = ErrorReply::new(ErrorCode::Internal, "x\nINFO all is well");
        assert!(!error.to_string().contains('\n'));
    }
}
