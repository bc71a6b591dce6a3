//! What the cipher suites of TLS 1.2 say about the private-key step.

use keyward_crypto::hash::HashAlgorithm;
use keyward_wire::values::CipherSuite;

/// How the two sides come to a premaster secret, and what signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyExchange {
    /// RSA key transport.
    Rsa,
    /// ECDHE, signed by an RSA key.
    EcdheRsa,
    /// ECDHE, signed by an ECDSA or EdDSA key (RFC 8422 §2).
    EcdheEcdsa,
    /// DHE, signed by an RSA key.
    DheRsa,
}

/// A cipher suite, as far as the private-key step depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tls12Suite {
    pub(crate) key_exchange: KeyExchange,
    /// It has no AEAD.
    pub(crate) cbc: bool,
    /// The hash of the PRF.
    pub(crate) prf: HashAlgorithm,
}

/// The suite, if it is one that Keyward has.
pub(crate) fn tls12_suite(suite: CipherSuite) -> Option<Tls12Suite> {
    use CipherSuite as Suite;
    use KeyExchange::{DheRsa, EcdheEcdsa, EcdheRsa, Rsa};
    const AEAD: bool = false;
    const CBC: bool = true;

    let (key_exchange, cbc) = match suite {
        Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => (EcdheEcdsa, AEAD),
        Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        | Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => (EcdheRsa, AEAD),
        Suite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
        | Suite::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => (DheRsa, AEAD),
        Suite::TLS_RSA_WITH_AES_128_GCM_SHA256 | Suite::TLS_RSA_WITH_AES_256_GCM_SHA384 => {
            (Rsa, AEAD)
        }
        Suite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
        | Suite::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA
        | Suite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
        | Suite::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384 => (EcdheEcdsa, CBC),
        Suite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
        | Suite::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
        | Suite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256
        | Suite::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384 => (EcdheRsa, CBC),
        Suite::TLS_DHE_RSA_WITH_AES_128_CBC_SHA
        | Suite::TLS_DHE_RSA_WITH_AES_256_CBC_SHA
        | Suite::TLS_DHE_RSA_WITH_AES_128_CBC_SHA256
        | Suite::TLS_DHE_RSA_WITH_AES_256_CBC_SHA256 => (DheRsa, CBC),
        Suite::TLS_RSA_WITH_AES_128_CBC_SHA
        | Suite::TLS_RSA_WITH_AES_256_CBC_SHA
        | Suite::TLS_RSA_WITH_AES_128_CBC_SHA256
        | Suite::TLS_RSA_WITH_AES_256_CBC_SHA256 => (Rsa, CBC),
        _ => return None,
    };
    Some(Tls12Suite {
        key_exchange,
        cbc,
        prf: prf_hash(suite),
    })
}

/// RFC 5246 §5: "New cipher suites MUST explicitly specify a PRF and, in general, SHOULD use the TLS PRF with SHA-256
/// or a stronger standard hash function". The older ones, which name SHA-1 for the MAC, have SHA-256.
fn prf_hash(suite: CipherSuite) -> HashAlgorithm {
    use CipherSuite as Suite;
    match suite {
        Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_RSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384
        | Suite::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384 => HashAlgorithm::Sha384,
        _ => HashAlgorithm::Sha256,
    }
}
