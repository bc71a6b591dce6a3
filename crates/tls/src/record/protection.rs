//! The protection of records in one direction: RFC 9846 §5.2 and §5.3; RFC 5246 §6.2.3.3 with
//! RFC 5288 (AES-GCM) and RFC 7905 (ChaCha20-Poly1305).

use std::ops::Range;

use keyward_crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN, TAG_LEN};
use keyward_wire::record::{
    HEADER_LEN, MAX_CIPHERTEXT_LEN_TLS12, MAX_CIPHERTEXT_LEN_TLS13, MAX_PLAINTEXT_LEN, RecordHeader,
};
use keyward_wire::values::{ContentType, ProtocolVersion};
use zeroize::Zeroizing;

use crate::error::{Error, InvalidMessage};

/// One direction's key, and how many records it has protected.
pub(crate) struct Protection {
    key: AeadKey,
    /// TLS 1.2 AES-GCM uses the first four bytes only.
    iv: Zeroizing<[u8; NONCE_LEN]>,
    form: Form,
    sequence: u64,
    limit: u64,
}

/// How nonce, additional data and content are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Tls13,
    /// The nonce is made of the sequence number and not sent (RFC 7905).
    Tls12Implicit,
    /// The sequence number is sent in front of the ciphertext (RFC 5288).
    Tls12Explicit,
}

const EXPLICIT_NONCE_LEN: usize = 8;

impl Protection {
    pub(crate) fn tls13(
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8; NONCE_LEN],
    ) -> Result<Self, Error> {
        Self::new(algorithm, key, *iv, Form::Tls13)
    }

    /// `iv` has [`tls12_fixed_iv_len`](Self::tls12_fixed_iv_len) bytes.
    pub(crate) fn tls12(algorithm: AeadAlgorithm, key: &[u8], iv: &[u8]) -> Result<Self, Error> {
        if iv.len() != Self::tls12_fixed_iv_len(algorithm) {
            return Err(Error::Internal("TLS 1.2 IV length"));
        }
        let mut whole = [0; NONCE_LEN];
        whole[..iv.len()].copy_from_slice(iv);
        Self::new(algorithm, key, whole, tls12_form(algorithm))
    }

    /// Bytes of `client_write_IV` and `server_write_IV` in the TLS 1.2 key block.
    pub(crate) const fn tls12_fixed_iv_len(algorithm: AeadAlgorithm) -> usize {
        match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => NONCE_LEN - EXPLICIT_NONCE_LEN,
            AeadAlgorithm::Chacha20Poly1305 => NONCE_LEN,
        }
    }

    fn new(
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: [u8; NONCE_LEN],
        form: Form,
    ) -> Result<Self, Error> {
        Ok(Self {
            key: AeadKey::new(algorithm, key).map_err(|_| Error::Internal("AEAD key"))?,
            iv: Zeroizing::new(iv),
            form,
            sequence: 0,
            limit: confidentiality_limit(algorithm),
        })
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
        self.form == Form::Tls13
    }

    /// The longest body that a protected record may have.
    pub(crate) fn max_ciphertext_len(&self) -> usize {
        match self.form {
            Form::Tls13 => MAX_CIPHERTEXT_LEN_TLS13,
            Form::Tls12Implicit | Form::Tls12Explicit => MAX_CIPHERTEXT_LEN_TLS12,
        }
    }

    /// Bytes that a record has beyond its plaintext, header included.
    pub(crate) const OVERHEAD: usize = HEADER_LEN + EXPLICIT_NONCE_LEN + TAG_LEN;

    /// Appends a record.
    pub(crate) fn seal(
        &mut self,
        content_type: ContentType,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let begin = out.len();
        let (outer_type, extra) = match self.form {
            Form::Tls13 => (ContentType::APPLICATION_DATA, 1),
            Form::Tls12Implicit => (content_type, 0),
            Form::Tls12Explicit => (content_type, EXPLICIT_NONCE_LEN),
        };
        let length = u16::try_from(plaintext.len() + extra + TAG_LEN)
            .map_err(|_| Error::Internal("record length"))?;
        let header = RecordHeader {
            content_type: outer_type,
            legacy_version: ProtocolVersion::TLS12,
            length,
        }
        .to_array();
        out.extend_from_slice(&header);
        if self.form == Form::Tls12Explicit {
            out.extend_from_slice(&self.sequence.to_be_bytes());
        }
        // RFC 9846 §5.2: TLSInnerPlaintext is the content, its type, and padding, of which there is none.
        let nonce = self.nonce(self.sequence.to_be_bytes());
        let sealed = if self.form == Form::Tls13 {
            let inner_type = [content_type.0];
            self.key
                .seal_append(&nonce, &header, plaintext, &inner_type, out)
        } else {
            let additional = self.tls12_additional_data(header, plaintext.len());
            self.key
                .seal_append(&nonce, &additional, plaintext, b"", out)
        };
        if sealed.is_err() {
            // A header without its record must not be sent.
            out.truncate(begin);
            return Err(Error::Internal("AEAD encryption"));
        }
        self.count()
    }

    /// Opens a record where it lies: its content type, and where in `body` its content is.
    pub(crate) fn open(
        &mut self,
        header: [u8; HEADER_LEN],
        body: &mut [u8],
    ) -> Result<(ContentType, Range<usize>), Error> {
        let mut prefix = 0;
        let mut explicit = self.sequence.to_be_bytes();
        if self.form == Form::Tls12Explicit {
            explicit = *body.first_chunk().ok_or(Error::DecryptError)?;
            prefix = EXPLICIT_NONCE_LEN;
        }
        let length = (body.len() - prefix)
            .checked_sub(TAG_LEN)
            .ok_or(Error::DecryptError)?;
        let nonce = self.nonce(explicit);
        let opened = if self.form == Form::Tls13 {
            self.key.open(&nonce, &header, &mut body[prefix..])
        } else {
            let additional = self.tls12_additional_data(header, length);
            self.key.open(&nonce, &additional, &mut body[prefix..])
        };
        let content = opened.map_err(|_| Error::DecryptError)?;
        let outer_type = RecordHeader::from_array(header).content_type;
        let (content_type, length) = if self.form == Form::Tls13 {
            inner_plaintext(content)?
        } else {
            (outer_type, content.len())
        };
        // RFC 9846 §5.4: "the full encoded TLSInnerPlaintext MUST NOT exceed 2^14 + 1 octets", one of
        // them the content type, which is off already; §5.1: the content "MUST NOT exceed 2^14 bytes".
        if length > MAX_PLAINTEXT_LEN || content.len() > MAX_PLAINTEXT_LEN + 1 {
            return Err(InvalidMessage::PlaintextTooLarge.into());
        }
        self.count()?;
        Ok((content_type, prefix..prefix + length))
    }

    /// RFC 9846 §5.3: "The per-record nonce ... is formed" by padding the sequence number to the left
    /// and XORing it with the IV. RFC 5288 §3: `salt ‖ nonce_explicit`.
    fn nonce(&self, sequence: [u8; EXPLICIT_NONCE_LEN]) -> [u8; NONCE_LEN] {
        let mut nonce = *self.iv;
        // The last eight bytes of a GCM salt's IV are zero, so that one line serves all forms.
        for (byte, sequence) in nonce[NONCE_LEN - EXPLICIT_NONCE_LEN..]
            .iter_mut()
            .zip(sequence)
        {
            *byte ^= sequence;
        }
        nonce
    }

    /// RFC 5246 §6.2.3.3: "additional_data = seq_num + TLSCompressed.type + TLSCompressed.version +
    /// TLSCompressed.length".
    fn tls12_additional_data(&self, header: [u8; HEADER_LEN], length: usize) -> [u8; 13] {
        let [_, _, high, low] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let mut additional = [0; 13];
        additional[..8].copy_from_slice(&self.sequence.to_be_bytes());
        additional[8..11].copy_from_slice(&header[..3]);
        additional[11..].copy_from_slice(&[high, low]);
        additional
    }

    /// RFC 9846 §5.3: "If a TLS implementation would need to wrap a sequence number, it MUST either
    /// rekey ... or terminate the connection."
    fn count(&mut self) -> Result<(), Error> {
        self.sequence = self.sequence.checked_add(1).ok_or(Error::KeyExhausted)?;
        Ok(())
    }
}

