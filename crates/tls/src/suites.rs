//! The cipher suites that the engine speaks, and what each stands for.

use keyward_crypto::aead::AeadAlgorithm;
use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::KeyKind;
use keyward_wire::values::{CipherSuite, ProtocolVersion};

/// What a cipher suite stands for.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) code: CipherSuite,
    pub(crate) key_exchange: KeyExchange,
    pub(crate) aead: AeadAlgorithm,
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
    /// RSA key transport.
    Rsa,
}

impl KeyExchange {
    /// Whether the server signs an ephemeral share of its own.
    pub(crate) fn is_ephemeral(self) -> bool {
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

    /// Whether a server with a key of this kind can do what the suite asks of it.
    pub(crate) fn fits(&self, key: KeyKind) -> bool {
        let rsa = matches!(key, KeyKind::Rsa { .. });
        match self.key_exchange {
            KeyExchange::Tls13 => true,
            KeyExchange::EcdheEcdsa => !rsa,
            KeyExchange::EcdheRsa | KeyExchange::Rsa => rsa,
        }
    }
}

const fn suite(
    code: CipherSuite,
    key_exchange: KeyExchange,
    aead: AeadAlgorithm,
    hash: HashAlgorithm,
) -> Suite {
    Suite {
        code,
        key_exchange,
        aead,
        hash,
    }
}

static SUITES: [Suite; 11] = {
    use AeadAlgorithm::{Aes128Gcm, Aes256Gcm, Chacha20Poly1305};
    use CipherSuite as C;
    use HashAlgorithm::{Sha256, Sha384};
    use KeyExchange::{EcdheEcdsa, EcdheRsa, Rsa, Tls13};
    [
        suite(C::TLS_AES_128_GCM_SHA256, Tls13, Aes128Gcm, Sha256),
        suite(C::TLS_AES_256_GCM_SHA384, Tls13, Aes256Gcm, Sha384),
        suite(
            C::TLS_CHACHA20_POLY1305_SHA256,
            Tls13,
            Chacha20Poly1305,
            Sha256,
        ),
        suite(
            C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            EcdheEcdsa,
            Aes128Gcm,
            Sha256,
        ),
        suite(
            C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            EcdheRsa,
            Aes128Gcm,
            Sha256,
        ),
        suite(
            C::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            EcdheEcdsa,
            Aes256Gcm,
            Sha384,
        ),
        suite(
            C::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            EcdheRsa,
            Aes256Gcm,
            Sha384,
        ),
        suite(
            C::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            EcdheEcdsa,
            Chacha20Poly1305,
            Sha256,
        ),
        suite(
            C::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            EcdheRsa,
            Chacha20Poly1305,
            Sha256,
        ),
        suite(C::TLS_RSA_WITH_AES_128_GCM_SHA256, Rsa, Aes128Gcm, Sha256),
        suite(C::TLS_RSA_WITH_AES_256_GCM_SHA384, Rsa, Aes256Gcm, Sha384),
    ]
};
