//! Record protection, written from the RFCs and not shared with the engine.

use keyward_crypto::aead::{AeadAlgorithm, AeadKey, TAG_LEN};
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hkdf::{Secret, expand_label, expand_label_secret};

/// One direction of a connection.
pub struct Protection {
    key: AeadKey,
    iv: [u8; 12],
    sequence: u64,
    form: Form,
}

enum Form {
    /// RFC 9846 §5.2; the secret is for the next key.
    Tls13 {
        aead: AeadAlgorithm,
        hash: HashAlgorithm,
        secret: Secret,
    },
    /// RFC 5288: eight bytes of nonce in each record.
    Tls12Gcm,
    /// RFC 7905.
    Tls12ChaCha,
}

impl Protection {
    /// TLS 1.3, from a traffic secret.
    pub fn tls13(aead: AeadAlgorithm, hash: HashAlgorithm, secret: Secret) -> Self {
        let mut key = vec![0; aead.key_len()];
        let mut iv = [0; 12];
        expand_label(hash, &secret, b"key", b"", &mut key);
        expand_label(hash, &secret, b"iv", b"", &mut iv);
        Self {
            key: AeadKey::new(aead, &key).expect("the key has the algorithm's length"),
            iv,
            sequence: 0,
            form: Form::Tls13 { aead, hash, secret },
        }
    }

    /// TLS 1.2, from a part of the key block: 4 bytes of IV for GCM, 12 for ChaCha20.
    pub fn tls12(aead: AeadAlgorithm, key: &[u8], fixed_iv: &[u8]) -> Self {
        let mut iv = [0; 12];
        iv[..fixed_iv.len()].copy_from_slice(fixed_iv);
        Self {
            key: AeadKey::new(aead, key).expect("the key has the algorithm's length"),
            iv,
            sequence: 0,
            form: match aead {
                AeadAlgorithm::Chacha20Poly1305 => Form::Tls12ChaCha,
                _ => Form::Tls12Gcm,
            },
        }
    }

    /// After a KeyUpdate.
    pub fn updated(&self) -> Option<Self> {
        let Form::Tls13 { aead, hash, secret } = &self.form else {
            return None;
        };
        let next = expand_label_secret(*hash, secret, b"traffic upd", b"");
        Some(Self::tls13(*aead, *hash, next))
    }

    /// The nonce for the record with the sequence number of the moment.
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        nonce
    }

    fn tls12_additional(&self, header: [u8; 5], length: usize) -> Vec<u8> {
        let length = u16::try_from(length).unwrap_or(0).to_be_bytes();
        [&self.sequence.to_be_bytes()[..], &header[..3], &length].concat()
    }

    /// A whole record.
    pub fn seal(&mut self, content_type: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let mut body = content.to_vec();
        let explicit = self.sequence.to_be_bytes();
        let (outer, prefix) = match self.form {
            Form::Tls13 { .. } => {
                body.push(content_type);
                body.resize(body.len() + padding, 0);
                (23, &[][..])
            }
            Form::Tls12Gcm => (content_type, &explicit[..]),
            Form::Tls12ChaCha => (content_type, &[][..]),
        };
        // Longer than a record can say: the peer will see a length that is wrong, which is what was asked for.
        let length = u16::try_from(prefix.len() + body.len() + TAG_LEN).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        let header = [outer, 3, 3, high, low];
        let (nonce, additional) = match self.form {
            Form::Tls13 { .. } => (self.nonce(), header.to_vec()),
            Form::Tls12Gcm | Form::Tls12ChaCha => {
                (self.nonce(), self.tls12_additional(header, body.len()))
            }
        };
        // The explicit part of a GCM nonce is the sequence number, and the IV is 0 there: the same as the exclusive or.
        let tag = self
            .key
            .seal(&nonce, &additional, &mut body)
            .expect("sealing does not fail");
        self.sequence += 1;
        [&header[..], prefix, &body, &tag].concat()
    }

    /// Type and content of a record, if it is one.
    pub fn open(&mut self, header: [u8; 5], body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let (nonce, additional, sealed) = match self.form {
            Form::Tls13 { .. } => (self.nonce(), header.to_vec(), body),
            Form::Tls12Gcm => {
                let (explicit, sealed) = body.split_first_chunk::<8>()?;
                let mut nonce = self.iv;
                nonce[4..].copy_from_slice(explicit);
                let length = sealed.len().checked_sub(TAG_LEN)?;
                (nonce, self.tls12_additional(header, length), sealed)
            }
            Form::Tls12ChaCha => {
                let length = body.len().checked_sub(TAG_LEN)?;
                (self.nonce(), self.tls12_additional(header, length), body)
            }
        };
        let mut content = sealed.to_vec();
        let opened = self.key.open(&nonce, &additional, &mut content).ok()?;
        self.sequence += 1;
        if !matches!(self.form, Form::Tls13 { .. }) {
            return Some((header[0], opened.to_vec()));
        }
        let end = opened.iter().rposition(|byte| *byte != 0)?;
        Some((opened[end], opened[..end].to_vec()))
    }
}
