//! The TLS 1.3 key schedule (RFC 9846 §7.1), one type a stage: what a stage does not have cannot be
//! derived from it.
//!
//! ```text
//! EarlySecret ──shared secret──▶ HandshakeSecret ──▶ MasterSecret ──▶ resumption secret ──▶ PSKs
//!  │ binder key, early traffic,   │ handshake traffic  │ application traffic ──▶ next ──▶ …
//!    early exporter secret          secrets               secrets, exporter secret
//! ```

use keyward_crypto::aead::NONCE_LEN;
use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::hkdf::{self, Expander, Secret, expand_label_secret, extract};
use keyward_crypto::hmac;
use keyward_crypto::key_exchange::SharedSecret;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::record::Protection;
use crate::suites::Suite;

#[cfg(test)]
mod rfc8448;

/// After the PSK, or the zeros in its place.
pub(crate) struct EarlySecret {
    suite: &'static Suite,
    /// `None` without a PSK: what follows from the zeros is the same in every handshake.
    psk: Option<OfPsk>,
}

/// What follows from a PSK alone.
struct OfPsk {
    secret: Secret,
    /// `binder_key` of a resumption PSK.
    binder_key: Secret,
    /// What goes into the next stage.
    derived: Secret,
}

impl EarlySecret {
    pub(crate) fn new(suite: &'static Suite, psk: Option<&Secret>) -> Self {
        Self {
            suite,
            psk: psk.map(|psk| OfPsk::new(suite.hash, psk)),
        }
    }

    /// Whether this is the binder of a resumption PSK over the hash of the truncated ClientHello (RFC 9846 §4.3.11.2).
    pub(crate) fn verify_binder(&self, truncated: &Digest, binder: &[u8]) -> bool {
        self.binder_finished().verify(truncated, binder)
    }

    /// The binder that a client sends for a resumption PSK, over the same hash.
    pub(crate) fn binder(&self, truncated: &Digest) -> Digest {
        self.binder_finished().mac(truncated)
    }

    fn binder_finished(&self) -> FinishedKey {
        let of = |base| {
            hkdf::expand(self.suite.hash, base, |base| {
                FinishedKey::new(self.suite, base)
            })
        };
        match &self.psk {
            Some(psk) => of(&psk.binder_key),
            None => of(&self.derive(b"res binder", &self.suite.hash.digest(b""))),
        }
    }

    /// The client's secret for early data, for the ClientHello.
    pub(crate) fn early_traffic(&self, client_hello: &Digest) -> TrafficSecret {
        TrafficSecret {
            suite: self.suite,
            secret: self.derive(b"c e traffic", client_hello),
        }
    }

    /// `early_exporter_secret`, for the ClientHello.
    pub(crate) fn exporter(&self, client_hello: &Digest) -> Secret {
        self.derive(b"e exp master", client_hello)
    }

    pub(crate) fn into_handshake(self, shared: &SharedSecret) -> HandshakeSecret {
        let hash = self.suite.hash;
        let secret = match (&self.psk, derived_without_psk(hash)) {
            (Some(psk), _) => extract(hash, psk.derived.as_bytes(), shared.as_bytes()),
            (None, Some(salt)) => extract(hash, salt, shared.as_bytes()),
            (None, None) => {
                let salt = self.derive(b"derived", &hash.digest(b""));
                extract(hash, salt.as_bytes(), shared.as_bytes())
            }
        };
        HandshakeSecret {
            suite: self.suite,
            secret,
        }
    }

    fn derive(&self, label: &[u8], transcript: &Digest) -> Secret {
        match &self.psk {
            Some(psk) => derive(self.suite, &psk.secret, label, transcript),
            None => {
                let secret = secret_without_psk(self.suite.hash);
                derive(self.suite, &secret, label, transcript)
            }
        }
    }
}

impl OfPsk {
    fn new(hash: HashAlgorithm, psk: &Secret) -> Self {
        let secret = extract(hash, b"", psk.as_bytes());
        let nothing = hash.digest(b"");
        let (binder_key, derived) = hkdf::expand(hash, &secret, |stage| {
            (
                stage.secret(b"res binder", &nothing),
                stage.secret(b"derived", &nothing),
            )
        });
        Self {
            secret,
            binder_key,
            derived,
        }
    }
}

/// RFC 9846 §7.1: "If a given secret is not available, then the 0-value consisting of a string of
/// Hash.length bytes set to zeros is used."
fn secret_without_psk(hash: HashAlgorithm) -> Secret {
    extract(hash, b"", zeros(hash))
}

