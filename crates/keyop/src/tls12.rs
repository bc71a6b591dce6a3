//! What TLS 1.2 signs, and how its master secret is made. The key server and the engine use the
//! same functions.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hkdf::Secret;
use keyward_crypto::prf;
use zeroize::Zeroizing;

/// Length of a master secret in bytes (RFC 5246 §8.1).
pub const MASTER_SECRET_LEN: usize = 48;

/// The bytes that a ServerKeyExchange signs.
///
/// RFC 5246 §7.4.3: "digitally-signed struct { opaque client_random\[32\]; opaque server_random\[32\];
/// ServerDHParams params; } signed_params"; RFC 8422 §5.4 puts ServerECDHParams in their place.
pub fn server_key_exchange_message(
    client_random: &[u8; 32],
    server_random: &[u8; 32],
    params: &[u8],
) -> Vec<u8> {
    [client_random.as_slice(), server_random, params].concat()
}

/// What a master secret is bound to besides the premaster secret.
#[derive(Clone, Copy, Debug)]
pub enum MasterSecretSeed<'a> {
    /// RFC 7627 §4: `PRF(pre_master_secret, "extended master secret", session_hash)`.
    Extended {
        /// The hash of all messages from ClientHello to ClientKeyExchange.
        session_hash: &'a [u8],
    },
    /// RFC 5246 §8.1: `PRF(pre_master_secret, "master secret", client_random + server_random)`.
    Classic {
        /// The ClientHello random.
        client_random: &'a [u8; 32],
        /// The ServerHello random.
        server_random: &'a [u8; 32],
    },
}

/// Makes the master secret from a premaster secret of either key exchange. `hash` is the PRF hash
/// of the cipher suite.
pub fn master_secret(
    hash: HashAlgorithm,
    premaster_secret: &[u8],
    seed: MasterSecretSeed<'_>,
) -> Secret {
    let mut secret = Zeroizing::new([0; MASTER_SECRET_LEN]);
    let out = secret.as_mut_slice();
    match seed {
        MasterSecretSeed::Extended { session_hash } => {
            prf::tls12(
                hash,
                premaster_secret,
                b"extended master secret",
                &[session_hash],
                out,
            );
        }
        MasterSecretSeed::Classic {
            client_random,
            server_random,
        } => {
            prf::tls12(
                hash,
                premaster_secret,
                b"master secret",
                &[client_random, server_random],
                out,
            );
        }
    }
    Secret::from_slice(secret.as_slice())
}
