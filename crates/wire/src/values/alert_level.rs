//! How severe an alert says it is.

use super::registry;

registry! {
    /// `AlertLevel` (RFC 9846 §6, RFC 5246 §7.2).
    AlertLevel(u8) {
        WARNING = 1 => "warning",
        FATAL = 2 => "fatal",
    }
}
