//! `psk_key_exchange_modes` (RFC 9846 §4.3.9).

use crate::codec::{DecodeError, Encode, Put, Reader};
use crate::values::PskKeyExchangeMode;

/// `PskKeyExchangeMode ke_modes<1..255>`.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<PskKeyExchangeMode>, DecodeError> {
    reader
        .vector_u8("psk_key_exchange_modes.ke_modes", 1..=0xff)?
        .all()
}

pub(super) fn encode(modes: &[PskKeyExchangeMode], out: &mut Vec<u8>) {
    out.put_vector_u8(|out| {
        for mode in modes {
            mode.encode(out);
        }
    });
}
