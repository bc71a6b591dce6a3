//! The cipher suites that the engine speaks, and what each stands for.

use keyward_crypto::aead::AeadAlgorithm;
use keyward_crypto::cbc::CbcAlgorithm;
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::KeyKind;
use keyward_wire::values::{CipherSuite, ProtocolVersion};

/// What a cipher suite stands for.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) code: CipherSuite,
    pub(crate) key_exchange: KeyExchange,
    pub(crate) cipher: BulkCipher,
    /// Of HKDF and the transcript in TLS 1.3, of the PRF in TLS 1.2.
    pub(crate) hash: HashAlgorithm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyExchange {
    /// TLS 1.3 negotiates key exchange and authentication apart from the suite.
    Tls13,
    /// ECDHE, signed with an ECDSA or EdDSA key.
    EcdheEcdsa,
    /// ECDHE, signed with an RSA key.
    EcdheRsa,
    /// DHE in a finite field, signed with an RSA key.
    DheRsa,
    /// RSA key transport.
    Rsa,
}

/// What protects records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BulkCipher {
    Aead(AeadAlgorithm),
    /// AES-CBC with HMAC, of TLS 1.2 alone.
    Cbc(CbcAlgorithm),
}

impl KeyExchange {
    /// Whether the server signs an ephemeral share of its own.
    pub(crate) fn is_ephemeral(self) -> bool {
        matches!(self, Self::EcdheEcdsa | Self::EcdheRsa | Self::DheRsa)
    }

    /// Whether the ephemeral shares are points of an elliptic curve.
    pub(crate) fn is_elliptic_curve(self) -> bool {
        matches!(self, Self::EcdheEcdsa | Self::EcdheRsa)
    }
}

impl Suite {
    pub(crate) fn of(code: CipherSuite) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.code == code)
    }

    pub(crate) fn version(&self) -> ProtocolVersion {
        match self.key_exchange {
            KeyExchange::Tls13 => ProtocolVersion::TLS13,
            _ => ProtocolVersion::TLS12,
        }
    }

    /// The AEAD; `None` for a CBC suite.
    pub(crate) fn aead(&self) -> Option<AeadAlgorithm> {
        match self.cipher {
            BulkCipher::Aead(algorithm) => Some(algorithm),
            BulkCipher::Cbc(_) => None,
        }
    }

    pub(crate) fn is_cbc(&self) -> bool {
        matches!(self.cipher, BulkCipher::Cbc(_))
    }

    /// Whether a server with a key of this kind can do what the suite asks of it.
    pub(crate) fn fits(&self, key: KeyKind) -> bool {
        let decrypts = matches!(key, KeyKind::Rsa { .. });
        // RFC 9846 §4.3.3 lets RSASSA-PSS sign in TLS 1.2, with keys that do nothing else as well.
        let signs = decrypts || matches!(key, KeyKind::RsaPss { .. });
        match self.key_exchange {
            KeyExchange::Tls13 => true,
            // RFC 8422 §2.1: "the server's certificate MUST contain an ECDSA- or EdDSA-capable public
            // key".
            KeyExchange::EcdheEcdsa => matches!(
                key,
                KeyKind::EcP256 | KeyKind::EcP384 | KeyKind::EcP521 | KeyKind::Ed25519
            ),
            KeyExchange::EcdheRsa | KeyExchange::DheRsa => signs,
            KeyExchange::Rsa => decrypts,
        }
    }

    /// Whether a policy must say `legacy` before the suite is used.
    ///
    /// RFC 10015 takes RSA key transport and finite-field DHE out of use; CBC has had a padding oracle
    /// too many.
    pub(crate) fn is_legacy(&self) -> bool {
        matches!(self.key_exchange, KeyExchange::Rsa | KeyExchange::DheRsa) || self.is_cbc()
    }
}

const fn aead(
    code: CipherSuite,
    key_exchange: KeyExchange,
    algorithm: AeadAlgorithm,
    hash: HashAlgorithm,
) -> Suite {
    Suite {
        code,
        key_exchange,
        cipher: BulkCipher::Aead(algorithm),
        hash,
    }
}

/// RFC 5246 §5: all suites use the PRF with SHA-256 unless they say otherwise; those of RFC 5289 with
/// SHA-384 in their name do.
const fn cbc(code: CipherSuite, key_exchange: KeyExchange, algorithm: CbcAlgorithm) -> Suite {
    Suite {
        code,
        key_exchange,
        cipher: BulkCipher::Cbc(algorithm),
        hash: match algorithm {
            CbcAlgorithm::Aes256Sha384 => HashAlgorithm::Sha384,
            _ => HashAlgorithm::Sha256,
        },
    }
}

