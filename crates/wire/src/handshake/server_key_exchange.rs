//! ServerKeyExchange (RFC 5246 §7.4.3, RFC 8422 §5.4), of TLS 1.2 alone and of its ECDHE and DHE suites. Which of the two
//! it is, the cipher suite says: nothing in the message does.

use super::Message;
use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
use crate::values::{HandshakeType, NamedGroup, SignatureScheme};

/// `ECCurveType named_curve(3)`; the other two are curves spelled out, which RFC 8422 removed.
const NAMED_CURVE: u8 = 3;

/// The server's half of an ECDHE key exchange: `ServerECDHParams` (RFC 8422 §5.4).
///
/// What is signed is client random ‖ server random ‖ these parameters as they are on the wire, which is
/// [`to_bytes`](Encode::to_bytes): the form is unique, so encoding gives exactly what was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEcdhParams {
    /// The curve.
    pub group: NamedGroup,
    /// The point, as the group writes it: 1 to 255 bytes.
    pub public: Vec<u8>,
}

/// The server's half of a finite-field Diffie-Hellman key exchange: `ServerDHParams` (RFC 5246 §7.4.3).
///
/// Prime and generator are spelled out. RFC 7919 gives names to those that can be trusted; which one this is, whoever knows
/// the primes can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerDhParams {
    /// The prime modulus, big-endian: 1 to 2^16-1 bytes.
    pub p: Vec<u8>,
    /// The generator, big-endian: 1 to 2^16-1 bytes.
    pub g: Vec<u8>,
    /// The server's public value, big-endian: 1 to 2^16-1 bytes.
    pub public: Vec<u8>,
}

/// Key exchange parameters, [`ServerEcdhParams`] or [`ServerDhParams`], and a signature over them (RFC 5246 §7.4.3, RFC
/// 8422 §5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerKeyExchange<P = ServerEcdhParams> {
    /// The server's half.
    pub params: P,
    /// How it is signed.
    pub scheme: SignatureScheme,
    /// The signature: at most 2^16-1 bytes.
    pub signature: Vec<u8>,
}

impl Encode for ServerEcdhParams {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(NAMED_CURVE);
        self.group.encode(out);
        out.put_opaque_u8(&self.public);
    }
}

impl<'a> Decode<'a> for ServerEcdhParams {
    const NAME: &'static str = "ServerECDHParams";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        const CURVE_TYPE: &str = "ServerECDHParams.curve_type";
        let error = reader.error(CURVE_TYPE, DecodeErrorKind::IllegalValue);
        if reader.u8(CURVE_TYPE)? != NAMED_CURVE {
            return Err(error);
        }
        Ok(Self {
            group: NamedGroup(reader.u16("ServerECDHParams.namedcurve")?),
            public: reader
                .opaque_u8("ServerECDHParams.public", 1..=0xff)?
                .to_vec(),
        })
    }
}

impl Encode for ServerDhParams {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_opaque_u16(&self.p);
        out.put_opaque_u16(&self.g);
        out.put_opaque_u16(&self.public);
    }
}

impl<'a> Decode<'a> for ServerDhParams {
    const NAME: &'static str = "ServerDHParams";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            p: reader
                .opaque_u16("ServerDHParams.dh_p", 1..=0xffff)?
                .to_vec(),
            g: reader
                .opaque_u16("ServerDHParams.dh_g", 1..=0xffff)?
                .to_vec(),
            public: reader
                .opaque_u16("ServerDHParams.dh_Ys", 1..=0xffff)?
                .to_vec(),
        })
    }
}

impl<P: Encode> Message for ServerKeyExchange<P> {
    const TYPE: HandshakeType = HandshakeType::SERVER_KEY_EXCHANGE;
}

impl<P: Encode> Encode for ServerKeyExchange<P> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.params.encode(out);
        self.scheme.encode(out);
        out.put_opaque_u16(&self.signature);
    }
}

impl<'a, P: Decode<'a>> Decode<'a> for ServerKeyExchange<P> {
    const NAME: &'static str = "ServerKeyExchange";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            params: P::decode(reader)?,
            scheme: SignatureScheme(reader.u16("ServerKeyExchange.algorithm")?),
            signature: reader
                .opaque_u16("ServerKeyExchange.signature", 0..=0xffff)?
                .to_vec(),
        })
    }
}
