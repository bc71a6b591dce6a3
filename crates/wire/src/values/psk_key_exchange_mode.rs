//! Whether a resumed handshake also exchanges keys.

use super::registry;

registry! {
    /// `PskKeyExchangeMode` (RFC 9846 §4.3.9).
    PskKeyExchangeMode(u8) {
        PSK_KE = 0 => "psk_ke",
        PSK_DHE_KE = 1 => "psk_dhe_ke",
    }
}

impl PskKeyExchangeMode {
    /// Whether this is one of the values that clients send to keep servers tolerant (RFC 8701 §2): 0x0b, 0x2a, 0x49,
    /// 0x68, 0x87, 0xa6, 0xc5, 0xe4.
    pub const fn is_grease(self) -> bool {
        self.0 % 0x1f == 0x0b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_grease_values() {
        let values: Vec<u8> = (0..=u8::MAX)
            .filter(|value| PskKeyExchangeMode(*value).is_grease())
            .collect();
        assert_eq!(values, [0x0b, 0x2a, 0x49, 0x68, 0x87, 0xa6, 0xc5, 0xe4]);
    }
}
