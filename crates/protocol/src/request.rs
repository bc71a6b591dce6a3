//! `request` and `reply`: one private-key operation and its result.

use keyward_keyop::{Operation, OperationResult};
use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};

/// What the edge asks for.
#[derive(Debug)]
pub struct Request {
    /// Milliseconds from its arrival within which the work must have begun. The clocks of the two machines need not agree.
    pub deadline_ms: u32,
    /// The typed operation, with the handshake it is part of.
    pub operation: Operation,
}

/// What the key server answers.
#[derive(Debug)]
pub struct Reply {
    /// Microseconds between the request's arrival and the start of the work.
    pub queue_us: u32,
    /// Microseconds of the check and the private-key operation.
    pub work_us: u32,
    /// The signature or the master secret.
    pub result: OperationResult,
}

impl Reply {
    /// At least the bytes that it encodes to.
    pub(crate) fn capacity(&self) -> usize {
        let result = match &self.result {
            OperationResult::Signature(signature) => signature.len(),
            OperationResult::MasterSecret(_) => 48,
        };
        16 + result
    }
}

impl Encode for Reply {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.queue_us.to_be_bytes());
        out.extend(self.work_us.to_be_bytes());
        self.result.encode(out);
    }
}

impl<'a> Decode<'a> for Reply {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            queue_us: reader.u32("reply queue_us")?,
            work_us: reader.u32("reply work_us")?,
            result: OperationResult::decode(reader)?,
        })
    }
}
