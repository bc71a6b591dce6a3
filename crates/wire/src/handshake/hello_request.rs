//! HelloRequest (RFC 5246 §7.4.1.1).

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::values::HandshakeType;

/// A TLS 1.2 server asks for a renegotiation (RFC 5246 §7.4.1.1). Empty, and not part of any transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HelloRequest;

impl Message for HelloRequest {
    const TYPE: HandshakeType = HandshakeType::HELLO_REQUEST;
}

impl Encode for HelloRequest {
    fn encode(&self, _: &mut Vec<u8>) {}
}

impl Decode<'_> for HelloRequest {
    const NAME: &'static str = "HelloRequest";

    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}
