//! Ephemeral key exchange: ECDHE, X25519 with ML-KEM-768 side by side, ML-KEM-1024, and DHE for TLS 1.2.

use std::fmt;

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
use zeroize::Zeroizing;

use self::ffdhe::{Ffdhe, FfdheKey};
use crate::CryptoError;
use crate::random::SecureRandom;
use crate::raw::X25519Key;

mod ffdhe;
mod ml_kem_1024;
mod x25519_mlkem768;

/// The groups that Keyward negotiates, by their IANA names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// ML-KEM-768 and X25519 together (draft-ietf-tls-ecdhe-mlkem), TLS 1.3 only.
    X25519MlKem768,
    /// ML-KEM-1024 alone (draft-ietf-tls-mlkem), TLS 1.3 only.
    MlKem1024,
    /// Curve25519 (RFC 7748).
    X25519,
    /// NIST P-256.
    Secp256r1,
    /// NIST P-384.
    Secp384r1,
    /// NIST P-521.
    Secp521r1,
    /// A finite field of 2048 bits (RFC 7919), here for TLS 1.2 only.
    Ffdhe2048,
    /// A finite field of 3072 bits (RFC 7919), here for TLS 1.2 only.
    Ffdhe3072,
    /// A finite field of 4096 bits (RFC 7919), here for TLS 1.2 only.
    Ffdhe4096,
    /// A finite field of 6144 bits (RFC 7919), here for TLS 1.2 only.
    Ffdhe6144,
    /// A finite field of 8192 bits (RFC 7919), here for TLS 1.2 only.
    Ffdhe8192,
}

/// RFC 7919 Appendix A: "The generator is: g = 2", for every group there.
pub const FFDHE_GENERATOR: [u8; 1] = [2];

/// How a group's exchange is done.
enum Implementation {
    X25519MlKem768,
    MlKem1024,
    Ecdh(Curve),
    Ffdhe(Ffdhe),
}

impl Group {
    /// Every group there is.
    pub const ALL: [Self; 11] = [
        Self::X25519MlKem768,
        Self::MlKem1024,
        Self::X25519,
        Self::Secp256r1,
        Self::Secp384r1,
        Self::Secp521r1,
        Self::Ffdhe2048,
        Self::Ffdhe3072,
        Self::Ffdhe4096,
        Self::Ffdhe6144,
        Self::Ffdhe8192,
    ];

    /// The group of an IANA `NamedGroup` code point, if Keyward has it.
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            0x11ec => Self::X25519MlKem768,
            0x0202 => Self::MlKem1024,
            0x001d => Self::X25519,
            0x0017 => Self::Secp256r1,
            0x0018 => Self::Secp384r1,
            0x0019 => Self::Secp521r1,
            0x0100 => Self::Ffdhe2048,
            0x0101 => Self::Ffdhe3072,
            0x0102 => Self::Ffdhe4096,
            0x0103 => Self::Ffdhe6144,
            0x0104 => Self::Ffdhe8192,
            _ => return None,
        })
    }

    /// The IANA `NamedGroup` code point.
    pub const fn code(self) -> u16 {
        match self {
            Self::X25519MlKem768 => 0x11ec,
            Self::MlKem1024 => 0x0202,
            Self::X25519 => 0x001d,
            Self::Secp256r1 => 0x0017,
            Self::Secp384r1 => 0x0018,
            Self::Secp521r1 => 0x0019,
            Self::Ffdhe2048 => 0x0100,
            Self::Ffdhe3072 => 0x0101,
            Self::Ffdhe4096 => 0x0102,
            Self::Ffdhe6144 => 0x0103,
            Self::Ffdhe8192 => 0x0104,
        }
    }

    /// Whether it is a finite field: the groups of DHE suites in TLS 1.2, and not of TLS 1.3 here, whose shared secret
    /// keeps its leading zeros.
    pub const fn is_ffdhe(self) -> bool {
        matches!(self.implementation(), Implementation::Ffdhe(_))
    }

    /// Whether it is an elliptic curve and nothing more: the groups of ECDHE suites in TLS 1.2.
    pub const fn is_elliptic_curve(self) -> bool {
        matches!(self.implementation(), Implementation::Ecdh(_))
    }

    /// Whether it withstands quantum computers; those that do are of TLS 1.3 alone.
    pub const fn is_post_quantum(self) -> bool {
        matches!(
            self.implementation(),
            Implementation::X25519MlKem768 | Implementation::MlKem1024
        )
    }

    /// The prime of a finite field, big-endian, its first bit set; `None` for every other group. The
    /// [generator](FFDHE_GENERATOR) is the same for all.
    pub fn prime(self) -> Option<Vec<u8>> {
        match self.implementation() {
            Implementation::Ffdhe(group) => Some(group.prime()),
            _ => None,
        }
    }

    /// The finite field with this prime and generator, which a TLS 1.2 server spells out, if it is one that RFC 7919 names.
    pub fn from_prime(prime: &[u8], generator: &[u8]) -> Option<Self> {
        let group = match prime.len() {
            256 => Self::Ffdhe2048,
            384 => Self::Ffdhe3072,
            512 => Self::Ffdhe4096,
            768 => Self::Ffdhe6144,
            1024 => Self::Ffdhe8192,
            _ => return None,
        };
        (generator == FFDHE_GENERATOR && group.prime().as_deref() == Some(prime)).then_some(group)
    }

    const fn implementation(self) -> Implementation {
        match self {
            Self::X25519MlKem768 => Implementation::X25519MlKem768,
            Self::MlKem1024 => Implementation::MlKem1024,
            Self::X25519 => Implementation::Ecdh(Curve::X25519),
            Self::Secp256r1 => Implementation::Ecdh(Curve::Nist(NistCurve::P256)),
            Self::Secp384r1 => Implementation::Ecdh(Curve::Nist(NistCurve::P384)),
            Self::Secp521r1 => Implementation::Ecdh(Curve::Nist(NistCurve::P521)),
            Self::Ffdhe2048 => Implementation::Ffdhe(Ffdhe::Bits2048),
            Self::Ffdhe3072 => Implementation::Ffdhe(Ffdhe::Bits3072),
            Self::Ffdhe4096 => Implementation::Ffdhe(Ffdhe::Bits4096),
            Self::Ffdhe6144 => Implementation::Ffdhe(Ffdhe::Bits6144),
            Self::Ffdhe8192 => Implementation::Ffdhe(Ffdhe::Bits8192),
        }
    }
}

