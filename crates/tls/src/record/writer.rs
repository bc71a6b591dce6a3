use keyward_wire::record::{HEADER_LEN, MAX_PLAINTEXT_LEN, RecordHeader};
use keyward_wire::values::{ContentType, ProtocolVersion};

use super::{Output, Protection};
use crate::error::Error;

/// Writes records to the output.
pub(crate) struct RecordWriter {
    protection: Option<Protection>,
    max_fragment: usize,
}

impl RecordWriter {
    pub(crate) fn new() -> Self {
        Self {
            protection: None,
            max_fragment: MAX_PLAINTEXT_LEN,
        }
    }

    pub(crate) fn set_protection(&mut self, protection: Protection) {
        self.protection = Some(protection);
    }

    /// Goes back to records without protection: early data is refused by a HelloRetryRequest.
    pub(crate) fn clear_protection(&mut self) {
        self.protection = None;
    }

    /// The most plaintext bytes in a protected record (RFC 8449 §4; it does not hold for records
    /// without protection).
    pub(crate) fn limit_fragment(&mut self, max_fragment: usize) {
        self.max_fragment = self.max_fragment.min(max_fragment);
    }

    pub(crate) fn max_fragment(&self) -> usize {
        match self.protection {
            Some(_) => self.max_fragment,
            None => MAX_PLAINTEXT_LEN,
        }
    }

    /// Whether the key has protected as many records as it should.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.protection
            .as_ref()
            .is_some_and(Protection::is_exhausted)
    }

    /// Writes `content` as one record or, if it is long, several.
    pub(crate) fn write(
        &mut self,
        content_type: ContentType,
        content: &[u8],
        output: &mut Output,
    ) -> Result<(), Error> {
        for fragment in content.chunks(self.max_fragment()) {
            let tail = output.tail(fragment.len() + Protection::OVERHEAD);
            match &mut self.protection {
                Some(protection) => protection.seal(content_type, fragment, tail)?,
                None => {
                    let length = u16::try_from(fragment.len())
                        .map_err(|_| Error::Internal("record length"))?;
                    let header = RecordHeader {
                        content_type,
                        legacy_version: ProtocolVersion::TLS12,
                        length,
                    };
                    tail.reserve(HEADER_LEN + fragment.len());
                    tail.extend_from_slice(&header.to_array());
                    tail.extend_from_slice(fragment);
                }
            }
        }
        Ok(())
    }
}
