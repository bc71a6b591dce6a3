//! EndOfEarlyData (RFC 9846 §4.6).

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::values::HandshakeType;

/// The client's early data ends here (RFC 9846 §4.6). Empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndOfEarlyData;

impl Message for EndOfEarlyData {
    const TYPE: HandshakeType = HandshakeType::END_OF_EARLY_DATA;
}

impl Encode for EndOfEarlyData {
    fn encode(&self, _: &mut Vec<u8>) {}
}

impl Decode<'_> for EndOfEarlyData {
    const NAME: &'static str = "EndOfEarlyData";

    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}
