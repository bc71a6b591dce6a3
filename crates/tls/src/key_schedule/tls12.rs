//! The key schedule of TLS 1.2: master secret, key block, Finished (RFC 5246 §6.3, §7.4.9, §8.1).

use std::sync::Arc;

use keyward_crypto::cbc::Direction;
use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::hkdf::Secret;
use keyward_crypto::prf;
use keyward_crypto::random::SecureRandom;
use keyward_keyop::tls12::{self, MASTER_SECRET_LEN, MasterSecretSeed};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::common::Common;
use crate::error::Error;
use crate::exporter::{Exporter, Tls12Exporter};
use crate::key_log;
use crate::record::{CbcRecords, Protection};
use crate::suites::{BulkCipher, Suite};

/// The master secret of a session, with the PRF hash of its cipher suite.
pub(crate) struct MasterSecret {
    secret: Secret,
    hash: HashAlgorithm,
}

/// The randoms of ClientHello and ServerHello.
#[derive(Clone, Copy)]
pub(crate) struct Randoms {
    pub(crate) client: [u8; 32],
    pub(crate) server: [u8; 32],
}

impl MasterSecret {
    /// As the key server made it from an RSA-encrypted premaster secret.
    pub(crate) fn new(suite: &Suite, secret: Secret) -> Self {
        Self {
            secret,
            hash: suite.hash,
        }
    }

    /// From a premaster secret.
    pub(crate) fn derive(suite: &Suite, premaster: &[u8], seed: MasterSecretSeed<'_>) -> Self {
        Self::new(suite, tls12::master_secret(suite.hash, premaster, seed))
    }

    /// Of the session that is resumed; `None` if it is no master secret.
    pub(crate) fn of_session(suite: &Suite, secret: &Secret) -> Option<Self> {
        (secret.len() == MASTER_SECRET_LEN).then(|| Self::new(suite, secret.clone()))
    }

    /// Puts it into the key log, and lets keying material be exported from it.
    ///
    /// RFC 7627 §5.4: without the extended master secret, "the client or server MUST NOT export any key
    /// material based on the new master secret for any subsequent application-level authentication."
    pub(crate) fn publish(&self, randoms: Randoms, extended: bool, common: &mut Common) {
        common.key_log.set_client_random(&randoms.client);
        common
            .key_log
            .add(key_log::label::CLIENT_RANDOM, &self.secret);
        common.exporter = extended.then(|| {
            Exporter::Tls12(Box::new(Tls12Exporter {
                master_secret: self.secret.clone(),
                hash: self.hash,
                randoms,
            }))
        });
    }

    /// For the session to be resumed with.
    pub(crate) fn to_session(&self) -> Secret {
        self.secret.clone()
    }

    /// The protection of the records that this side writes, and of those that it reads.
    ///
    /// RFC 5246 §6.3: "key_block = PRF(SecurityParameters.master_secret, "key expansion",
    /// SecurityParameters.server_random + SecurityParameters.client_random)", then "partitioned as
    /// follows: client_write_MAC_key ... server_write_MAC_key ... client_write_key ... server_write_key
    /// ... client_write_IV ... server_write_IV". AEAD has no MAC keys; CBC has no IVs, for each record
    /// brings its own.
    pub(crate) fn protections(
        &self,
        side: Side,
        terms: &Terms<'_>,
        random: &Arc<dyn SecureRandom>,
    ) -> Result<Protections, Error> {
        let suite = terms.suite;
        let (mac_len, key_len, iv_len) = match suite.cipher {
            BulkCipher::Aead(aead) => (0, aead.key_len(), Protection::tls12_fixed_iv_len(aead)),
            BulkCipher::Cbc(cbc) => (cbc.mac_len(), cbc.key_len(), 0),
        };
        let mut block = Zeroizing::new(vec![0; 2 * (mac_len + key_len + iv_len)]);
        let seed = [terms.randoms.server.as_slice(), &terms.randoms.client];
        let secret = self.secret.as_bytes();
        prf::tls12(self.hash, secret, b"key expansion", &seed, &mut block);

        let (mac_keys, rest) = block.split_at(2 * mac_len);
        let (keys, ivs) = rest.split_at(2 * key_len);
        let protection = |writer: Side| {
            let half = |len: usize| match writer {
                Side::Client => 0..len,
                Side::Server => len..2 * len,
            };
            let key = &keys[half(key_len)];
            match suite.cipher {
                BulkCipher::Aead(aead) => Protection::tls12(aead, key, &ivs[half(iv_len)]),
                BulkCipher::Cbc(cbc) => {
                    let direction = if writer == side {
                        Direction::Seal
                    } else {
                        Direction::Open
                    };
                    let keys = (&mac_keys[half(mac_len)], key);
                    CbcRecords::new(cbc, terms.encrypt_then_mac, direction, keys, random)
                        .map(Protection::cbc)
                }
            }
        };
        Ok(Protections {
            write: protection(side)?,
            read: protection(side.peer())?,
        })
    }

    /// The verify_data of the Finished that this side sends over the messages before it.
    ///
    /// RFC 5246 §7.4.9: "PRF(master_secret, finished_label, Hash(handshake_messages))
    /// [0..verify_data_length-1]".
    pub(crate) fn verify_data(&self, sender: Side, transcript: &Digest) -> VerifyData {
        let label: &[u8] = match sender {
            Side::Client => b"client finished",
            Side::Server => b"server finished",
        };
        let mut verify_data = [0; VERIFY_DATA_LEN];
        let secret = self.secret.as_bytes();
        prf::tls12(self.hash, secret, label, &[transcript], &mut verify_data);
        VerifyData(verify_data)
    }
}

/// What the keys of a connection depend on beside its master secret.
pub(crate) struct Terms<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) randoms: &'a Randoms,
    /// RFC 7366; means nothing to AEAD suites.
    pub(crate) encrypt_then_mac: bool,
}

/// The keys of one side, to be put into force one after the other.
pub(crate) struct Protections {
    pub(crate) write: Protection,
    pub(crate) read: Protection,
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a Finished proves. No secret once it is sent, but compared in constant time all the same.
#[derive(Clone, Copy)]
pub(crate) struct VerifyData([u8; VERIFY_DATA_LEN]);

/// RFC 5246 §7.4.9: "In previous versions of TLS, the verify_data was always 12 octets long. In the
/// current version of TLS, it depends on the cipher suite. Any cipher suite which does not
/// explicitly specify verify_data_length has a verify_data_length equal to 12."
const VERIFY_DATA_LEN: usize = 12;

impl VerifyData {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn is(&self, received: &[u8]) -> bool {
        self.0.ct_eq(received).into()
    }
}
