//! Values without meaning (RFC 8701), that peers may not come to rely on our never saying anything new.
//!
//! What a client sends of them is no offer: a server that takes one up is refused like one that takes up what was never
//! sent.

use keyward_crypto::random::SecureRandom;
use keyward_wire::extensions::KeyShareEntry;
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{
    CipherSuite, ExtensionType, NamedGroup, ProtocolVersion, PskKeyExchangeMode, SignatureScheme,
};

use crate::error::Error;

/// The values of one connection: in a second ClientHello they are those of the first, which RFC 9846 §4.2.2 wants
/// repeated.
pub(crate) struct Grease {
    suite: u16,
    group: u16,
    version: u16,
    scheme: u16,
    mode: u8,
    extensions: [u16; 2],
}

impl Grease {
    /// Picks them at random.
    pub(crate) fn new(random: &dyn SecureRandom) -> Result<Self, Error> {
        let mut seed = [0; 7];
        random
            .fill(&mut seed)
            .map_err(|_| Error::Internal("random generation"))?;
        let [suite, group, version, scheme, mode, first, second] = seed;
        // RFC 9846 §4.3: "There MUST NOT be more than one extension of the same type in a given extension
        // block."
        let second = if value(first) == value(second) {
            second.wrapping_add(1)
        } else {
            second
        };
        Ok(Self {
            suite: value(suite),
            group: value(group),
            version: value(version),
            scheme: value(scheme),
            mode: mode_value(mode),
            extensions: [value(first), value(second)],
        })
    }

    /// Puts them into a ClientHello, in front of each list that it has, as RFC 8701 §3.1 lets a client do. ALPN has
    /// none: protocols are what proxies route and firewalls decide by.
    pub(crate) fn put(&self, hello: &mut ClientHello) {
        hello.cipher_suites.insert(0, CipherSuite(self.suite));
        let extensions = &mut hello.extensions;
        put_first(&mut extensions.supported_groups, NamedGroup(self.group));
        put_first(
            &mut extensions.supported_versions,
            ProtocolVersion(self.version),
        );
        put_first(
            &mut extensions.signature_algorithms,
            SignatureScheme(self.scheme),
        );
        put_first(
            &mut extensions.psk_key_exchange_modes,
            PskKeyExchangeMode(self.mode),
        );
        // One empty and one not, as browsers have it.
        let [first, second] = self.extensions.map(ExtensionType);
        extensions.unknown.push((first, Vec::new()));
        extensions.unknown.push((second, vec![0]));
    }
}

/// Puts a share for the group without meaning in front of the others; a ClientHello without shares, which asks for a
/// HelloRetryRequest, stays without.
///
/// RFC 8701 §3.1: "For each of these, the "key_exchange" field MAY be any value."
pub(crate) fn put_share(hello: &mut ClientHello) {
    let group = hello
        .extensions
        .supported_groups
        .iter()
        .flatten()
        .copied()
        .find(|group| is_reserved(group.0));
    if let (Some(group), Some(shares)) = (group, &mut hello.extensions.key_share)
        && !shares.is_empty()
    {
        shares.insert(
            0,
            KeyShareEntry {
                group,
                key_exchange: vec![0],
            },
        );
    }
}

/// The extension and the signature scheme of a server's message, picked at random.
pub(crate) fn for_server(
    random: &dyn SecureRandom,
) -> Result<(ExtensionType, SignatureScheme), Error> {
    let Grease {
        scheme, extensions, ..
    } = Grease::new(random)?;
    Ok((ExtensionType(extensions[0]), SignatureScheme(scheme)))
}

fn put_first<T>(list: &mut Option<Vec<T>>, value: T) {
    if let Some(list) = list {
        list.insert(0, value);
    }
}

/// Whether it is one of the sixteen values of RFC 8701 §2: {0x0A,0x0A} to {0xFA,0xFA}.
pub(crate) fn is_reserved(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn value(seed: u8) -> u16 {
    0x0a0a + u16::from(seed & 0x0f) * 0x1010
}

/// RFC 8701 §2: for PskKeyExchangeModes 0x0B, 0x2A, 0x49, 0x68, 0x87, 0xA6, 0xC5 and 0xE4.
fn mode_value(seed: u8) -> u8 {
    0x0b + (seed & 0x07) * 0x1f
}

#[cfg(test)]
mod tests {
    use keyward_crypto::CryptoError;

    use super::*;

    #[derive(Debug)]
    struct Fixed(u8);

    impl SecureRandom for Fixed {
        fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
            out.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn the_values_are_those_that_are_reserved() {
        let values: Vec<u16> = (0..16).map(value).collect();
        assert_eq!(values[0], 0x0a0a);
        assert_eq!(values[1], 0x1a1a);
        assert_eq!(values[15], 0xfafa);
        let reserved: Vec<u16> = (0..=u16::MAX).filter(|value| is_reserved(*value)).collect();
        assert_eq!(values, reserved);
        let modes: Vec<u8> = (0..8).map(mode_value).collect();
        assert_eq!(modes, [0x0b, 0x2a, 0x49, 0x68, 0x87, 0xa6, 0xc5, 0xe4]);
    }

    #[test]
    fn the_two_extensions_differ() {
        for seed in 0..=u8::MAX {
            let [first, second] = Grease::new(&Fixed(seed)).unwrap().extensions;
            assert!(first != second && is_reserved(first) && is_reserved(second));
        }
    }
}
