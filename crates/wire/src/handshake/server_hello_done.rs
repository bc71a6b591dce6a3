//! ServerHelloDone (RFC 5246 §7.4.5).

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::values::HandshakeType;

/// A TLS 1.2 server has said what it has to say (RFC 5246 §7.4.5). Empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerHelloDone;

impl Message for ServerHelloDone {
    const TYPE: HandshakeType = HandshakeType::SERVER_HELLO_DONE;
}

impl Encode for ServerHelloDone {
    fn encode(&self, _: &mut Vec<u8>) {}
}

impl Decode<'_> for ServerHelloDone {
    const NAME: &'static str = "ServerHelloDone";

    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}
