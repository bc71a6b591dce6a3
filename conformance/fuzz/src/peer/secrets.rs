//! The key schedules, written from the RFCs and not shared with the engine.

use keyward_crypto::aead::AeadAlgorithm;
use keyward_crypto::hash::HashAlgorithm::{self, Sha256, Sha384};
use keyward_crypto::hkdf::{Secret, expand_label_secret, extract};
use keyward_crypto::hmac::HmacKey;
use keyward_crypto::prf;
use keyward_keyop::tls12::{MasterSecretSeed, master_secret};
use keyward_keyop::tls13::transcript_hash;
use keyward_wire::values::CipherSuite;

use super::protection::Protection;

/// What a suite is made of, and how its keys are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Record protection.
    pub aead: AeadAlgorithm,
    /// Transcript, HKDF and PRF.
    pub hash: HashAlgorithm,
    /// RSA key transport.
    pub rsa: bool,
}

impl Suite {
    /// The AEAD suites; of the others a peer knows the names only.
    pub fn of(code: CipherSuite) -> Option<Self> {
        use AeadAlgorithm::{Aes128Gcm, Aes256Gcm, Chacha20Poly1305};
        use CipherSuite as C;
        let (aead, hash) = match code {
            C::TLS_AES_128_GCM_SHA256
            | C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
            | C::TLS_RSA_WITH_AES_128_GCM_SHA256 => (Aes128Gcm, Sha256),
            C::TLS_AES_256_GCM_SHA384
            | C::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
            | C::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
            | C::TLS_RSA_WITH_AES_256_GCM_SHA384 => (Aes256Gcm, Sha384),
            C::TLS_CHACHA20_POLY1305_SHA256
            | C::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
            | C::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => (Chacha20Poly1305, Sha256),
            _ => return None,
        };
        let rsa = matches!(
            code,
            C::TLS_RSA_WITH_AES_128_GCM_SHA256 | C::TLS_RSA_WITH_AES_256_GCM_SHA384
        );
        Some(Self { aead, hash, rsa })
    }
}

/// The secrets of a TLS 1.3 handshake (RFC 9846 §7.1).
pub struct Tls13 {
    suite: Suite,
    client_handshake: Secret,
    server_handshake: Secret,
    master: Secret,
}

impl Tls13 {
    /// From the transcript up to the ServerHello.
    pub fn new(suite: Suite, psk: Option<&[u8]>, shared: &[u8], transcript: &[u8]) -> Option<Self> {
        let hash = suite.hash;
        let zeros = [0; 64];
        let zeros = &zeros[..hash.output_len()];
        let empty = hash.digest(b"");
        let early = extract(hash, b"", psk.unwrap_or(zeros));
        let salt = expand_label_secret(hash, &early, b"derived", &empty);
        let secret = extract(hash, salt.as_bytes(), shared);
        let so_far = transcript_hash(transcript, hash).ok()?;
        let salt = expand_label_secret(hash, &secret, b"derived", &empty);
        Some(Self {
            suite,
            client_handshake: expand_label_secret(hash, &secret, b"c hs traffic", &so_far),
            server_handshake: expand_label_secret(hash, &secret, b"s hs traffic", &so_far),
            master: extract(hash, salt.as_bytes(), zeros),
        })
    }

    fn protection(&self, secret: Secret) -> Protection {
        Protection::tls13(self.suite.aead, self.suite.hash, secret)
    }

    /// For the handshake: what the client writes with, and the server.
    pub fn handshake_keys(&self) -> (Protection, Protection) {
        (
            self.protection(self.client_handshake.clone()),
            self.protection(self.server_handshake.clone()),
        )
    }

    /// For data, from the transcript up to the server's Finished.
    pub fn application_keys(&self, transcript: &[u8]) -> Option<(Protection, Protection)> {
        let hash = self.suite.hash;
        let so_far = transcript_hash(transcript, hash).ok()?;
        let client = expand_label_secret(hash, &self.master, b"c ap traffic", &so_far);
        let server = expand_label_secret(hash, &self.master, b"s ap traffic", &so_far);
        Some((self.protection(client), self.protection(server)))
    }

