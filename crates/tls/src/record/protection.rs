//! The protection of records in one direction: a key, AEAD or CBC, and how often it has been used.

use std::ops::Range;

use keyward_crypto::aead::{AeadAlgorithm, NONCE_LEN};
use keyward_wire::record::{HEADER_LEN, MAX_CIPHERTEXT_LEN_TLS12, MAX_PLAINTEXT_LEN};
use keyward_wire::values::ContentType;

use super::aead::{self, AeadRecords};
use super::cbc::{self, CbcRecords};
use crate::error::{Error, InvalidMessage};

/// One direction's key, and how many records it has protected.
pub(crate) struct Protection {
    cipher: Cipher,
    sequence: u64,
    limit: u64,
}

enum Cipher {
    Aead(AeadRecords),
    /// On the heap: it is large, and few connections have it.
    Cbc(Box<CbcRecords>),
}

impl Protection {
    pub(crate) fn tls13(
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8; NONCE_LEN],
    ) -> Result<Self, Error> {
        let records = AeadRecords::tls13(algorithm, key, iv)?;
        let limit = confidentiality_limit(algorithm);
        Ok(Self::new(Cipher::Aead(records), limit))
    }

    /// `iv` has [`tls12_fixed_iv_len`](Self::tls12_fixed_iv_len) bytes.
    pub(crate) fn tls12(algorithm: AeadAlgorithm, key: &[u8], iv: &[u8]) -> Result<Self, Error> {
        let records = AeadRecords::tls12(algorithm, key, iv)?;
        let limit = confidentiality_limit(algorithm);
        Ok(Self::new(Cipher::Aead(records), limit))
    }

    pub(crate) fn cbc(records: CbcRecords) -> Self {
        Self::new(Cipher::Cbc(Box::new(records)), AES_RECORDS)
    }

    fn new(cipher: Cipher, limit: u64) -> Self {
        Self {
            cipher,
            sequence: 0,
            limit,
        }
    }

    /// Bytes of `client_write_IV` and `server_write_IV` in the TLS 1.2 key block.
    pub(crate) const fn tls12_fixed_iv_len(algorithm: AeadAlgorithm) -> usize {
        aead::tls12_fixed_iv_len(algorithm)
    }

    /// Lowers the number of records that the key is used for.
    pub(crate) fn limit_records(&mut self, limit: Option<u64>) {
        self.limit = limit.map_or(self.limit, |limit| self.limit.min(limit));
    }

    /// Whether the key has protected as many records as it should.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.sequence >= self.limit
    }

    pub(crate) fn is_tls13(&self) -> bool {
        match &self.cipher {
            Cipher::Aead(records) => records.is_tls13(),
            Cipher::Cbc(_) => false,
        }
    }

    /// The longest body that a protected record may have.
    pub(crate) fn max_ciphertext_len(&self) -> usize {
        match &self.cipher {
            Cipher::Aead(records) => records.max_ciphertext_len(),
            Cipher::Cbc(_) => MAX_CIPHERTEXT_LEN_TLS12,
        }
    }

    /// Bytes that a record has at most beyond its plaintext, header included.
    pub(crate) const OVERHEAD: usize = if aead::OVERHEAD > cbc::OVERHEAD {
        aead::OVERHEAD
    } else {
        cbc::OVERHEAD
    };

    /// Appends a record.
    pub(crate) fn seal(
        &mut self,
        content_type: ContentType,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match &mut self.cipher {
            Cipher::Aead(records) => records.seal(self.sequence, content_type, plaintext, out)?,
            Cipher::Cbc(records) => records.seal(self.sequence, content_type, plaintext, out)?,
        }
        self.count()
    }

    /// Opens a record where it lies: its content type, and where in `body` its content is.
    pub(crate) fn open(
        &mut self,
        header: [u8; HEADER_LEN],
        body: &mut [u8],
    ) -> Result<(ContentType, Range<usize>), Error> {
        let (content_type, content) = match &mut self.cipher {
            Cipher::Aead(records) => records.open(self.sequence, header, body)?,
            Cipher::Cbc(records) => records.open(self.sequence, header, body)?,
        };
        // RFC 9846 §5.1: the content "MUST NOT exceed 2^14 bytes"; RFC 5246 §6.2.1 says the same.
        if content.len() > MAX_PLAINTEXT_LEN {
            return Err(InvalidMessage::PlaintextTooLarge.into());
        }
        self.count()?;
        Ok((content_type, content))
    }

    /// Opens a record with application data, and appends the data to `out`: how many bytes. Any other record, one without
    /// data and one that does not decrypt are for [`open`](Self::open): here nothing becomes of them, and nothing is
    /// counted.
    pub(crate) fn open_data(
        &mut self,
        header: [u8; HEADER_LEN],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let Cipher::Aead(records) = &self.cipher else {
            return None;
        };
        let begin = out.len();
        let opened = records.open_append(self.sequence, header, body, out);
        match opened {
            Ok((ContentType::APPLICATION_DATA, length @ 1..=MAX_PLAINTEXT_LEN))
                if self.count().is_ok() =>
            {
                out.truncate(begin + length);
                Some(length)
            }
            _ => {
                out.truncate(begin);
                None
            }
        }
    }

    /// How long the content of a body of this length is, in TLS 1.3 with its type and the padding. What CBC pads is not known
    /// before it is decrypted.
    pub(crate) fn content_len(&self, body: usize) -> Option<usize> {
        match &self.cipher {
            Cipher::Aead(records) => Some(records.content_len(body)),
            Cipher::Cbc(_) => None,
        }
    }

    /// RFC 9846 §5.3: "If a TLS implementation would need to wrap a sequence number, it MUST either
    /// rekey ... or terminate the connection."
    fn count(&mut self) -> Result<(), Error> {
        self.sequence = self.sequence.checked_add(1).ok_or(Error::KeyExhausted)?;
        Ok(())
    }
}

