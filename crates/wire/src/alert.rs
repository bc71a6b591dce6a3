//! Alerts (RFC 9846 §6; RFC 5246 §7.2). Which alert answers bytes that do not decode: [`DecodeError::alert`].

use std::fmt;

use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::values::{AlertDescription, AlertLevel};

/// An alert: two bytes (RFC 9846 §6, RFC 5246 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert {
    /// `warning` or `fatal`. TLS 1.3 goes by the description alone.
    pub level: AlertLevel,
    /// What happened.
    pub description: AlertDescription,
}

impl Alert {
    /// A fatal alert.
    pub const fn fatal(description: AlertDescription) -> Self {
        Self {
            level: AlertLevel::FATAL,
            description,
        }
    }

    /// A warning: `close_notify`, `user_canceled` and, in TLS 1.2, `no_renegotiation` and few others.
    pub const fn warning(description: AlertDescription) -> Self {
        Self {
            level: AlertLevel::WARNING,
            description,
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.level, self.description)
    }
}

impl Encode for Alert {
    fn encode(&self, out: &mut Vec<u8>) {
        self.level.encode(out);
        self.description.encode(out);
    }
}

impl<'a> Decode<'a> for Alert {
    const NAME: &'static str = "Alert";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            level: AlertLevel::decode(reader)?,
            description: AlertDescription::decode(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::DecodeErrorKind;

    #[test]
    fn two_bytes_and_no_more() {
        let alert = Alert::from_bytes(&[2, 40]).unwrap();
        assert_eq!(alert, Alert::fatal(AlertDescription::HANDSHAKE_FAILURE));
        assert_eq!(alert.to_bytes(), [2, 40]);
        assert_eq!(alert.to_string(), "fatal handshake_failure");
        assert_eq!(
            Alert::warning(AlertDescription::CLOSE_NOTIFY).to_bytes(),
            [1, 0]
        );
        assert_eq!(
            Alert::from_bytes(&[2]).unwrap_err().kind,
            DecodeErrorKind::Truncated
        );
        // RFC 9846 §5.1: "a record with an Alert type MUST contain exactly one message".
        assert_eq!(
            Alert::from_bytes(&[2, 40, 2]).unwrap_err().kind,
            DecodeErrorKind::Trailing
        );
    }
}