fn tls12_form(algorithm: AeadAlgorithm) -> Form {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => Form::Tls12Explicit,
        AeadAlgorithm::Chacha20Poly1305 => Form::Tls12Implicit,
    }
}

/// RFC 9846 §5.5: "For AES-GCM, up to 2^24.5 full-size records (about 24 million) may be encrypted
/// under a given set of keys while keeping a safety margin of approximately 2^-57"; "For
/// ChaCha20/Poly1305, the record sequence number would wrap before the safety limit is reached."
const fn confidentiality_limit(algorithm: AeadAlgorithm) -> u64 {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => 23_726_566,
        AeadAlgorithm::Chacha20Poly1305 => u64::MAX,
    }
}

/// The content type behind the content, and the content's length without it and the padding.
///
/// RFC 9846 §5.4: "the receiving implementation scans the field from the end toward the beginning
/// until it finds a non-zero octet"; "If a receiving implementation does not find a non-zero octet in
/// the cleartext, it MUST terminate the connection with an "unexpected_message" alert."
fn inner_plaintext(content: &[u8]) -> Result<(ContentType, usize), Error> {
    let at = content
        .iter()
        .rposition(|byte| *byte != 0)
        .ok_or(InvalidMessage::NoContentType)?;
    Ok((ContentType(content[at]), at))
}

#[cfg(test)]
mod tests {
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
    fn padding_is_taken_off_and_nothing_but_padding_is_refused() {
        assert_eq!(
            inner_plaintext(&[5, 22, 0, 0]).unwrap(),
            (ContentType::HANDSHAKE, 1)
        );
        assert_eq!(
            inner_plaintext(&[23]).unwrap(),
            (ContentType::APPLICATION_DATA, 0)
        );
        for nothing in [&[][..], &[0, 0]] {
            assert_eq!(
                inner_plaintext(nothing),
                Err(InvalidMessage::NoContentType.into())
            );
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
