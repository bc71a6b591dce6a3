//! The variable-length fields of operations on the wire.

use keyward_wire::codec::{DecodeError, DecodeErrorKind, Put, Reader};

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

pub(crate) fn encode_certificate(certificate: &[u8], out: &mut Vec<u8>) {
    out.put_opaque_u24(certificate);
}

pub(crate) fn decode_certificate(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    reader
        .opaque_u24("certificate", 1..=MAX_MESSAGES_LEN)
        .map(<[u8]>::to_vec)
}

/// The longest SubjectPublicKeyInfo: RSA of 8192 bits and ML-DSA-87 fit.
const MAX_PUBLIC_KEY_LEN: usize = 4096;

pub(crate) fn encode_public_key(spki: &[u8], out: &mut Vec<u8>) {
    out.put_opaque_u16(spki);
}

pub(crate) fn decode_public_key(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    reader
        .opaque_u16("public key", 1..=MAX_PUBLIC_KEY_LEN)
        .map(<[u8]>::to_vec)
}

/// The most bytes of names: a hundred of the longest.
const MAX_NAMES_LEN: usize = 25_600;

pub(crate) fn encode_names(names: &[String], out: &mut Vec<u8>) {
    out.put_vector_u16(|out| {
        for name in names {
            out.put_opaque_u8(name.as_bytes());
        }
    });
}

pub(crate) fn decode_names(reader: &mut Reader<'_>) -> Result<Vec<String>, DecodeError> {
    let mut list = reader.vector_u16("names", 0..=MAX_NAMES_LEN)?;
    let mut names = Vec::new();
    while !list.is_empty() {
        let error = list.error("name", DecodeErrorKind::IllegalValue);
        let name = list.opaque_u8("name", 1..=0xff)?;
        names.push(String::from_utf8(name.to_vec()).map_err(|_| error)?);
    }
    Ok(names)
}
