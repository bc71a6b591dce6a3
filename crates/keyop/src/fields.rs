//! The variable-length fields of operations on the wire.

use keyward_wire::codec::{DecodeError, Put, Reader};

use crate::operation::MAX_MESSAGES_LEN;

/// The most bytes of key exchange parameters: those of the largest ffdhe group fit.
const MAX_PARAMS_LEN: usize = 4096;

/// Makes room for a whole operation. Called before the nonce is written: a vector that grows moves,
/// and leaves what was in it behind.
pub(crate) fn reserve(messages: &[u8], params: &[u8], out: &mut Vec<u8>) {
    const KEY_SCHEME_NONCE_AND_LENGTHS: usize = 32 + 2 + 32 + 3 + 2;
    out.reserve(KEY_SCHEME_NONCE_AND_LENGTHS + messages.len() + params.len());
}

pub(crate) fn encode_messages(messages: &[u8], out: &mut Vec<u8>) {
    out.put_opaque_u24(messages);
}

pub(crate) fn decode_messages(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    reader
        .opaque_u24("handshake messages", 0..=MAX_MESSAGES_LEN)
        .map(<[u8]>::to_vec)
}

pub(crate) fn encode_params(params: &[u8], out: &mut Vec<u8>) {
    out.put_opaque_u16(params);
}

pub(crate) fn decode_params(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    reader
        .opaque_u16("key exchange parameters", 0..=MAX_PARAMS_LEN)
        .map(<[u8]>::to_vec)
}
