//! Whether a KeyUpdate asks for another one.

use super::registry;

registry! {
    /// `KeyUpdateRequest` (RFC 9846 §4.7.3).
    KeyUpdateRequest(u8) {
        UPDATE_NOT_REQUESTED = 0 => "update_not_requested",
        UPDATE_REQUESTED = 1 => "update_requested",
    }
}
