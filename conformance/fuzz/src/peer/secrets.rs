//! The key schedules, written from the RFCs and not shared with the engine.

use keyward_crypto::aead::AeadAlgorithm;
use keyward_crypto::cbc::{CbcAlgorithm, Direction, MacOrder};
use keyward_crypto::hash::HashAlgorithm::{self, Sha256, Sha384};
use keyward_crypto::hkdf::{Secret, expand_label_secret, extract};
use keyward_crypto::hmac::HmacKey;
use keyward_crypto::prf;
use keyward_keyop::tls12::{MasterSecretSeed, master_secret};
use keyward_keyop::tls13::transcript_hash;
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::CipherSuite;

use super::protection::Protection;

/// What a suite is made of, and how its keys are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Record protection.
    pub cipher: BulkCipher,
    /// Transcript, HKDF and PRF.
    pub hash: HashAlgorithm,
    /// How TLS 1.2 comes to its premaster secret.
    pub key_exchange: KeyExchange,
}

/// The key exchanges of TLS 1.2; in TLS 1.3 the first is the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// On a curve.
    Ecdhe,
    /// In a finite field.
    Dhe,
    /// RSA key transport.
    Rsa,
}

/// What protects records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkCipher {
    /// AEAD.
    Aead(AeadAlgorithm),
    /// CBC and HMAC.
    Cbc(CbcAlgorithm),
}

impl Suite {
    /// The suites that the engine has; of the others a peer knows the names only.
    pub fn of(code: CipherSuite) -> Option<Self> {
        use AeadAlgorithm::{Aes128Gcm, Aes256Gcm, Chacha20Poly1305};
        use BulkCipher::{Aead, Cbc};
        let (cipher, hash) = match code.0 {
            0x1301 | 0xc02b | 0xc02f | 0x009c | 0x009e => (Aead(Aes128Gcm), Sha256),
            0x1302 | 0xc02c | 0xc030 | 0x009d | 0x009f => (Aead(Aes256Gcm), Sha384),
            0x1303 | 0xcca8 | 0xcca9 | 0xccaa => (Aead(Chacha20Poly1305), Sha256),
            0x002f | 0x0033 | 0xc009 | 0xc013 => (Cbc(CbcAlgorithm::Aes128Sha1), Sha256),
            0x0035 | 0x0039 | 0xc00a | 0xc014 => (Cbc(CbcAlgorithm::Aes256Sha1), Sha256),
            0x003c | 0x0067 | 0xc023 | 0xc027 => (Cbc(CbcAlgorithm::Aes128Sha256), Sha256),
            0x003d | 0x006b => (Cbc(CbcAlgorithm::Aes256Sha256), Sha256),
            0xc024 | 0xc028 => (Cbc(CbcAlgorithm::Aes256Sha384), Sha384),
            _ => return None,
        };
        Some(Self {
            cipher,
            hash,
            key_exchange: match code.0 {
                0x002f | 0x0035 | 0x003c | 0x003d | 0x009c | 0x009d => KeyExchange::Rsa,
                0x0033 | 0x0039 | 0x0067 | 0x006b | 0x009e | 0x009f | 0xccaa => KeyExchange::Dhe,
                _ => KeyExchange::Ecdhe,
            },
        })
    }
}

/// The secrets of a TLS 1.3 handshake (RFC 9846 §7.1).
pub struct Tls13 {
    aead: AeadAlgorithm,
    hash: HashAlgorithm,
    client_handshake: Secret,
    server_handshake: Secret,
    master: Secret,
}

impl Tls13 {
    /// From the transcript up to the ServerHello.
    pub fn new(suite: Suite, psk: Option<&[u8]>, shared: &[u8], transcript: &[u8]) -> Option<Self> {
        let hash = suite.hash;
        let BulkCipher::Aead(aead) = suite.cipher else {
            return None;
        };
        let zeros = [0; 64];
        let zeros = &zeros[..hash.output_len()];
        let empty = hash.digest(b"");
        let early = extract(hash, b"", psk.unwrap_or(zeros));
        let salt = expand_label_secret(hash, &early, b"derived", &empty);
        let secret = extract(hash, salt.as_bytes(), shared);
        let so_far = transcript_hash(transcript, hash).ok()?;
        let salt = expand_label_secret(hash, &secret, b"derived", &empty);
        Some(Self {
            aead,
            hash,
            client_handshake: expand_label_secret(hash, &secret, b"c hs traffic", &so_far),
            server_handshake: expand_label_secret(hash, &secret, b"s hs traffic", &so_far),
            master: extract(hash, salt.as_bytes(), zeros),
        })
    }

