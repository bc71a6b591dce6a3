//! ClientKeyExchange (RFC 5246 §7.4.7), of TLS 1.2 alone. Which of the three it is, the cipher suite says.

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Put, Reader};
use crate::values::HandshakeType;

/// The client's half of an ECDHE key exchange (RFC 8422 §5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcdhClientKeyExchange {
    /// The point, as the group writes it: 1 to 255 bytes.
    pub public: Vec<u8>,
}

/// The client's half of a finite-field Diffie-Hellman key exchange (RFC 5246 §7.4.7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhClientKeyExchange {
    /// The public value, big-endian: 1 to 2^16-1 bytes.
    pub public: Vec<u8>,
}

/// RSA key transport (RFC 5246 §7.4.7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaClientKeyExchange {
    /// The premaster secret, encrypted to the server's certificate: at most 2^16-1 bytes.
    pub encrypted_premaster_secret: Vec<u8>,
}

impl Message for EcdhClientKeyExchange {
    const TYPE: HandshakeType = HandshakeType::CLIENT_KEY_EXCHANGE;
}

impl Encode for EcdhClientKeyExchange {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_opaque_u8(&self.public);
    }
}

impl<'a> Decode<'a> for EcdhClientKeyExchange {
    const NAME: &'static str = "ClientKeyExchange";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            public: reader
                .opaque_u8("ClientKeyExchange.ecdh_Yc", 1..=0xff)?
                .to_vec(),
        })
    }
}

impl Message for DhClientKeyExchange {
    const TYPE: HandshakeType = HandshakeType::CLIENT_KEY_EXCHANGE;
}

impl Encode for DhClientKeyExchange {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_opaque_u16(&self.public);
    }
}

impl<'a> Decode<'a> for DhClientKeyExchange {
    const NAME: &'static str = "ClientKeyExchange";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            public: reader
                .opaque_u16("ClientKeyExchange.dh_Yc", 1..=0xffff)?
                .to_vec(),
        })
    }
}

impl Message for RsaClientKeyExchange {
    const TYPE: HandshakeType = HandshakeType::CLIENT_KEY_EXCHANGE;
}

impl Encode for RsaClientKeyExchange {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_opaque_u16(&self.encrypted_premaster_secret);
    }
}

impl<'a> Decode<'a> for RsaClientKeyExchange {
    const NAME: &'static str = "ClientKeyExchange";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            encrypted_premaster_secret: reader
                .opaque_u16("ClientKeyExchange.encrypted_pre_master_secret", 0..=0xffff)?
                .to_vec(),
        })
    }
}