/// Derive-Secret of it with the label "derived" and no messages, which RFC 8448 §3 shows for SHA-256.
fn derived_without_psk(hash: HashAlgorithm) -> Option<&'static [u8]> {
    match hash {
        HashAlgorithm::Sha256 => Some(&[
            0x6f, 0x26, 0x15, 0xa1, 0x08, 0xc7, 0x02, 0xc5, 0x67, 0x8f, 0x54, 0xfc, 0x9d, 0xba,
            0xb6, 0x97, 0x16, 0xc0, 0x76, 0x18, 0x9c, 0x48, 0x25, 0x0c, 0xeb, 0xea, 0xc3, 0x57,
            0x6c, 0x36, 0x11, 0xba,
        ]),
        HashAlgorithm::Sha384 => Some(&[
            0x15, 0x91, 0xda, 0xc5, 0xcb, 0xbf, 0x03, 0x30, 0xa4, 0xa8, 0x4d, 0xe9, 0xc7, 0x53,
            0x33, 0x0e, 0x92, 0xd0, 0x1f, 0x0a, 0x88, 0x21, 0x4b, 0x44, 0x64, 0x97, 0x2f, 0xd6,
            0x68, 0x04, 0x9e, 0x93, 0xe5, 0x2f, 0x2b, 0x16, 0xfa, 0xd9, 0x22, 0xfd, 0xc0, 0x58,
            0x44, 0x78, 0x42, 0x8f, 0x28, 0x2b,
        ]),
        HashAlgorithm::Sha1 | HashAlgorithm::Sha512 => None,
    }
}

/// After the key exchange.
pub(crate) struct HandshakeSecret {
    suite: &'static Suite,
    secret: Secret,
}

impl HandshakeSecret {
    /// The secrets for ClientHello…ServerHello, the client's and the server's; and the next stage.
    pub(crate) fn traffic(
        &self,
        hello_hash: &Digest,
    ) -> (TrafficSecret, TrafficSecret, MasterSecret) {
        let suite = self.suite;
        let (client, server, salt) = hkdf::expand(suite.hash, &self.secret, |stage| {
            (
                stage.secret(b"c hs traffic", hello_hash),
                stage.secret(b"s hs traffic", hello_hash),
                stage.secret(b"derived", &suite.hash.digest(b"")),
            )
        });
        let master = MasterSecret {
            suite,
            secret: extract(suite.hash, salt.as_bytes(), zeros(suite.hash)),
        };
        let [client, server] = [client, server].map(|secret| TrafficSecret { suite, secret });
        (client, server, master)
    }
}

/// The last stage.
pub(crate) struct MasterSecret {
    suite: &'static Suite,
    secret: Secret,
}

impl MasterSecret {
    /// The secrets for ClientHello…server Finished: the client's, the server's, and `exporter_secret`.
    pub(crate) fn traffic(
        &self,
        server_finished_hash: &Digest,
    ) -> (TrafficSecret, TrafficSecret, Secret) {
        let suite = self.suite;
        hkdf::expand(suite.hash, &self.secret, |stage| {
            let mut secret = |label| stage.secret(label, server_finished_hash);
            let [client, server] = [b"c ap traffic", b"s ap traffic"].map(|label| TrafficSecret {
                suite,
                secret: secret(label),
            });
            (client, server, secret(b"exp master"))
        })
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

    /// What this many tickets are made of, whose nonces count from 0 in one byte.
    ///
    /// RFC 9846 §4.7.1: ticket_age_add is "A securely generated, random 32-bit value", and "The server MUST generate a
    /// fresh value for each ticket it sends." These are as fresh as the secret, which nobody but the two peers has, and
    /// cost less than a draw of random bytes.
    pub(crate) fn tickets(&self, count: u8) -> Vec<Ticket> {
        let mut age_adds = [0; 4 * u8::MAX as usize];
        let age_adds = &mut age_adds[..4 * usize::from(count)];
        hkdf::expand(self.suite.hash, &self.secret, |secret| {
            secret.label(b"keyward age", b"", age_adds);
            let (age_adds, _) = age_adds.as_chunks();
            let tickets = (0..count).zip(age_adds).map(|(nonce, age_add)| Ticket {
                nonce,
                psk: secret.secret(b"resumption", &[nonce]),
                age_add: u32::from_be_bytes(*age_add),
            });
            tickets.collect()
        })
    }
}

/// What a ticket is made of.
pub(crate) struct Ticket {
    /// `ticket_nonce`
    pub(crate) nonce: u8,
    pub(crate) psk: Secret,
    /// `ticket_age_add`
    pub(crate) age_add: u32,
}

/// What protects one direction until the keys change.
pub(crate) struct TrafficSecret {
    suite: &'static Suite,
    secret: Secret,
}

impl TrafficSecret {
    /// For the key log.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The protection of records.
    pub(crate) fn protection(&self) -> Result<Protection, Error> {
        hkdf::expand(self.suite.hash, &self.secret, |secret| {
            protection(self.suite, secret)
        })
    }