/// Why there is no shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyExchangeError {
    /// The peer's public value has the wrong length or form, is not on the curve, or is of small order. The alert is
    /// `illegal_parameter`.
    InvalidPeerShare,
    /// Our half failed: no randomness, no memory. The alert is `internal_error`.
    Failed(CryptoError),
}

impl fmt::Display for KeyExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidPeerShare => {
                f.write_str("the peer's key share is not a valid public value of its group")
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for KeyExchangeError {}

impl From<CryptoError> for KeyExchangeError {
    fn from(error: CryptoError) -> Self {
        Self::Failed(error)
    }
}

/// What both peers know after the exchange: 32 to 66 bytes, or up to 1024 of a finite field. On the heap, and wiped when
/// dropped.
pub struct SharedSecret(Zeroizing<Vec<u8>>);

impl SharedSecret {
    /// The bytes that enter the key schedule (TLS 1.3) or are the premaster secret (TLS 1.2).
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedSecret({} bytes)", self.0.len())
    }
}

/// The server's side in one go: our share for the `ServerHello`, and the secret shared with the client that sent
/// `peer_share`. Our key pair is of `random`, but for the post-quantum groups, where the answer to a share is none.
///
/// # Errors
///
/// [`KeyExchangeError::InvalidPeerShare`] for a share that is not valid in `group`.
pub fn respond(
    group: Group,
    peer_share: &[u8],
    random: &dyn SecureRandom,
) -> Result<(Vec<u8>, SharedSecret), KeyExchangeError> {
    // Before a key is made, so that garbage costs little.
    match group.implementation() {
        Implementation::X25519MlKem768 => return x25519_mlkem768::respond(peer_share),
        Implementation::MlKem1024 => return ml_kem_1024::respond(peer_share),
        Implementation::Ecdh(curve) => curve.check_form(peer_share)?,
        Implementation::Ffdhe(group) => group.check_public(peer_share)?,
    }
    let mut key_pair = random.key_pair(group)?;
    let public = std::mem::take(&mut key_pair.public);
    Ok((public, key_pair.agree(peer_share)?))
}

/// Whether `public` is a valid public value of `group`, as its owner would send it first: of the right length, in
/// uncompressed form, on the curve, and not of small order; in a finite field 1 < Y < p - 1.
pub fn is_valid_public(group: Group, public: &[u8]) -> bool {
    match group.implementation() {
        Implementation::X25519MlKem768 => x25519_mlkem768::is_valid_client_share(public),
        Implementation::MlKem1024 => ml_kem_1024::is_valid_client_share(public),
        Implementation::Ecdh(curve) => curve.check_public(public).is_ok(),
        Implementation::Ffdhe(group) => group.check_public(public).is_ok(),
    }
}

/// The ephemeral key pair of the side that speaks first: a client of TLS 1.3, or a server of TLS 1.2.
pub struct KeyPair {
    public: Vec<u8>,
    private: Private,
}

