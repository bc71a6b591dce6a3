//! The protection of TLS 1.3 records by hand: TLS_AES_128_GCM_SHA256.

use keyward_crypto::aead::{AeadAlgorithm, AeadKey};
use keyward_crypto::hash::HashAlgorithm::Sha256;
use keyward_crypto::hkdf::{Secret, expand_label, expand_label_secret};
use keyward_crypto::hmac::HmacKey;
use keyward_wire::values::ContentType;

/// A record's type and content, without protection.
pub(crate) type Record = (ContentType, Vec<u8>);

/// One direction.
pub(crate) struct Keys {
    secret: Secret,
    key: AeadKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Keys {
    pub(crate) fn new(secret: Secret) -> Self {
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand_label(Sha256, &secret, b"key", b"", &mut key);
        expand_label(Sha256, &secret, b"iv", b"", &mut iv);
        Self {
            key: AeadKey::new(AeadAlgorithm::Aes128Gcm, &key).unwrap(),
            iv,
            sequence: 0,
            secret,
        }
    }

    pub(crate) fn next_secret(&self) -> Secret {
        expand_label_secret(Sha256, &self.secret, b"traffic upd", b"")
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        self.sequence += 1;
        nonce
    }

    /// A protected record of exactly this TLSInnerPlaintext.
    pub(crate) fn sealed_inner(&mut self, inner: &[u8]) -> Vec<u8> {
        let mut body = inner.to_vec();
        let length = u16::try_from(body.len() + 16).unwrap().to_be_bytes();
        let header = [23, 3, 3, length[0], length[1]];
        let nonce = self.nonce();
        let tag = self.key.seal(&nonce, &header, &mut body).unwrap();
        [&header[..], &body, &tag].concat()
    }

    /// A protected record.
    pub(crate) fn sealed(&mut self, content_type: ContentType, content: &[u8]) -> Vec<u8> {
        self.sealed_inner(&[content, &[content_type.0]].concat())
    }

    /// The content of a record that the peer protected, without its padding.
    pub(crate) fn opened(&mut self, header: &[u8], mut body: Vec<u8>) -> Record {
        let nonce = self.nonce();
        let inner = self
            .key
            .open(&nonce, header, &mut body)
            .expect("the peer's record opens");
        let at = inner.iter().rposition(|byte| *byte != 0).unwrap();
        (ContentType(inner[at]), inner[..at].to_vec())
    }
}

/// The MAC of a Finished, or of a binder, over a hash.
pub(crate) fn finished_mac(secret: &Secret, hash: &[u8]) -> Vec<u8> {
    let key = expand_label_secret(Sha256, secret, b"finished", b"");
    HmacKey::new(Sha256, key.as_bytes()).sign(&[hash]).to_vec()
}

/// A record without protection.
pub(crate) fn plain(content_type: ContentType, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut record = vec![content_type.0, 3, 3];
    record.extend(length);
    record.extend(content);
    record
}
