//! The code points of the IANA TLS registries as newtypes: every number is representable, those that we have a word for
//! are constants, and `name()` is the name that the registry gives.

mod alert_description;
mod alert_level;
mod certificate_compression_algorithm;
mod cipher_suite;
mod client_certificate_type;
mod compression_method;
mod content_type;
mod ec_point_format;
mod extension_type;
mod handshake_type;
mod key_update_request;
mod named_group;
mod protocol_version;
mod psk_key_exchange_mode;
mod signature_scheme;

pub use alert_description::AlertDescription;
pub use alert_level::AlertLevel;
pub use certificate_compression_algorithm::CertificateCompressionAlgorithm;
pub use cipher_suite::CipherSuite;
pub use client_certificate_type::ClientCertificateType;
pub use compression_method::CompressionMethod;
pub use content_type::ContentType;
pub use ec_point_format::EcPointFormat;
pub use extension_type::ExtensionType;
pub use handshake_type::HandshakeType;
pub use key_update_request::KeyUpdateRequest;
pub use named_group::NamedGroup;
pub use protocol_version::ProtocolVersion;
pub use psk_key_exchange_mode::PskKeyExchangeMode;
pub use signature_scheme::SignatureScheme;

/// Defines a newtype over a registry's numbers: `name()`, `Display` (the name, or the number in hexadecimal), the codec.
macro_rules! registry {
    (
        $(#[$meta:meta])*
        $type:ident($int:ty) {
            $($constant:ident = $value:literal => $name:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub $int);

        impl $type {
            $(
                #[doc = concat!("`", $name, "`, ", stringify!($value), ".")]
                pub const $constant: Self = Self($value);
            )*

            /// The name in the IANA registry, for the values that have a constant here.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => f.pad(&format!("0x{:0width$x}", self.0, width = size_of::<$int>() * 2)),
                }
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($type))
            }
        }

        impl From<$int> for $type {
            fn from(value: $int) -> Self {
                Self(value)
            }
        }

        impl From<$type> for $int {
            fn from(value: $type) -> Self {
                value.0
            }
        }

        impl $crate::codec::Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0.to_be_bytes());
            }
        }

        impl $crate::codec::Decode<'_> for $type {
            const NAME: &'static str = stringify!($type);

            fn decode(
                reader: &mut $crate::codec::Reader<'_>,
            ) -> Result<Self, $crate::codec::DecodeError> {
                reader.array(Self::NAME).map(<$int>::from_be_bytes).map(Self)
            }
        }
    };
}
use registry;

/// The 16-bit values that RFC 8701 §2 reserves: 0x0a0a, 0x1a1a, … 0xfafa.
const fn is_grease_u16(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// `is_grease()` for the registries of 16-bit values in which RFC 8701 §2 reserves some.
macro_rules! greased {
    ($type:ident) => {
        impl $type {
            /// Whether this is one of the values that clients send to keep servers tolerant (RFC 8701 §2).
            pub const fn is_grease(self) -> bool {
                $crate::values::is_grease_u16(self.0)
            }
        }
    };
}
use greased;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Decode, Encode};

    #[test]
    fn names_and_numbers() {
        assert_eq!(CipherSuite::TLS_AES_128_GCM_SHA256.0, 0x1301);
        assert_eq!(
            CipherSuite(0xc02f).to_string(),
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        );
        assert_eq!(CipherSuite(0x1234).name(), None);
        assert_eq!(CipherSuite(0x1234).to_string(), "0x1234");
        assert_eq!(
            format!("{:?}", NamedGroup::X25519MLKEM768),
            "NamedGroup(X25519MLKEM768)"
        );
        assert_eq!(ContentType(9).to_string(), "0x09");
        assert_eq!(format!("{:>6}|", ProtocolVersion(0x0a)), "0x000a|");
        assert_eq!(format!("{:>8}|", ProtocolVersion::TLS13), " TLS 1.3|");
    }

    #[test]
    fn sixteen_grease_values_of_two_bytes() {
        let values: Vec<u16> = (0..=u16::MAX)
            .filter(|value| CipherSuite(*value).is_grease())
            .collect();
        let expected: Vec<u16> = (0..16).map(|n| n * 0x1010 + 0x0a0a).collect();
        assert_eq!(values, expected);
        assert!(NamedGroup(0x2a2a).is_grease());
        assert!(ExtensionType(0xfafa).is_grease());
        assert!(!SignatureScheme(0x0a1a).is_grease());
        assert!(!ProtocolVersion::TLS13.is_grease());
    }

    #[test]
    fn one_and_two_bytes_on_the_wire() {
        assert_eq!(NamedGroup::X25519.to_bytes(), [0, 29]);
        assert_eq!(HandshakeType::FINISHED.to_bytes(), [20]);
        assert_eq!(NamedGroup::from_bytes(&[0, 23]), Ok(NamedGroup::SECP256R1));
        let error = SignatureScheme::from_bytes(&[4]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "SignatureScheme: input ends too early at byte 0"
        );
    }
}