/// RFC 9846 §5.5: "For AES-GCM, up to 2^24.5 full-size records (about 24 million) may be encrypted
/// under a given set of keys while keeping a safety margin of approximately 2^-57"; "For
/// ChaCha20/Poly1305, the record sequence number would wrap before the safety limit is reached."
const fn confidentiality_limit(algorithm: AeadAlgorithm) -> u64 {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => AES_RECORDS,
        AeadAlgorithm::Chacha20Poly1305 => u64::MAX,
    }
}

/// CBC with a block of the same size repeats one with the same chance.
///
/// RFC 9846 §5.5: "Implementations MUST either close the connection or do a key update as described in [§4.7.3] prior to
/// reaching these limits." What does so, a KeyUpdate or an alert, takes records itself.
const AES_RECORDS: u64 = 23_726_566 - LAST_RECORDS;

/// Records that may still be written with a key that no data is written with any more: a KeyUpdate, session tickets and the last
/// alert.
const LAST_RECORDS: u64 = 64;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyward_crypto::cbc::{CbcAlgorithm, Direction};
    use keyward_crypto::random::{SecureRandom, SystemRandom};

    use super::*;

    const ALGORITHMS: [AeadAlgorithm; 3] = [
        AeadAlgorithm::Aes128Gcm,
        AeadAlgorithm::Aes256Gcm,
        AeadAlgorithm::Chacha20Poly1305,
    ];

    fn pairs() -> Vec<(Protection, Protection)> {
        let mut pairs = Vec::new();
        for algorithm in ALGORITHMS {
            let key = vec![1; algorithm.key_len()];
            let iv = vec![2; Protection::tls12_fixed_iv_len(algorithm)];
            let tls13 = || Protection::tls13(algorithm, &key, &[3; 12]).unwrap();
            let tls12 = || Protection::tls12(algorithm, &key, &iv).unwrap();
            pairs.push((tls13(), tls13()));
            pairs.push((tls12(), tls12()));
        }
        for algorithm in CbcAlgorithm::ALL {
            for encrypt_then_mac in [false, true] {
                let mac_key = vec![4; algorithm.mac_len()];
                let key = vec![5; algorithm.key_len()];
                let [writer, reader] = [Direction::Seal, Direction::Open].map(|direction| {
                    let random: Arc<dyn SecureRandom> = Arc::new(SystemRandom);
                    let keys = (mac_key.as_slice(), key.as_slice());
                    let records =
                        CbcRecords::new(algorithm, encrypt_then_mac, direction, keys, &random);
                    Protection::cbc(records.unwrap())
                });
                pairs.push((writer, reader));
            }
        }
        pairs
    }

    fn open(record: &mut [u8], reader: &mut Protection) -> Result<(ContentType, Vec<u8>), Error> {
        let (header, body) = record.split_first_chunk_mut().unwrap();
        let (content_type, content) = reader.open(*header, body)?;
        Ok((content_type, body[content].to_vec()))
    }

    #[test]
    fn records_open_in_order_and_in_no_other() {
        for (mut writer, mut reader) in pairs() {
            let mut records = [const { Vec::new() }; 3];
            for (i, record) in records.iter_mut().enumerate() {
                let content = vec![9; i * 100];
                writer
                    .seal(ContentType::HANDSHAKE, &content, record)
                    .unwrap();
                assert!(record.len() <= content.len() + Protection::OVERHEAD + 1);
            }
            assert_eq!(
                open(&mut records[0].clone(), &mut reader).unwrap(),
                (ContentType::HANDSHAKE, Vec::new())
            );
            assert_eq!(
                open(&mut records[2].clone(), &mut reader),
                Err(Error::DecryptError)
            );
            assert_eq!(
                open(&mut records[1].clone(), &mut reader).unwrap().1,
                [9; 100]
            );
            assert_eq!(open(&mut records[1], &mut reader), Err(Error::DecryptError));
            assert_eq!(open(&mut records[2], &mut reader).unwrap().1, [9; 200]);
        }
    }

    #[test]
    fn a_record_changed_in_any_byte_does_not_open() {
        for (mut writer, mut reader) in pairs() {
            let mut record = Vec::new();
            writer.seal(ContentType::ALERT, b"12", &mut record).unwrap();
            for at in 0..record.len() {
                // The outer length is the framing's business and the additional data's of TLS 1.3.
                if (3..5).contains(&at) && !reader.is_tls13() {
                    continue;
                }
                let mut changed = record.clone();
                changed[at] ^= 1;
                assert_eq!(
                    open(&mut changed, &mut reader),
                    Err(Error::DecryptError),
                    "{at}"
                );
            }
            for length in HEADER_LEN..record.len() {
                let mut short = record[..length].to_vec();
                assert_eq!(open(&mut short, &mut reader), Err(Error::DecryptError));
            }
            open(&mut record, &mut reader).unwrap();
        }
    }

    #[test]
    fn data_opens_elsewhere_as_it_does_in_place_and_nothing_else_does() {
        for (mut writer, mut reader) in pairs() {
            let mut record = |content_type, content: &[u8]| {
                let mut record = Vec::new();
                writer.seal(content_type, content, &mut record).unwrap();
                record
            };
            let elsewhere = |record: &[u8], reader: &mut Protection| {
                let (header, body) = record.split_first_chunk().unwrap();
                let mut out = b"before".to_vec();
                let length = reader.open_data(*header, body, &mut out);
                assert_eq!(out.len(), 6 + length.unwrap_or(0));
                length.map(|_| out.split_off(6))
            };
            let is_cbc = matches!(reader.cipher, Cipher::Cbc(_));

            let mut alert = record(ContentType::ALERT, b"12");
            assert_eq!(elsewhere(&alert, &mut reader), None);
            assert_eq!(
                open(&mut alert, &mut reader),
                Ok((ContentType::ALERT, b"12".to_vec()))
            );
            let mut empty = record(ContentType::APPLICATION_DATA, b"");
            assert_eq!(elsewhere(&empty, &mut reader), None);
            open(&mut empty, &mut reader).unwrap();

            let mut data = record(ContentType::APPLICATION_DATA, &[9; 5000]);
            for at in [HEADER_LEN, data.len() - 1] {
                let mut changed = data.clone();
                changed[at] ^= 1;
                assert_eq!(elsewhere(&changed, &mut reader), None);
            }
            if is_cbc {
                assert_eq!(elsewhere(&data, &mut reader), None);
                open(&mut data, &mut reader).unwrap();
            } else {
                assert_eq!(elsewhere(&data, &mut reader), Some(vec![9; 5000]));
                assert_eq!(elsewhere(&data, &mut reader), None, "twice");
            }
            let mut next = record(ContentType::APPLICATION_DATA, b"next");
            assert_eq!(open(&mut next, &mut reader).unwrap().1, b"next");
        }
    }

    #[test]
    fn a_plaintext_beyond_two_to_the_fourteenth_is_refused() {
        for (mut writer, mut reader) in pairs() {
            let mut record = Vec::new();
            let content = vec![0; MAX_PLAINTEXT_LEN + 1];
            writer
                .seal(ContentType::APPLICATION_DATA, &content, &mut record)
                .unwrap();
            assert_eq!(
                open(&mut record, &mut reader),
                Err(InvalidMessage::PlaintextTooLarge.into())
            );
        }
    }

    /// RFC 9846 §5.5.
    #[test]
    fn aes_protects_no_more_than_two_to_the_24_and_a_half_records() {
        for (mut writer, _) in pairs() {
            let limited = writer.limit != u64::MAX;
            let last = AES_RECORDS + LAST_RECORDS;
            let square = 1 << 49;
            assert!(last * last <= square && square < (last + 1) * (last + 1));
            writer.sequence = AES_RECORDS - 1;
            assert!(!writer.is_exhausted());
            writer
                .seal(ContentType::ALERT, b"", &mut Vec::new())
                .unwrap();
            assert_eq!(writer.is_exhausted(), limited);
        }
    }

    #[test]
    fn a_key_is_exhausted_at_its_limit() {
        for (mut writer, _) in pairs() {
            writer.limit_records(Some(2));
            for _ in 0..2 {
                assert!(!writer.is_exhausted());
                writer
                    .seal(ContentType::ALERT, b"", &mut Vec::new())
                    .unwrap();
            }
            assert!(writer.is_exhausted());
            writer.sequence = u64::MAX;
            assert_eq!(
                writer.seal(ContentType::ALERT, b"", &mut Vec::new()),
                Err(Error::KeyExhausted)
            );
        }
    }
}
