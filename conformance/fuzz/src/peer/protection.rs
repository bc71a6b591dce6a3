//! Record protection, written from the RFCs and not shared with the engine.

use keyward_crypto::aead::{AeadAlgorithm, AeadKey, TAG_LEN};
use keyward_crypto::cbc::{CbcAlgorithm, CbcKey, Direction, MacOrder};
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hkdf::{Secret, expand_label, expand_label_secret};

/// One direction of a connection.
pub struct Protection {
    sequence: u64,
    cipher: Cipher,
}

enum Cipher {
    Aead {
        key: AeadKey,
        iv: [u8; 12],
        form: Form,
    },
    Cbc(CbcKey),
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
            sequence: 0,
            cipher: Cipher::Aead {
                key: AeadKey::new(aead, &key).expect("the key has the algorithm's length"),
                iv,
                form: Form::Tls13 { aead, hash, secret },
            },
        }
    }

    /// TLS 1.2, from a part of the key block: 4 bytes of IV for GCM, 12 for ChaCha20.
    pub fn tls12(aead: AeadAlgorithm, key: &[u8], fixed_iv: &[u8]) -> Self {
        let mut iv = [0; 12];
        iv[..fixed_iv.len()].copy_from_slice(fixed_iv);
        Self {
            sequence: 0,
            cipher: Cipher::Aead {
                key: AeadKey::new(aead, key).expect("the key has the algorithm's length"),
                iv,
                form: match aead {
                    AeadAlgorithm::Chacha20Poly1305 => Form::Tls12ChaCha,
                    _ => Form::Tls12Gcm,
                },
            },
        }
    }

    /// TLS 1.2 with CBC, for one direction.
    pub fn cbc(
        algorithm: CbcAlgorithm,
        order: MacOrder,
        direction: Direction,
        mac_key: &[u8],
        key: &[u8],
    ) -> Self {
        let key = CbcKey::new(algorithm, order, direction, mac_key, key);
        Self {
            sequence: 0,
            cipher: Cipher::Cbc(key.expect("the keys have the algorithm's lengths")),
        }
    }

    /// After a KeyUpdate.
    pub fn updated(&self) -> Option<Self> {
        let Cipher::Aead {
            form: Form::Tls13 { aead, hash, secret },
            ..
        } = &self.cipher
        else {
            return None;
        };
        let next = expand_label_secret(*hash, secret, b"traffic upd", b"");
        Some(Self::tls13(*aead, *hash, next))
    }

    /// A whole record.
    pub fn seal(&mut self, content_type: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let sequence = self.sequence;
        self.sequence += 1;
        let (key, iv, form) = match &mut self.cipher {
            Cipher::Aead { key, iv, form } => (key, iv, form),
            Cipher::Cbc(key) => {
                let header = tls12_header(sequence, content_type);
                let mut body = Vec::new();
                key.seal(&header, &[0x1f; 16], content, &mut body)
                    .expect("sealing does not fail");
                return [&record_header(content_type, body.len())[..], &body].concat();
            }
        };
        let mut body = content.to_vec();
        let explicit = sequence.to_be_bytes();
        let (outer, prefix) = match form {
            Form::Tls13 { .. } => {
                body.push(content_type);
                body.resize(body.len() + padding, 0);
                (23, &[][..])
            }
            Form::Tls12Gcm => (content_type, &explicit[..]),
            Form::Tls12ChaCha => (content_type, &[][..]),
        };
        let header = record_header(outer, prefix.len() + body.len() + TAG_LEN);
        let additional = match form {
            Form::Tls13 { .. } => header.to_vec(),
            _ => tls12_additional(sequence, content_type, body.len()),
        };
        // The explicit part of a GCM nonce is the sequence number, and the IV is 0 there: the same as the exclusive or.
        let nonce = nonce(iv, sequence);
        let tag = key
            .seal(&nonce, &additional, &mut body)
            .expect("sealing does not fail");
        [&header[..], prefix, &body, &tag].concat()
    }

    /// Type and content of a record, if it is one.
    pub fn open(&mut self, header: [u8; 5], body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let sequence = self.sequence;
        let opened = match &mut self.cipher {
            Cipher::Cbc(key) => {
                let mut body = body.to_vec();
                let before = tls12_header(sequence, header[0]);
                let content = key.open(&before, &mut body).ok()?;
                (header[0], body[content].to_vec())
            }
            Cipher::Aead { key, iv, form } => {
                let (nonce, sealed) = match form {
                    Form::Tls12Gcm => {
                        let (explicit, sealed) = body.split_first_chunk::<8>()?;
                        let mut nonce = *iv;
                        nonce[4..].copy_from_slice(explicit);
                        (nonce, sealed)
                    }
                    _ => (nonce(iv, sequence), body),
                };
                let length = sealed.len().checked_sub(TAG_LEN)?;
                let tls13 = matches!(form, Form::Tls13 { .. });
                let additional = match tls13 {
                    true => header.to_vec(),
                    false => tls12_additional(sequence, header[0], length),
                };
                let mut content = sealed.to_vec();
                let opened = key.open(&nonce, &additional, &mut content).ok()?;
                if tls13 {
                    let end = opened.iter().rposition(|byte| *byte != 0)?;
                    (opened[end], opened[..end].to_vec())
                } else {
                    (header[0], opened.to_vec())
                }
            }
        };
        self.sequence += 1;
        Some(opened)
    }
}

/// What goes before the length in the MAC or the additional data of TLS 1.2.
fn tls12_header(sequence: u64, content_type: u8) -> [u8; 11] {
    let mut header = [0; 11];
    header[..8].copy_from_slice(&sequence.to_be_bytes());
    header[8..].copy_from_slice(&[content_type, 3, 3]);
    header
}

fn tls12_additional(sequence: u64, content_type: u8, length: usize) -> Vec<u8> {
    let length = u16::try_from(length).unwrap_or(0).to_be_bytes();
    [&tls12_header(sequence, content_type)[..], &length].concat()
}

/// A length that is too long for a record is written as the longest, which is what the peer deserves to see.
fn record_header(content_type: u8, length: usize) -> [u8; 5] {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [content_type, 3, 3, high, low]
}

/// The IV, and the sequence number in it.
fn nonce(iv: &[u8; 12], sequence: u64) -> [u8; 12] {
    let mut nonce = *iv;
    for (byte, count) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
        *byte ^= count;
    }
    nonce
}
