//! `going_away`: the sender will close the connection.

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};

/// The key server stops. It still answers what it has; the edge sends nothing new here and opens a connection elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoingAway {
    /// Milliseconds after which the sender closes the connection in any case.
    pub grace_ms: u32,
}

impl Encode for GoingAway {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.grace_ms.to_be_bytes());
    }
}

impl<'a> Decode<'a> for GoingAway {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            grace_ms: reader.u32("going_away grace_ms")?,
        })
    }
}
