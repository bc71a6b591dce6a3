//! Extensions that say everything by being there: `extended_master_secret` (RFC 7627 §5.1), `encrypt_then_mac` (RFC 7366
//! §2), `early_data` (RFC 9846 §4.3.10), `post_handshake_auth` (RFC 9846 §4.3.6), and those with which a server only
//! acknowledges: `server_name` (RFC 6066 §3), `status_request` (RFC 6066 §8), `session_ticket` (RFC 5077 §3.2).

use crate::codec::{DecodeError, Reader};

/// Present. That there is no data is checked for every extension alike, by the block.
pub(super) fn decode(_: &mut Reader<'_>) -> Result<bool, DecodeError> {
    Ok(true)
}

pub(super) fn encode(_: &(), _: &mut Vec<u8>) {}