enum Private {
    Ecdh(EcdhKey),
    X25519MlKem768(Box<x25519_mlkem768::ClientKey>),
    MlKem1024(ml_kem_1024::ClientKey),
    Ffdhe(FfdheKey),
}

impl KeyPair {
    /// A fresh key pair.
    ///
    /// # Errors
    ///
    /// [`KeyExchangeError::Failed`] if there is no randomness or memory.
    pub fn generate(group: Group) -> Result<Self, KeyExchangeError> {
        let (public, private) = match group.implementation() {
            Implementation::X25519MlKem768 => {
                let (key, public) = x25519_mlkem768::ClientKey::generate()?;
                (public, Private::X25519MlKem768(Box::new(key)))
            }
            Implementation::MlKem1024 => {
                let (key, public) = ml_kem_1024::ClientKey::generate()?;
                (public, Private::MlKem1024(key))
            }
            Implementation::Ecdh(curve) => {
                let key = EcdhKey::generate(curve)?;
                (key.public()?, Private::Ecdh(key))
            }
            Implementation::Ffdhe(group) => {
                let key = FfdheKey::generate(group)?;
                (key.public()?, Private::Ffdhe(key))
            }
        };
        Ok(Self { public, private })
    }

    /// The key pair whose private half is known: for published vectors, and for tests that repeat a handshake byte for
    /// byte. An ephemeral key that somebody knows protects nothing, and one that serves twice no more than that.
    ///
    /// # Errors
    ///
    /// [`KeyExchangeError::Failed`] for what is no private key of the group, and for the post-quantum groups.
    pub fn from_private(group: Group, private: &[u8]) -> Result<Self, KeyExchangeError> {
        let (public, private) = match group.implementation() {
            Implementation::X25519MlKem768 => {
                return Err(CryptoError::new("a hybrid key pair of a known half").into());
            }
            Implementation::MlKem1024 => {
                return Err(CryptoError::new("an ML-KEM key pair of a known half").into());
            }
            Implementation::Ecdh(curve) => {
                let key = EcdhKey::from_private(curve, private)?;
                (key.public()?, Private::Ecdh(key))
            }
            Implementation::Ffdhe(group) => {
                let key = FfdheKey::from_private(group, private)?;
                (key.public()?, Private::Ffdhe(key))
            }
        };
        Ok(Self { public, private })
    }

