//! KeyUpdate (RFC 9846 §4.7.3).

use super::Message;
use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::values::{HandshakeType, KeyUpdateRequest};

/// The sender's next record has new keys (RFC 9846 §4.7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUpdate {
    /// Whether the receiver shall do the same; one of the two constants.
    pub request_update: KeyUpdateRequest,
}

impl Message for KeyUpdate {
    const TYPE: HandshakeType = HandshakeType::KEY_UPDATE;
}

impl Encode for KeyUpdate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.request_update.encode(out);
    }
}

impl<'a> Decode<'a> for KeyUpdate {
    const NAME: &'static str = "KeyUpdate";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        const WHAT: &str = "KeyUpdate.request_update";
        let error = reader.error(WHAT, DecodeErrorKind::IllegalValue);
        let request_update = KeyUpdateRequest(reader.u8(WHAT)?);
        // RFC 9846 §4.7.3: "If an implementation receives any other value, it MUST terminate the connection with an
        // "illegal_parameter" alert."
        if request_update.name().is_none() {
            return Err(error);
        }
        Ok(Self { request_update })
    }
}
