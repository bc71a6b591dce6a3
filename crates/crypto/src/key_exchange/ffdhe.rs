//! The named groups of RFC 7919, in TLS 1.2 only: Diffie-Hellman modulo a prime that both know.
//!
//! The powers are computed in constant time, but TLS 1.2 drops the zeros in front of the shared secret, and so the time
//! of what follows tells how many there are. That is the Raccoon attack, and it needs the server to use one exponent
//! twice. Here each exponent serves once: [`FfdheKey::agree`] consumes the key.

use zeroize::Zeroizing;

use super::KeyExchangeError;
use crate::CryptoError;
use crate::raw::DhKey;

mod primes;

/// The named groups, by the length of their prime in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ffdhe {
    Bits2048,
    Bits3072,
    Bits4096,
    Bits6144,
    Bits8192,
}

impl Ffdhe {
    /// The prime, big-endian.
    pub(super) fn prime(self) -> Vec<u8> {
        primes::prime(self)
    }

    /// The length of the prime, of a public value and of a shared secret before zeros are dropped, in bytes.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Bits2048 => 256,
            Self::Bits3072 => 384,
            Self::Bits4096 => 512,
            Self::Bits6144 => 768,
            Self::Bits8192 => 1024,
        }
    }

    /// RFC 7919 §A.1 to §A.5: "Peers using ffdhe2048 that want to optimize their key exchange with a short exponent
    /// (Section 5.2) should choose a secret key of at least 225 bits."
    const fn exponent_bits(self) -> u16 {
        match self {
            Self::Bits2048 => 225,
            Self::Bits3072 => 275,
            Self::Bits4096 => 325,
            Self::Bits6144 => 375,
            Self::Bits8192 => 400,
        }
    }

    /// "Peers MUST validate each other's public key Y (dh_Ys offered by the server or dh_Yc offered by the client) by
    /// ensuring that 1 < Y < p-1" (RFC 7919 §5.1). The number may come without zeros in front: "leading zero octets are
    /// not required even if the most significant bit is set" (RFC 5246 §4.4), and without more of them than the prime has
    /// bytes.
    pub(super) fn check_public(self, public: &[u8]) -> Result<(), KeyExchangeError> {
        if public.len() > self.len() {
            return Err(KeyExchangeError::InvalidPeerShare);
        }
        let mut padded = vec![0; self.len() - public.len()];
        padded.extend_from_slice(public);
        let (last, front) = padded.split_last().expect("a prime has bytes");
        let is_above_one = *last > 1 || front.iter().any(|byte| *byte != 0);

        // p is odd, so p - 1 differs from it in the last byte only.
        let mut limit = self.prime();
        *limit.last_mut().expect("a prime has bytes") -= 1;
        // Numbers of one length compare as their bytes do.
        (is_above_one && padded < limit)
            .then_some(())
            .ok_or(KeyExchangeError::InvalidPeerShare)
    }
}

/// One ephemeral key.
pub(super) struct FfdheKey {
    group: Ffdhe,
    key: DhKey,
}

impl FfdheKey {
    pub(super) fn generate(group: Ffdhe) -> Result<Self, CryptoError> {
        let key = DhKey::generate(&group.prime(), group.exponent_bits())?;
        Ok(Self { group, key })
    }

    /// The key with this exponent.
    pub(super) fn from_private(group: Ffdhe, exponent: &[u8]) -> Result<Self, CryptoError> {
        let key = DhKey::from_private(&group.prime(), exponent)?;
        // An exponent of zero has the public value one.
        group
            .check_public(&key.public()?)
            .map_err(|_| CryptoError::new("a private key of key exchange"))?;
        Ok(Self { group, key })
    }

    /// As long as the prime.
    pub(super) fn public(&self) -> Result<Vec<u8>, CryptoError> {
        self.key.public()
    }

    /// The premaster secret: "Leading bytes of Z that contain all zero bits are stripped before it is used as the
    /// pre_master_secret" (RFC 5246 §8.1.2).
    pub(super) fn agree(self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyExchangeError> {
        self.group.check_public(peer)?;
        let secret = self.key.agree(peer)?;
        // AWS-LC refuses 0 and 1, so something is left.
        let zeros = secret.iter().take_while(|byte| **byte == 0).count();
        Ok(Zeroizing::new(secret[zeros..].to_vec()))
    }
}