    /// Our public value, as it goes on the wire.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The secret shared with the peer that answered with `peer`. An ephemeral key serves once, so it is used up.
    ///
    /// # Errors
    ///
    /// [`KeyExchangeError::InvalidPeerShare`] for a share that is not valid in the group.
    pub fn agree(self, peer: &[u8]) -> Result<SharedSecret, KeyExchangeError> {
        match self.private {
            Private::Ecdh(key) => key.agree(peer),
            Private::X25519MlKem768(key) => key.agree(peer),
            Private::MlKem1024(key) => key.agree(peer),
            Private::Ffdhe(key) => key.agree(peer).map(SharedSecret),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("public_len", &self.public.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    X25519,
    Nist(NistCurve),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NistCurve {
    P256,
    P384,
    P521,
}

impl NistCurve {
    fn implementation(self) -> &'static agreement::Algorithm {
        match self {
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
            Self::P521 => &agreement::ECDH_P521,
        }
    }
}

impl Curve {
    /// AWS-LC would take compressed points and SubjectPublicKeyInfo as well. In TLS a point has "legacy_form = 4" and both
    /// coordinates, and "This is 32 bytes for X25519" (RFC 9846 §4.3.8.2).
    fn check_form(self, public: &[u8]) -> Result<(), KeyExchangeError> {
        let good = match self {
            Self::X25519 => public.len() == 32,
            Self::Nist(NistCurve::P256) => public.len() == 65 && public[0] == 4,
            Self::Nist(NistCurve::P384) => public.len() == 97 && public[0] == 4,
            Self::Nist(NistCurve::P521) => public.len() == 133 && public[0] == 4,
        };
        good.then_some(()).ok_or(KeyExchangeError::InvalidPeerShare)
    }

    fn check_public(self, public: &[u8]) -> Result<(), KeyExchangeError> {
        self.check_form(public)?;
        match self {
            Self::X25519 => !is_x25519_small_order(public),
            // Parsing checks that the point is on the curve.
            Self::Nist(curve) => agreement::ParsedPublicKey::try_from(UnparsedPublicKey::new(
                curve.implementation(),
                public,
            ))
            .is_ok(),
        }
        .then_some(())
        .ok_or(KeyExchangeError::InvalidPeerShare)
    }
}

/// Whether an X25519 public value is one of those whose every multiple by a clamped scalar is zero. The exchange itself
/// refuses them by its result (RFC 7748 §6.1); this is for who sees the public value only.
fn is_x25519_small_order(public: &[u8]) -> bool {
    /// u-coordinates of order 1, 2, 4 and 8, also those not reduced modulo p = 2^255 - 19 (little-endian).
    const SMALL_ORDER: [[u8; 32]; 7] = [
        // 0 (orders 1 and 2) and p
        little_endian(0, 0x00, 0x00),
        little_endian(0xed, 0xff, 0x7f),
        // 1 (order 4) and p + 1
        little_endian(1, 0x00, 0x00),
        little_endian(0xee, 0xff, 0x7f),
        // p - 1 (order 4, on the twist)
        little_endian(0xec, 0xff, 0x7f),
        // order 8
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83,
            0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd,
            0xd0, 0x9f, 0x11, 0x57,
        ],
    ];
    const fn little_endian(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut value = [middle; 32];
        value[0] = first;
        value[31] = last;
        value
    }
    // "implementations of X25519 (but not X448) MUST mask the most significant bit in the final byte"
    // (RFC 7748 §5).
    let same = |low: &[u8; 32]| low[..31] == public[..31] && low[31] == public[31] & 0x7f;
    SMALL_ORDER.iter().any(same)
}

/// One ephemeral ECDH key. The scalar is on the heap, and wiped when it is freed.
enum EcdhKey {
    X25519(X25519Key),
    Nist(NistCurve, PrivateKey),
}

impl EcdhKey {
    fn generate(curve: Curve) -> Result<Self, CryptoError> {
        match curve {
            Curve::X25519 => Ok(Self::X25519(X25519Key::generate())),
            Curve::Nist(curve) => PrivateKey::generate(curve.implementation())
                .map(|key| Self::Nist(curve, key))
                .map_err(|_| CryptoError::new("key exchange key generation")),
        }
    }

    fn from_private(curve: Curve, private: &[u8]) -> Result<Self, CryptoError> {
        const ERROR: CryptoError = CryptoError::new("a private key of key exchange");
        match curve {
            Curve::X25519 => {
                let private = private.try_into().map_err(|_| ERROR)?;
                Ok(Self::X25519(X25519Key::from_private(private)))
            }
            Curve::Nist(curve) => PrivateKey::from_private_key(curve.implementation(), private)
                .map(|key| Self::Nist(curve, key))
                .map_err(|_| ERROR),
        }
    }

    fn public(&self) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::X25519(key) => Ok(key.public().to_vec()),
            Self::Nist(_, key) => key
                .compute_public_key()
                .map(|public| public.as_ref().to_vec())
                .map_err(|_| CryptoError::new("key exchange public key")),
        }
    }

    /// AWS-LC validates the point, and for X25519 refuses an all-zero result: "Implementations MUST check whether the
    /// computed Diffie-Hellman shared secret is the all-zero value and abort if so" (RFC 9846 §7.4.2).
    fn agree(&self, peer: &[u8]) -> Result<SharedSecret, KeyExchangeError> {
        match self {
            Self::X25519(key) => peer
                .try_into()
                .ok()
                .and_then(|peer| key.agree(peer))
                .map(SharedSecret)
                .ok_or(KeyExchangeError::InvalidPeerShare),
            Self::Nist(curve, key) => {
                Curve::Nist(*curve).check_form(peer)?;
                agreement::agree(
                    key,
                    UnparsedPublicKey::new(curve.implementation(), peer),
                    KeyExchangeError::InvalidPeerShare,
                    |secret| Ok(SharedSecret::new(secret)),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scalar: [u8; 32]) -> EcdhKey {
        EcdhKey::X25519(X25519Key::from_private(&scalar))
    }

    /// RFC 7748 §6.1.
    #[test]
    fn rfc_7748_diffie_hellman() {
        let alice = key([
            0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2,
            0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5,
            0x1d, 0xb9, 0x2c, 0x2a,
        ]);
        let bob = key([
            0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80,
            0x0e, 0xe6, 0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27,
            0xff, 0x88, 0xe0, 0xeb,
        ]);
        let alice_public = [
            0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e,
            0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e,
            0xaa, 0x9b, 0x4e, 0x6a,
        ];
        let shared = [
            0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b, 0xf4, 0x80, 0x35,
            0x0f, 0x25, 0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1, 0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c,
            0x1e, 0x16, 0x17, 0x42,
        ];
        assert_eq!(alice.public().unwrap(), alice_public);
        assert_eq!(
            alice.agree(&bob.public().unwrap()).unwrap().as_bytes(),
            shared
        );
        assert_eq!(bob.agree(&alice_public).unwrap().as_bytes(), shared);
    }
}