    /// `verify_data` of the client's Finished, or of the server's.
    pub fn finished(&self, client: bool, transcript: &[u8]) -> Option<Vec<u8>> {
        let secret = if client {
            &self.client_handshake
        } else {
            &self.server_handshake
        };
        finished_mac(self.suite.hash, secret, transcript)
    }

    /// The PSK of a ticket with this nonce, from the transcript up to the client's Finished.
    pub fn resumption(&self, transcript: &[u8], nonce: &[u8]) -> Option<Secret> {
        let hash = self.suite.hash;
        let so_far = transcript_hash(transcript, hash).ok()?;
        let master = expand_label_secret(hash, &self.master, b"res master", &so_far);
        Some(expand_label_secret(hash, &master, b"resumption", nonce))
    }
}

fn finished_mac(hash: HashAlgorithm, secret: &Secret, transcript: &[u8]) -> Option<Vec<u8>> {
    let key = expand_label_secret(hash, secret, b"finished", b"");
    let so_far = transcript_hash(transcript, hash).ok()?;
    Some(HmacKey::new(hash, key.as_bytes()).sign(&[&so_far]).to_vec())
}

/// The binder of a resumption PSK, over a ClientHello without its binders and what came before it.
pub fn binder(hash: HashAlgorithm, psk: &[u8], before: &[u8], truncated: &[u8]) -> Vec<u8> {
    let early = extract(hash, b"", psk);
    let key = expand_label_secret(hash, &early, b"res binder", &hash.digest(b""));
    let key = expand_label_secret(hash, &key, b"finished", b"");
    let mut messages = match before.is_empty() {
        true => Vec::new(),
        false => match keyward_wire::handshake::split_first(before) {
            Some((first, rest)) => {
                let mut messages = keyward_keyop::tls13::message_hash(first.bytes, hash);
                messages.extend_from_slice(rest);
                messages
            }
            None => Vec::new(),
        },
    };
    messages.extend_from_slice(truncated);
    let so_far = hash.digest(&messages);
    HmacKey::new(hash, key.as_bytes()).sign(&[&so_far]).to_vec()
}

/// The secrets of a TLS 1.2 connection (RFC 5246 §8.1, RFC 7627).
pub struct Tls12 {
    suite: Suite,
    /// The master secret.
    pub master: Secret,
}

impl Tls12 {
    /// From a master secret that is known already.
    pub fn resumed(suite: Suite, master: Secret) -> Self {
        Self { suite, master }
    }

    /// From a key exchange, and the transcript up to the ClientKeyExchange.
    pub fn new(
        suite: Suite,
        premaster: &[u8],
        extended: bool,
        transcript: &[u8],
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Self {
        let session_hash = suite.hash.digest(transcript);
        let seed = if extended {
            MasterSecretSeed::Extended {
                session_hash: &session_hash,
            }
        } else {
            MasterSecretSeed::Classic {
                client_random,
                server_random,
            }
        };
        Self {
            suite,
            master: master_secret(suite.hash, premaster, seed),
        }
    }

    /// What the client writes with, and the server.
    pub fn keys(
        &self,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> (Protection, Protection) {
        let Suite { aead, hash, .. } = self.suite;
        let key = aead.key_len();
        let iv = match aead {
            AeadAlgorithm::Chacha20Poly1305 => 12,
            _ => 4,
        };
        let mut block = vec![0; 2 * (key + iv)];
        let seed = [&server_random[..], client_random];
        prf::tls12(
            hash,
            self.master.as_bytes(),
            b"key expansion",
            &seed,
            &mut block,
        );
        let (keys, ivs) = block.split_at(2 * key);
        (
            Protection::tls12(aead, &keys[..key], &ivs[..iv]),
            Protection::tls12(aead, &keys[key..], &ivs[iv..]),
        )
    }

    /// `verify_data` of a Finished with this label.
    pub fn finished(&self, label: &[u8], transcript: &[u8]) -> Vec<u8> {
        let mut verify_data = vec![0; 12];
        let hash = self.suite.hash.digest(transcript);
        prf::tls12(
            self.suite.hash,
            self.master.as_bytes(),
            label,
            &[&hash],
            &mut verify_data,
        );
        verify_data
    }
}
