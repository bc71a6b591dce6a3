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
    pub(crate) fn publish(self, randoms: Randoms, extended: bool, common: &mut Common) {
        common.key_log.set_client_random(&randoms.client);
        common
            .key_log
            .add(key_log::label::CLIENT_RANDOM, &self.secret);
        common.exporter = extended.then(|| {
            Exporter::Tls12(Box::new(Tls12Exporter {
                master_secret: self.secret,
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

/// No RFC has values for the master secret, the key block and Finished: these are OpenSSL's (`openssl kdf TLS1-PRF`,
/// 3.0.22).
#[cfg(test)]
mod tests {
    use keyward_crypto::aead::AeadAlgorithm;
    use keyward_crypto::cbc::CbcAlgorithm;
    use keyward_crypto::random::SystemRandom;
    use keyward_wire::values::{CipherSuite, ContentType};

    use super::*;
    use crate::rfc8448::unhex;

    const RANDOMS: Randoms = Randoms {
        client: [0xc1; 32],
        server: [0x5e; 32],
    };

    struct Values {
        suite: CipherSuite,
        classic: &'static str,
        extended: &'static str,
        key_block: &'static str,
        client_finished: &'static str,
        server_finished: &'static str,
    }

    const SHA256: Values = Values {
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        classic: "a93d5f2fba11e21cbde8e2519d1669e49fc0562cd70424ddf8d7a5c649f527a16997aa93a3ba746b36fa2234aacfddb1",
        extended: "eea7b66e5e5f150058446032d53e77cccec702ed4b60d8819d14fba01fad489ea6d77974be08ee8f08601609696ef529",
        key_block: "bfd7f0022027919205ca98218bd808b6dccc22b8b8591392bc921bf96fd6ebce1692ca754256d0a7a943b0abb9c4119e\
                    9c7cce485bb22c973da9f764b81ea8af2cddcdd14efdfa981be8639fd356c4e59775049840e70c0e",
        client_finished: "d2cff2a5f2e21934092b61f9",
        server_finished: "a8967f37cc3364641ef80dc7",
    };

    const SHA384: Values = Values {
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        classic: "bf2cccbde60a12baab04dea73bd3697060e9425a035756d9ddb02a785a956c2ad03d023213fd5351d5e897a60410b0c6",
        extended: "69811dc3271b811a6995c5558f569b3d5ec206b18b583222a254eacbe69110eed1727c295e3eb4c21365b9b907dbf3fe",
        key_block: "2981366474990125225e8500235e63f1c91bf9192dc9a7883a00cafd35e8754a3ff7b418c94dc08232ead262688f0e15\
                    b51d29136e7170610f910bfd995559bee7842804f26482f9685bf28a047d930cca2f326d87191764",
        client_finished: "550cbbd1da6ae97b9d03e868",
        server_finished: "b3752812005572da05b911b3",
    };

    fn extended(suite: &Suite) -> MasterSecret {
        let premaster: Vec<u8> = (0..48).collect();
        let session_hash = suite.hash.digest(b"session");
        let seed = MasterSecretSeed::Extended {
            session_hash: &session_hash,
        };
        MasterSecret::derive(suite, &premaster, seed)
    }

    #[test]
    fn master_secrets_and_finished() {
        for values in [SHA256, SHA384] {
            let suite = Suite::of(values.suite).unwrap();
            let premaster: Vec<u8> = (0..48).collect();
            let seed = MasterSecretSeed::Classic {
                client_random: &RANDOMS.client,
                server_random: &RANDOMS.server,
            };
            let classic = MasterSecret::derive(suite, &premaster, seed);
            assert_eq!(classic.secret.as_bytes(), unhex(values.classic));
            let extended = extended(suite);
            assert_eq!(extended.secret.as_bytes(), unhex(values.extended));
            let transcript = suite.hash.digest(b"session");
            for (side, expected) in [
                (Side::Client, values.client_finished),
                (Side::Server, values.server_finished),
            ] {
                let verify_data = extended.verify_data(side, &transcript);
                assert_eq!(verify_data.as_bytes(), unhex(expected));
                assert!(verify_data.is(&unhex(expected)));
            }
        }
    }

    fn protections(side: Side, suite: &Suite) -> Protections {
        let terms = Terms {
            suite,
            randoms: &RANDOMS,
            encrypt_then_mac: false,
        };
        let random: Arc<dyn SecureRandom> = Arc::new(SystemRandom);
        extended(suite).protections(side, &terms, &random).unwrap()
    }

    fn sealed(protection: &mut Protection) -> Vec<u8> {
        let mut record = Vec::new();
        protection
            .seal(ContentType::HANDSHAKE, b"content", &mut record)
            .unwrap();
        record
    }

    fn assert_opens(protection: &mut Protection, mut record: Vec<u8>) {
        let (header, body) = record.split_first_chunk_mut().unwrap();
        let (content_type, content) = protection.open(*header, body).unwrap();
        assert_eq!(content_type, ContentType::HANDSHAKE);
        assert_eq!(body[content], *b"content");
    }

    /// RFC 5246 §6.3: the client's key, the server's, the client's IV, the server's.
    #[test]
    fn the_key_block_of_aead_suites() {
        for (values, aead) in [
            (SHA256, AeadAlgorithm::Aes128Gcm),
            (SHA384, AeadAlgorithm::Aes256Gcm),
        ] {
            let block = unhex(values.key_block);
            let (keys, ivs) = block.split_at(2 * aead.key_len());
            let suite = Suite::of(values.suite).unwrap();
            for (at, side) in [Side::Client, Side::Server].into_iter().enumerate() {
                let key = &keys[at * aead.key_len()..][..aead.key_len()];
                let mut expected = Protection::tls12(aead, key, &ivs[4 * at..][..4]).unwrap();
                let record = sealed(&mut expected);
                let mut ours = protections(side, suite);
                assert_eq!(sealed(&mut ours.write), record);
                assert_opens(&mut protections(side.peer(), suite).read, record);
            }
        }
    }

    /// The MAC keys come first.
    #[test]
    fn the_key_block_of_a_cbc_suite() {
        let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA;
        let suite = Suite::of(suite).unwrap();
        let BulkCipher::Cbc(cbc) = suite.cipher else {
            panic!("it is a CBC suite");
        };
        assert_eq!(cbc, CbcAlgorithm::Aes128Sha1);
        let block = unhex(SHA256.key_block);
        let random: Arc<dyn SecureRandom> = Arc::new(SystemRandom);
        for (at, side) in [Side::Client, Side::Server].into_iter().enumerate() {
            let keys = (&block[20 * at..][..20], &block[40 + 16 * at..][..16]);
            let records = CbcRecords::new(cbc, false, Direction::Open, keys, &random);
            let mut expected = Protection::cbc(records.unwrap());
            assert_opens(&mut expected, sealed(&mut protections(side, suite).write));
        }
    }
}
