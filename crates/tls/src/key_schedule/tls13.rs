//! The TLS 1.3 key schedule (RFC 9846 §7.1), one type a stage: what a stage does not have cannot be
//! derived from it.
//!
//! ```text
//! EarlySecret ──shared secret──▶ HandshakeSecret ──▶ MasterSecret ──▶ resumption secret ──▶ PSKs
//!  │ binder key, early traffic    │ handshake traffic  │ application traffic ──▶ next ──▶ …
//! ```

use keyward_crypto::aead::NONCE_LEN;
use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::hkdf::{Secret, expand_label, expand_label_secret, extract};
use keyward_crypto::hmac::HmacKey;
use keyward_crypto::key_exchange::SharedSecret;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::record::Protection;
use crate::suites::Suite;

/// After the PSK, or the zeros in its place.
pub(crate) struct EarlySecret {
    suite: &'static Suite,
    secret: Secret,
}

impl EarlySecret {
    /// RFC 9846 §7.1: "If a given secret is not available, then the 0-value consisting of a string of
    /// Hash.length bytes set to zeros is used."
    pub(crate) fn new(suite: &'static Suite, psk: Option<&Secret>) -> Self {
        let zeros = zeros(suite.hash);
        let psk = psk.unwrap_or(&zeros);
        Self {
            suite,
            secret: extract(suite.hash, b"", psk.as_bytes()),
        }
    }

    /// The binder of a resumption PSK over the hash of the truncated ClientHello (RFC 9846 §4.3.11.2).
    pub(crate) fn verify_binder(&self, truncated: &Digest, binder: &[u8]) -> bool {
        let key = derive(self.suite, &self.secret, b"res binder", &self.empty_hash());
        finished_key(self.suite, &key).verify(&[truncated], binder)
    }

    /// The binder that a client sends for a resumption PSK, over the same hash.
    pub(crate) fn binder(&self, truncated: &Digest) -> Digest {
        let key = derive(self.suite, &self.secret, b"res binder", &self.empty_hash());
        finished_key(self.suite, &key).sign(&[truncated])
    }

    /// The client's secret for early data, for the ClientHello.
    pub(crate) fn early_traffic(&self, client_hello: &Digest) -> TrafficSecret {
        TrafficSecret {
            suite: self.suite,
            secret: derive(self.suite, &self.secret, b"c e traffic", client_hello),
        }
    }

    pub(crate) fn into_handshake(self, shared: &SharedSecret) -> HandshakeSecret {
        let salt = derive(self.suite, &self.secret, b"derived", &self.empty_hash());
        HandshakeSecret {
            suite: self.suite,
            secret: extract(self.suite.hash, salt.as_bytes(), shared.as_bytes()),
        }
    }

    fn empty_hash(&self) -> Digest {
        self.suite.hash.digest(b"")
    }
}

/// After the key exchange.
pub(crate) struct HandshakeSecret {
    suite: &'static Suite,
    secret: Secret,
}

impl HandshakeSecret {
    /// The secrets for ClientHello…ServerHello: the client's, the server's.
    pub(crate) fn traffic(&self, hello_hash: &Digest) -> (TrafficSecret, TrafficSecret) {
        let traffic = |label: &[u8]| TrafficSecret {
            suite: self.suite,
            secret: derive(self.suite, &self.secret, label, hello_hash),
        };
        (traffic(b"c hs traffic"), traffic(b"s hs traffic"))
    }

    pub(crate) fn into_master(self) -> MasterSecret {
        let salt = derive(
            self.suite,
            &self.secret,
            b"derived",
            &self.suite.hash.digest(b""),
        );
        let zeros = zeros(self.suite.hash);
        MasterSecret {
            suite: self.suite,
            secret: extract(self.suite.hash, salt.as_bytes(), zeros.as_bytes()),
        }
    }
}

/// The last stage.
pub(crate) struct MasterSecret {
    suite: &'static Suite,
    secret: Secret,
}

impl MasterSecret {
    /// The secrets for ClientHello…server Finished: the client's, the server's.
    pub(crate) fn traffic(&self, server_finished_hash: &Digest) -> (TrafficSecret, TrafficSecret) {
        let traffic = |label: &[u8]| TrafficSecret {
            suite: self.suite,
            secret: derive(self.suite, &self.secret, label, server_finished_hash),
        };
        (traffic(b"c ap traffic"), traffic(b"s ap traffic"))
    }

    /// For ClientHello…client Finished.
    pub(crate) fn into_resumption(self, client_finished_hash: &Digest) -> ResumptionSecret {
        ResumptionSecret {
            suite: self.suite,
            secret: derive(
                self.suite,
                &self.secret,
                b"res master",
                client_finished_hash,
            ),
        }
    }
}

/// What the PSKs of tickets come from.
pub(crate) struct ResumptionSecret {
    suite: &'static Suite,
    secret: Secret,
}

impl ResumptionSecret {
    /// RFC 9846 §4.7.1: "HKDF-Expand-Label(resumption_secret, "resumption", ticket_nonce,
    /// Hash.length)".
    pub(crate) fn psk(&self, ticket_nonce: &[u8]) -> Secret {
        expand_label_secret(self.suite.hash, &self.secret, b"resumption", ticket_nonce)
    }
}

/// What protects one direction until the keys change.
pub(crate) struct TrafficSecret {
    suite: &'static Suite,
    secret: Secret,
}

impl TrafficSecret {
    /// RFC 9846 §7.3: `[sender]_write_key` and `[sender]_write_iv`.
    pub(crate) fn protection(&self) -> Result<Protection, Error> {
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..self.suite.aead.key_len()];
        let mut iv = Zeroizing::new([0; NONCE_LEN]);
        expand_label(self.suite.hash, &self.secret, b"key", b"", key);
        expand_label(self.suite.hash, &self.secret, b"iv", b"", iv.as_mut_slice());
        Protection::tls13(self.suite.aead, key, &iv)
    }

    /// RFC 9846 §4.5.3: the MAC of a Finished over the transcript.
    pub(crate) fn finished(&self, transcript: &Digest) -> Digest {
        finished_key(self.suite, &self.secret).sign(&[transcript])
    }

    /// Whether a Finished is right, in constant time.
    pub(crate) fn verify_finished(&self, transcript: &Digest, verify_data: &[u8]) -> bool {
        finished_key(self.suite, &self.secret).verify(&[transcript], verify_data)
    }

    /// RFC 9846 §7.2: the secret after a KeyUpdate.
    pub(crate) fn next(&self) -> Self {
        Self {
            suite: self.suite,
            secret: expand_label_secret(self.suite.hash, &self.secret, b"traffic upd", b""),
        }
    }
}

/// RFC 9846 §7.1: "Derive-Secret(Secret, Label, Messages) = HKDF-Expand-Label(Secret, Label,
/// Transcript-Hash(Messages), Hash.length)".
fn derive(suite: &Suite, secret: &Secret, label: &[u8], transcript: &Digest) -> Secret {
    expand_label_secret(suite.hash, secret, label, transcript)
}

fn finished_key(suite: &Suite, base: &Secret) -> HmacKey {
    let key = expand_label_secret(suite.hash, base, b"finished", b"");
    HmacKey::new(suite.hash, key.as_bytes())
}

fn zeros(hash: HashAlgorithm) -> Secret {
    Secret::from_slice(&[0; Secret::MAX_LEN][..hash.output_len()])
}