    fn protection(&self, secret: Secret) -> Protection {
        Protection::tls13(self.aead, self.hash, secret)
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
        let hash = self.hash;
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
        finished_mac(self.hash, secret, transcript)
    }

    /// The PSK of a ticket with this nonce, from the transcript up to the client's Finished.
    pub fn resumption(&self, transcript: &[u8], nonce: &[u8]) -> Option<Secret> {
        let hash = self.hash;
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
    order: MacOrder,
    /// The master secret.
    pub master: Secret,
}

/// What the two hellos say of a TLS 1.2 session.
#[derive(Clone, Copy)]
pub struct Hellos<'a> {
    /// The client's.
    pub client_random: &'a [u8; 32],
    /// The server's.
    pub server: &'a ServerHello,
}

impl Tls12 {
    /// From a master secret that is known already.
    pub fn resumed(suite: Suite, master: Secret, hellos: Hellos<'_>) -> Self {
        let order = match hellos.server.extensions.encrypt_then_mac {
            true => MacOrder::EncryptThenMac,
            false => MacOrder::MacThenEncrypt,
        };
        Self {
            suite,
            order,
            master,
        }
    }

    /// From a key exchange, and the transcript up to the ClientKeyExchange.
    pub fn new(suite: Suite, premaster: &[u8], transcript: &[u8], hellos: Hellos<'_>) -> Self {
        let session_hash = suite.hash.digest(transcript);
        let seed = if hellos.server.extensions.extended_master_secret {
            MasterSecretSeed::Extended {
                session_hash: &session_hash,
            }
        } else {
            MasterSecretSeed::Classic {
                client_random: hellos.client_random,
                server_random: &hellos.server.random,
            }
        };
        Self::resumed(suite, master_secret(suite.hash, premaster, seed), hellos)
    }

    /// What the client writes with, and the server; for who is the client, or the server.
    pub fn keys(&self, hellos: Hellos<'_>, client: bool) -> (Protection, Protection) {
        let (mac, key, iv) = match self.suite.cipher {
            BulkCipher::Aead(aead @ AeadAlgorithm::Chacha20Poly1305) => (0, aead.key_len(), 12),
            BulkCipher::Aead(aead) => (0, aead.key_len(), 4),
            BulkCipher::Cbc(cbc) => (cbc.mac_len(), cbc.key_len(), 0),
        };
        let mut block = vec![0; 2 * (mac + key + iv)];
        let seed = [&hellos.server.random[..], hellos.client_random];
        let master = self.master.as_bytes();
        prf::tls12(self.suite.hash, master, b"key expansion", &seed, &mut block);
        let (macs, rest) = block.split_at(2 * mac);
        let (keys, ivs) = rest.split_at(2 * key);
        let half = |second: usize| {
            let key = &keys[second * key..][..key];
            let direction = match (second == 0) == client {
                true => Direction::Seal,
                false => Direction::Open,
            };
            match self.suite.cipher {
                BulkCipher::Aead(aead) => Protection::tls12(aead, key, &ivs[second * iv..][..iv]),
                BulkCipher::Cbc(cbc) => {
                    let mac_key = &macs[second * mac..][..mac];
                    Protection::cbc(cbc, self.order, direction, mac_key, key)
                }
            }
        };
        (half(0), half(1))
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

/// What a client protects early data with, from the ClientHello (RFC 9846 §7.1).
pub fn early_keys(suite: Suite, psk: &[u8], hello: &[u8]) -> Option<Protection> {
    let BulkCipher::Aead(aead) = suite.cipher else {
        return None;
    };
    let hash = suite.hash;
    let early = extract(hash, b"", psk);
    let secret = expand_label_secret(hash, &early, b"c e traffic", &hash.digest(hello));
    Some(Protection::tls13(aead, hash, secret))
}