    /// The key of the Finished, of a secret of the handshake.
    pub(crate) fn finished_key(&self) -> FinishedKey {
        hkdf::expand(self.suite.hash, &self.secret, |secret| {
            FinishedKey::new(self.suite, secret)
        })
    }

    /// Both.
    pub(crate) fn handshake_keys(&self) -> Result<(Protection, FinishedKey), Error> {
        hkdf::expand(self.suite.hash, &self.secret, |secret| {
            let finished = FinishedKey::new(self.suite, secret);
            Ok((protection(self.suite, secret)?, finished))
        })
    }

    /// RFC 9846 §7.2: the secret after a KeyUpdate.
    pub(crate) fn next(&self) -> Self {
        Self {
            suite: self.suite,
            secret: expand_label_secret(self.suite.hash, &self.secret, b"traffic upd", b""),
        }
    }
}

/// RFC 9846 §7.3: `[sender]_write_key` and `[sender]_write_iv`.
fn protection(suite: &Suite, secret: &mut Expander<'_>) -> Result<Protection, Error> {
    let mut key = Zeroizing::new([0; 32]);
    let aead = suite
        .aead()
        .ok_or(Error::Internal("a TLS 1.3 suite without AEAD"))?;
    let key = &mut key[..aead.key_len()];
    let mut iv = Zeroizing::new([0; NONCE_LEN]);
    secret.label(b"key", b"", key);
    secret.label(b"iv", b"", iv.as_mut_slice());
    Protection::tls13(aead, key, &iv)
}

/// What makes the MAC of a Finished, and of a binder.
///
/// RFC 9846 §4.5.3: "verify_data = HMAC(finished_key, Transcript-Hash(...))", the key
/// "HKDF-Expand-Label(BaseKey, "finished", "", Hash.length)".
pub(crate) struct FinishedKey {
    hash: HashAlgorithm,
    key: Secret,
}

impl FinishedKey {
    fn new(suite: &Suite, base: &mut Expander<'_>) -> Self {
        Self {
            hash: suite.hash,
            key: base.secret(b"finished", b""),
        }
    }

    /// The MAC over the transcript.
    pub(crate) fn mac(&self, transcript: &Digest) -> Digest {
        hmac::tag(self.hash, self.key.as_bytes(), &[transcript])
    }

    /// Whether this is the MAC over the transcript, in constant time.
    pub(crate) fn verify(&self, transcript: &Digest, mac: &[u8]) -> bool {
        self.mac(transcript).ct_eq(mac).into()
    }
}

/// RFC 9846 §7.1: "Derive-Secret(Secret, Label, Messages) = HKDF-Expand-Label(Secret, Label,
/// Transcript-Hash(Messages), Hash.length)".
fn derive(suite: &Suite, secret: &Secret, label: &[u8], transcript: &Digest) -> Secret {
    expand_label_secret(suite.hash, secret, label, transcript)
}

fn zeros(hash: HashAlgorithm) -> &'static [u8] {
    &[0; Secret::MAX_LEN][..hash.output_len()]
}

#[cfg(test)]
pub(crate) mod tests {
    use keyward_wire::values::CipherSuite;

    use super::*;

    pub(crate) fn traffic_secret() -> TrafficSecret {
        TrafficSecret {
            suite: Suite::of(CipherSuite::TLS_AES_128_GCM_SHA256).expect("a suite of ours"),
            secret: Secret::from_slice(&[7; 32]),
        }
    }

    #[test]
    fn what_follows_from_no_psk_is_what_it_should_be() {
        for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
            let early = secret_without_psk(hash);
            let derived = expand_label_secret(hash, &early, b"derived", &hash.digest(b""));
            assert_eq!(derived_without_psk(hash), Some(derived.as_bytes()));
        }
    }
}