#[rustfmt::skip]
static SUITES: [Suite; 30] = {
    use AeadAlgorithm::{Aes128Gcm, Aes256Gcm, Chacha20Poly1305};
    use CbcAlgorithm::{Aes128Sha1, Aes128Sha256, Aes256Sha1, Aes256Sha256, Aes256Sha384};
    use CipherSuite as C;
    use HashAlgorithm::{Sha256, Sha384};
    use KeyExchange::{DheRsa, EcdheEcdsa, EcdheRsa, Rsa, Tls13};
    [
        // RFC 9846 B.4.
        aead(C::TLS_AES_128_GCM_SHA256, Tls13, Aes128Gcm, Sha256),
        aead(C::TLS_AES_256_GCM_SHA384, Tls13, Aes256Gcm, Sha384),
        aead(C::TLS_CHACHA20_POLY1305_SHA256, Tls13, Chacha20Poly1305, Sha256),

        // RFC 5289, RFC 7905.
        aead(C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, EcdheEcdsa, Aes128Gcm, Sha256),
        aead(C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, EcdheRsa, Aes128Gcm, Sha256),
        aead(C::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, EcdheEcdsa, Aes256Gcm, Sha384),
        aead(C::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, EcdheRsa, Aes256Gcm, Sha384),
        aead(C::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, EcdheEcdsa, Chacha20Poly1305, Sha256),
        aead(C::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, EcdheRsa, Chacha20Poly1305, Sha256),

        // Legacy from here on. RFC 5288, RFC 7905.
        aead(C::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, DheRsa, Aes128Gcm, Sha256),
        aead(C::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, DheRsa, Aes256Gcm, Sha384),
        aead(C::TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256, DheRsa, Chacha20Poly1305, Sha256),
        aead(C::TLS_RSA_WITH_AES_128_GCM_SHA256, Rsa, Aes128Gcm, Sha256),
        aead(C::TLS_RSA_WITH_AES_256_GCM_SHA384, Rsa, Aes256Gcm, Sha384),

        // RFC 8422 §6, RFC 5289.
        cbc(C::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, EcdheEcdsa, Aes128Sha1),
        cbc(C::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, EcdheEcdsa, Aes256Sha1),
        cbc(C::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, EcdheEcdsa, Aes128Sha256),
        cbc(C::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, EcdheEcdsa, Aes256Sha384),
        cbc(C::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, EcdheRsa, Aes128Sha1),
        cbc(C::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, EcdheRsa, Aes256Sha1),
        cbc(C::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, EcdheRsa, Aes128Sha256),
        cbc(C::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384, EcdheRsa, Aes256Sha384),

        // RFC 5246 A.5.
        cbc(C::TLS_DHE_RSA_WITH_AES_128_CBC_SHA, DheRsa, Aes128Sha1),
        cbc(C::TLS_DHE_RSA_WITH_AES_256_CBC_SHA, DheRsa, Aes256Sha1),
        cbc(C::TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, DheRsa, Aes128Sha256),
        cbc(C::TLS_DHE_RSA_WITH_AES_256_CBC_SHA256, DheRsa, Aes256Sha256),
        cbc(C::TLS_RSA_WITH_AES_128_CBC_SHA, Rsa, Aes128Sha1),
        cbc(C::TLS_RSA_WITH_AES_256_CBC_SHA, Rsa, Aes256Sha1),
        cbc(C::TLS_RSA_WITH_AES_128_CBC_SHA256, Rsa, Aes128Sha256),
        cbc(C::TLS_RSA_WITH_AES_256_CBC_SHA256, Rsa, Aes256Sha256),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn what_needs_legacy_is_in_no_other_policy_and_all_of_it_in_that_one() {
        let intermediate = Policy::intermediate().cipher_suites;
        let legacy = Policy::legacy().cipher_suites;
        for suite in &SUITES {
            assert_eq!(intermediate.contains(&suite.code), !suite.is_legacy());
            assert!(legacy.contains(&suite.code), "{:?}", suite.code);
        }
        assert_eq!(legacy.len(), SUITES.len());
    }

    /// The names say it all; the table must agree with them.
    #[test]
    fn every_suite_is_what_its_name_says() {
        for suite in &SUITES {
            let name = suite.code.name().unwrap();
            let (exchange, cipher) = name.split_once("_WITH_").unwrap_or(("TLS", name));
            let key_exchange = match exchange {
                "TLS" => KeyExchange::Tls13,
                "TLS_ECDHE_ECDSA" => KeyExchange::EcdheEcdsa,
                "TLS_ECDHE_RSA" => KeyExchange::EcdheRsa,
                "TLS_DHE_RSA" => KeyExchange::DheRsa,
                "TLS_RSA" => KeyExchange::Rsa,
                other => panic!("{other}"),
            };
            let cipher = match cipher.trim_start_matches("TLS_") {
                "AES_128_GCM_SHA256" => BulkCipher::Aead(AeadAlgorithm::Aes128Gcm),
                "AES_256_GCM_SHA384" => BulkCipher::Aead(AeadAlgorithm::Aes256Gcm),
                "CHACHA20_POLY1305_SHA256" => BulkCipher::Aead(AeadAlgorithm::Chacha20Poly1305),
                "AES_128_CBC_SHA" => BulkCipher::Cbc(CbcAlgorithm::Aes128Sha1),
                "AES_256_CBC_SHA" => BulkCipher::Cbc(CbcAlgorithm::Aes256Sha1),
                "AES_128_CBC_SHA256" => BulkCipher::Cbc(CbcAlgorithm::Aes128Sha256),
                "AES_256_CBC_SHA256" => BulkCipher::Cbc(CbcAlgorithm::Aes256Sha256),
                "AES_256_CBC_SHA384" => BulkCipher::Cbc(CbcAlgorithm::Aes256Sha384),
                other => panic!("{other}"),
            };
            let hash = if name.ends_with("SHA384") {
                HashAlgorithm::Sha384
            } else {
                HashAlgorithm::Sha256
            };
            assert_eq!(
                (suite.key_exchange, suite.cipher, suite.hash),
                (key_exchange, cipher, hash),
                "{name}"
            );
        }
    }
}
