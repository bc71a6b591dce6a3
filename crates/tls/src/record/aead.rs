//! Records protected with an AEAD: RFC 9846 §5.2 and §5.3; RFC 5246 §6.2.3.3 with RFC 5288 (AES-GCM) and
//! RFC 7905 (ChaCha20-Poly1305).

use std::ops::Range;

use keyward_crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN, TAG_LEN};
use keyward_wire::record::{
    HEADER_LEN, MAX_CIPHERTEXT_LEN_TLS12, MAX_CIPHERTEXT_LEN_TLS13, MAX_PLAINTEXT_LEN, RecordHeader,
};
use keyward_wire::values::{ContentType, ProtocolVersion};
use zeroize::Zeroizing;

use crate::error::{Error, InvalidMessage};

/// One direction's key. The caller counts the records.
pub(super) struct AeadRecords {
    key: AeadKey,
    /// TLS 1.2 AES-GCM uses the first four bytes only.
    iv: Zeroizing<[u8; NONCE_LEN]>,
    form: Form,
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

/// What a record is opened with, beside the key.
struct Inputs {
    /// Bytes of the body in front of the ciphertext.
    prefix: usize,
    nonce: [u8; NONCE_LEN],
    additional: AdditionalData,
}

/// What the AEAD binds, beside the content.
enum AdditionalData {
    /// RFC 9846 §5.2: "the additional data input is the record header".
    Tls13([u8; HEADER_LEN]),
    Tls12([u8; 13]),
}

impl AsRef<[u8]> for AdditionalData {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Tls13(bytes) => bytes,
            Self::Tls12(bytes) => bytes,
        }
    }
}

/// Bytes that a record has at most beyond its plaintext, header included.
pub(super) const OVERHEAD: usize = HEADER_LEN + EXPLICIT_NONCE_LEN + TAG_LEN;

/// Bytes of `client_write_IV` and `server_write_IV` in the TLS 1.2 key block.
pub(super) const fn tls12_fixed_iv_len(algorithm: AeadAlgorithm) -> usize {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => NONCE_LEN - EXPLICIT_NONCE_LEN,
        AeadAlgorithm::Chacha20Poly1305 => NONCE_LEN,
    }
}

impl AeadRecords {
    pub(super) fn tls13(
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: &[u8; NONCE_LEN],
    ) -> Result<Self, Error> {
        Self::new(algorithm, key, *iv, Form::Tls13)
    }

