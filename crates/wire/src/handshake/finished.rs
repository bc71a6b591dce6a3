//! Finished (RFC 9846 §4.5.3, RFC 5246 §7.4.9).

use super::Message;
use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
use crate::values::HandshakeType;

/// The end of a side's handshake: a MAC over all of it (RFC 9846 §4.5.3, RFC 5246 §7.4.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// TLS 1.3: as long as the suite's hash. TLS 1.2: 12 bytes. Decodes with 12 to 64; the exact length is known to the
    /// engine.
    pub verify_data: Vec<u8>,
}

impl Message for Finished {
    const TYPE: HandshakeType = HandshakeType::FINISHED;
}

impl Encode for Finished {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(&self.verify_data);
    }
}

impl<'a> Decode<'a> for Finished {
    const NAME: &'static str = "Finished";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if !(12..=64).contains(&reader.remaining()) {
            return Err(reader.error("Finished.verify_data", DecodeErrorKind::IllegalLength));
        }
        Ok(Self {
            verify_data: reader.take_rest().to_vec(),
        })
    }
}
