//! The key schedule of TLS 1.2: master secret, key block, Finished (RFC 5246 §6.3, §7.4.9, §8.1).

use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::hkdf::Secret;
use keyward_crypto::prf;
use keyward_keyop::tls12::{self, MASTER_SECRET_LEN, MasterSecretSeed};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::record::Protection;
use crate::suites::Suite;

/// The master secret of a session, with the PRF hash of its cipher suite.
pub(crate) struct MasterSecret {
    secret: Secret,
    hash: HashAlgorithm,
}

/// The randoms of ClientHello and ServerHello.
pub(crate) struct Randoms {
    pub(crate) client: [u8; 32],
    pub(crate) server: [u8; 32],
}

/// RFC 5246 §7.4.9: "In previous versions of TLS, the verify_data was always 12 octets long. In the
/// current version of TLS, it depends on the cipher suite. Any cipher suite which does not
/// explicitly specify verify_data_length has a verify_data_length equal to 12."
pub(crate) const VERIFY_DATA_LEN: usize = 12;

impl MasterSecret {
    /// As the key server made it from an RSA-encrypted premaster secret.
    pub(crate) fn new(suite: &Suite, secret: Secret) -> Self {
        Self {
            secret,
            hash: suite.hash,
        }
    }

    /// From the premaster secret that ECDHE gave.
    pub(crate) fn derive(suite: &Suite, premaster: &[u8], seed: MasterSecretSeed<'_>) -> Self {
        Self::new(suite, tls12::master_secret(suite.hash, premaster, seed))
    }

    /// Of the session that is resumed; `None` if it is no master secret.
    pub(crate) fn of_session(suite: &Suite, secret: &Secret) -> Option<Self> {
        (secret.len() == MASTER_SECRET_LEN).then(|| Self::new(suite, secret.clone()))
    }

    /// For the session to be resumed with.
    pub(crate) fn to_session(&self) -> Secret {
        self.secret.clone()
    }

    /// The protection of records from the client and of those from the server.
    ///
    /// RFC 5246 §6.3: "key_block = PRF(SecurityParameters.master_secret, "key expansion",
    /// SecurityParameters.server_random + SecurityParameters.client_random)", then "partitioned as
    /// follows: ... client_write_key ... server_write_key ... client_write_IV ... server_write_IV".
    /// AEAD has no MAC keys.
    pub(crate) fn protections(
        &self,
        suite: &Suite,
        randoms: &Randoms,
    ) -> Result<(Protection, Protection), Error> {
        let key_len = suite.aead.key_len();
        let iv_len = Protection::tls12_fixed_iv_len(suite.aead);
        let mut block = Zeroizing::new(vec![0; 2 * (key_len + iv_len)]);
        let seed = [randoms.server.as_slice(), &randoms.client];
        let secret = self.secret.as_bytes();
        prf::tls12(self.hash, secret, b"key expansion", &seed, &mut block);

        let (keys, ivs) = block.split_at(2 * key_len);
        let (client_key, server_key) = keys.split_at(key_len);
        let (client_iv, server_iv) = ivs.split_at(iv_len);
        Ok((
            Protection::tls12(suite.aead, client_key, client_iv)?,
            Protection::tls12(suite.aead, server_key, server_iv)?,
        ))
    }

    /// The verify_data of the server's Finished over the messages before it.
    pub(crate) fn server_finished(&self, transcript: &Digest) -> [u8; VERIFY_DATA_LEN] {
        self.finished(b"server finished", transcript)
    }

    /// Whether this is the verify_data of the client's Finished.
    pub(crate) fn verify_client_finished(&self, transcript: &Digest, verify_data: &[u8]) -> bool {
        self.finished(b"client finished", transcript)
            .ct_eq(verify_data)
            .into()
    }

    /// RFC 5246 §7.4.9: "PRF(master_secret, finished_label, Hash(handshake_messages))
    /// [0..verify_data_length-1]".
    fn finished(&self, label: &[u8], transcript: &Digest) -> [u8; VERIFY_DATA_LEN] {
        let mut verify_data = [0; VERIFY_DATA_LEN];
        let secret = self.secret.as_bytes();
        prf::tls12(self.hash, secret, label, &[transcript], &mut verify_data);
        verify_data
    }
}