    /// `iv` has [`tls12_fixed_iv_len`] bytes.
    pub(super) fn tls12(algorithm: AeadAlgorithm, key: &[u8], iv: &[u8]) -> Result<Self, Error> {
        if iv.len() != tls12_fixed_iv_len(algorithm) {
            return Err(Error::Internal("TLS 1.2 IV length"));
        }
        let mut whole = [0; NONCE_LEN];
        whole[..iv.len()].copy_from_slice(iv);
        Self::new(algorithm, key, whole, tls12_form(algorithm))
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
        })
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.form == Form::Tls13
    }

    /// The longest body that a protected record may have.
    pub(super) fn max_ciphertext_len(&self) -> usize {
        match self.form {
            Form::Tls13 => MAX_CIPHERTEXT_LEN_TLS13,
            Form::Tls12Implicit | Form::Tls12Explicit => MAX_CIPHERTEXT_LEN_TLS12,
        }
    }

    /// Appends a record.
    pub(super) fn seal(
        &self,
        sequence: u64,
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
            out.extend_from_slice(&sequence.to_be_bytes());
        }
        // RFC 9846 §5.2: TLSInnerPlaintext is the content, its type, and padding, of which there is none.
        let nonce = self.nonce(sequence.to_be_bytes());
        let sealed = if self.form == Form::Tls13 {
            let inner_type = [content_type.0];
            self.key
                .seal_append(&nonce, &header, plaintext, &inner_type, out)
        } else {
            let additional = tls12_additional_data(sequence, header, plaintext.len());
            self.key
                .seal_append(&nonce, &additional, plaintext, b"", out)
        };
        if sealed.is_err() {
            // A header without its record must not be sent.
            out.truncate(begin);
            return Err(Error::Internal("AEAD encryption"));
        }
        Ok(())
    }

    /// Opens a record where it lies: its content type, and where in `body` its content is.
    pub(super) fn open(
        &self,
        sequence: u64,
        header: [u8; HEADER_LEN],
        body: &mut [u8],
    ) -> Result<(ContentType, Range<usize>), Error> {
        let Inputs {
            prefix,
            nonce,
            additional,
        } = self.inputs(sequence, header, body)?;
        // RFC 9846 §5.2: "If the decryption fails, the receiver MUST terminate the connection with
        // a "bad_record_mac" alert."
        let text = self
            .key
            .open(&nonce, additional.as_ref(), &mut body[prefix..])
            .map_err(|_| Error::DecryptError)?;
        let (content_type, length) = self.content(header, text)?;
        Ok((content_type, prefix..prefix + length))
    }

    /// Opens a record and appends its content to `out`, with what stands behind it in TLS 1.3: its content type,
    /// and how long it is.
    pub(super) fn open_append(
        &self,
        sequence: u64,
        header: [u8; HEADER_LEN],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(ContentType, usize), Error> {
        let Inputs {
            prefix,
            nonce,
            additional,
        } = self.inputs(sequence, header, body)?;
        let begin = out.len();
        self.key
            .open_append(&nonce, additional.as_ref(), &body[prefix..], out)
            .map_err(|_| Error::DecryptError)?;
        self.content(header, &out[begin..])
    }

    /// How long the content of a body of this length is: in TLS 1.3 with its type and the padding, which count where
    /// its length is limited (RFC 8449 §4).
    pub(super) fn content_len(&self, body: usize) -> usize {
        body.saturating_sub(self.prefix_len() + TAG_LEN)
    }

    fn prefix_len(&self) -> usize {
        match self.form {
            Form::Tls13 | Form::Tls12Implicit => 0,
            Form::Tls12Explicit => EXPLICIT_NONCE_LEN,
        }
    }

    fn inputs(
        &self,
        sequence: u64,
        header: [u8; HEADER_LEN],
        body: &[u8],
    ) -> Result<Inputs, Error> {
        let prefix = self.prefix_len();
        if body.len() < prefix + TAG_LEN {
            return Err(Error::DecryptError);
        }
        let explicit = match self.form {
            Form::Tls13 | Form::Tls12Implicit => sequence.to_be_bytes(),
            Form::Tls12Explicit => *body.first_chunk().ok_or(Error::DecryptError)?,
        };
        let additional = match self.form {
            Form::Tls13 => AdditionalData::Tls13(header),
            Form::Tls12Implicit | Form::Tls12Explicit => AdditionalData::Tls12(
                tls12_additional_data(sequence, header, self.content_len(body.len())),
            ),
        };
        Ok(Inputs {
            prefix,
            nonce: self.nonce(explicit),
            additional,
        })
    }

    /// The content's type, and how long it is, of what was decrypted.
    fn content(
        &self,
        header: [u8; HEADER_LEN],
        text: &[u8],
    ) -> Result<(ContentType, usize), Error> {
        // RFC 9846 §5.4: "the full encoded TLSInnerPlaintext MUST NOT exceed 2^14 + 1 octets", one of
        // them the content type; what is left of it is bounded for every protection alike.
        if text.len() > MAX_PLAINTEXT_LEN + 1 {
            return Err(InvalidMessage::PlaintextTooLarge.into());
        }
        match self.form {
            Form::Tls13 => inner_plaintext(text),
            Form::Tls12Implicit | Form::Tls12Explicit => {
                Ok((RecordHeader::from_array(header).content_type, text.len()))
            }
        }
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
}

/// RFC 5246 §6.2.3.3: "additional_data = seq_num + TLSCompressed.type + TLSCompressed.version +
/// TLSCompressed.length".
fn tls12_additional_data(sequence: u64, header: [u8; HEADER_LEN], length: usize) -> [u8; 13] {
    let [_, _, high, low] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut additional = [0; 13];
    additional[..8].copy_from_slice(&sequence.to_be_bytes());
    additional[8..11].copy_from_slice(&header[..3]);
    additional[11..].copy_from_slice(&[high, low]);
    additional
}

fn tls12_form(algorithm: AeadAlgorithm) -> Form {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => Form::Tls12Explicit,
        AeadAlgorithm::Chacha20Poly1305 => Form::Tls12Implicit,
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
}
