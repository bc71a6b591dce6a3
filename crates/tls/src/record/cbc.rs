//! Records protected with AES-CBC and HMAC: RFC 5246 §6.2.3.2, RFC 7366. TLS 1.2 alone.
//!
//! Each record has an IV of its own, drawn when it is sealed: what BEAST needs, an IV that is known before
//! the plaintext is chosen, is not there, and so records need not be split (1/n-1) as TLS 1.0's had to be.

use std::ops::Range;
use std::sync::Arc;

use keyward_crypto::cbc::{self, CbcAlgorithm, CbcKey, Direction, IV_LEN, MacOrder};
use keyward_crypto::random::SecureRandom;
use keyward_wire::record::{HEADER_LEN, RecordHeader};
use keyward_wire::values::{ContentType, ProtocolVersion};

use crate::error::Error;

/// One direction's keys. The caller counts the records.
pub(crate) struct CbcRecords {
    key: CbcKey,
    algorithm: CbcAlgorithm,
    order: MacOrder,
    random: Arc<dyn SecureRandom>,
}

/// Bytes that a record has at most beyond its plaintext, header included: an IV, a block of padding and
/// the longest MAC.
pub(super) const OVERHEAD: usize = HEADER_LEN + IV_LEN + IV_LEN + MAX_MAC_LEN;

const MAX_MAC_LEN: usize = 48;

impl CbcRecords {
    /// `keys` is the MAC key and the encryption key.
    pub(crate) fn new(
        algorithm: CbcAlgorithm,
        encrypt_then_mac: bool,
        direction: Direction,
        keys: (&[u8], &[u8]),
        random: &Arc<dyn SecureRandom>,
    ) -> Result<Self, Error> {
        let order = if encrypt_then_mac {
            MacOrder::EncryptThenMac
        } else {
            MacOrder::MacThenEncrypt
        };
        let (mac_key, key) = keys;
        Ok(Self {
            key: CbcKey::new(algorithm, order, direction, mac_key, key)
                .map_err(|_| Error::Internal("CBC keys"))?,
            algorithm,
            order,
            random: random.clone(),
        })
    }

    /// Appends a record.
    ///
    /// RFC 5246 §6.2.3.2: "The Initialization Vector (IV) SHOULD be chosen at random, and MUST be
    /// unpredictable."
    pub(super) fn seal(
        &mut self,
        sequence: u64,
        content_type: ContentType,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let mut iv = [0; IV_LEN];
        self.random
            .fill(&mut iv)
            .map_err(|_| Error::Internal("random generation"))?;
        let length = self.algorithm.body_len(self.order, plaintext.len());
        let header = RecordHeader {
            content_type,
            legacy_version: ProtocolVersion::TLS12,
            length: u16::try_from(length).map_err(|_| Error::Internal("record length"))?,
        }
        .to_array();
        let begin = out.len();
        out.extend_from_slice(&header);
        let covered = covered(sequence, header);
        if self.key.seal(&covered, &iv, plaintext, out).is_err() {
            // A header without its record must not be sent.
            out.truncate(begin);
            return Err(Error::Internal("CBC encryption"));
        }
        Ok(())
    }

    /// Opens a record where it lies: its content type, and where in `body` its content is. There is one
    /// error for length, padding and MAC.
    ///
    /// RFC 5246 §6.2.3.2: "implementations MUST ensure that record processing time is essentially the same
    /// whether or not the padding is correct."
    pub(super) fn open(
        &mut self,
        sequence: u64,
        header: [u8; HEADER_LEN],
        body: &mut [u8],
    ) -> Result<(ContentType, Range<usize>), Error> {
        let content = self
            .key
            .open(&covered(sequence, header), body)
            .map_err(|_| Error::DecryptError)?;
        Ok((RecordHeader::from_array(header).content_type, content))
    }
}

/// What the MAC covers in front of the length: RFC 5246 §6.2.3.1: "MAC(MAC_write_key, seq_num +
/// TLSCompressed.type + TLSCompressed.version + TLSCompressed.length + TLSCompressed.fragment)".
fn covered(sequence: u64, header: [u8; HEADER_LEN]) -> [u8; cbc::HEADER_LEN] {
    let mut covered = [0; cbc::HEADER_LEN];
    covered[..8].copy_from_slice(&sequence.to_be_bytes());
    covered[8..].copy_from_slice(&header[..3]);
    covered
}
