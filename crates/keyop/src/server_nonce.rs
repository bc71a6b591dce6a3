//! The secret from which the ServerHello random derives.

use core::fmt;

use keyward_crypto::CryptoError;
use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::random::SecureRandom;
use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use zeroize::Zeroizing;

/// 32 secret bytes of the edge's, drawn for one handshake.
///
/// The random of the ServerHello is a one-way function of the nonce, and an operation carries the
/// nonce, so only who made a ServerHello can have it signed. The edge wipes the nonce when the
/// handshake is over: who steals the edge later finds recorded handshakes, but not the nonces
/// that the key server would ask for.
///
/// On the heap, since a move leaves a copy of what is within a value behind.
pub struct ServerNonce(Box<Zeroizing<[u8; Self::LEN]>>);

/// RFC 9846 §4.2.3: "If negotiating TLS 1.2, TLS 1.3 servers MUST set the last 8 bytes of their
/// Random value to the bytes: 44 4F 57 4E 47 52 44 01".
pub const TLS12_DOWNGRADE_SENTINEL: [u8; 8] = *b"DOWNGRD\x01";

const LABEL: &[u8] = b"keyward server random";

impl ServerNonce {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Draws a fresh nonce.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, CryptoError> {
        let mut nonce = Self::from_bytes([0; Self::LEN]);
        random.fill(nonce.0.as_mut_slice())?;
        Ok(nonce)
    }

    /// A nonce that came over the wire.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(Box::new(Zeroizing::new(bytes)))
    }

    /// The nonce itself.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The ServerHello random of a TLS 1.3 handshake: `SHA-256("keyward server random" ‖ nonce)`.
    pub fn tls13_random(&self) -> [u8; 32] {
        let mut random = [0; 32];
        random.copy_from_slice(&self.derive());
        random
    }

    /// The ServerHello random of a TLS 1.2 handshake: 24 derived bytes and the
    /// [sentinel](TLS12_DOWNGRADE_SENTINEL) by which a TLS 1.3 client notices a downgrade.
    pub fn tls12_random(&self) -> [u8; 32] {
        let mut random = [0; 32];
        random[..24].copy_from_slice(&self.derive()[..24]);
        random[24..].copy_from_slice(&TLS12_DOWNGRADE_SENTINEL);
        random
    }

    /// In one call: a running hash would hold the nonce in its buffer, which nobody wipes.
    fn derive(&self) -> Digest {
        let mut input = Zeroizing::new([0; LABEL.len() + Self::LEN]);
        let (label, nonce) = input.split_at_mut(LABEL.len());
        label.copy_from_slice(LABEL);
        nonce.copy_from_slice(self.as_bytes());
        HashAlgorithm::Sha256.digest(input.as_slice())
    }
}

impl fmt::Debug for ServerNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerNonce(secret)")
    }
}

impl Encode for ServerNonce {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_slice());
    }
}

impl<'a> Decode<'a> for ServerNonce {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.take("ServerNonce", Self::LEN)?;
        let mut nonce = Self::from_bytes([0; Self::LEN]);
        nonce.0.copy_from_slice(bytes);
        Ok(nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_randoms_come_from_the_nonce_and_tls12_carries_the_sentinel() {
        let nonce = ServerNonce::from_bytes([7; 32]);
        let mut input = b"keyward server random".to_vec();
        input.extend_from_slice(&[7; 32]);
        let expected = HashAlgorithm::Sha256.digest(&input);

        assert_eq!(nonce.tls13_random()[..], expected[..]);
        assert_eq!(nonce.tls12_random()[..24], expected[..24]);
        assert_eq!(
            nonce.tls12_random()[24..],
            [0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01]
        );
        assert_ne!(
            ServerNonce::from_bytes([8; 32]).tls13_random(),
            nonce.tls13_random()
        );
    }

    #[test]
    fn debug_does_not_print_the_secret() {
        assert_eq!(
            format!("{:?}", ServerNonce::from_bytes([7; 32])),
            "ServerNonce(secret)"
        );
    }
}
