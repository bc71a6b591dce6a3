//! ClientHello (RFC 9846 §4.2.2, RFC 5246 §7.4.1.2).

use super::Message;
use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
use crate::extensions::{ClientHelloExtensions, PreSharedKeys};
use crate::values::{CipherSuite, CompressionMethod, HandshakeType, ProtocolVersion};

/// The first message of a handshake, and after a HelloRetryRequest the third (RFC 9846 §4.2.2, RFC 5246 §7.4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The highest version of a client up to TLS 1.2; 0x0303 in TLS 1.3.
    pub legacy_version: ProtocolVersion,
    /// The client's random.
    pub random: [u8; 32],
    /// A TLS 1.2 session to resume, or anything for middleboxes to see: at most 32 bytes.
    pub session_id: Vec<u8>,
    /// Suites that the client accepts, best first, with GREASE and signalling values; at least one.
    pub cipher_suites: Vec<CipherSuite>,
    /// Compression of records; `NULL` is among them. TLS 1.3 allows no other beside it.
    pub compression_methods: Vec<CompressionMethod>,
    /// The extensions; empty also when a TLS 1.2 client left the block out.
    pub extensions: ClientHelloExtensions,
}

impl ClientHello {
    /// Bytes at the end of the message that the PSK binders take, with their length; 0 without `pre_shared_key`.
    ///
    /// `pre_shared_key` is the last extension and the binders are its last field, so what the binders are computed over
    /// is the message without that many bytes at its end (RFC 9846 §4.3.11.2).
    pub fn binders_len(&self) -> usize {
        self.extensions
            .pre_shared_key
            .as_ref()
            .map_or(0, PreSharedKeys::binders_len)
    }

    /// What the PSK binders are computed over, `Truncate(ClientHello)` (RFC 9846 §4.3.11.2): `message`, which this value
    /// was decoded from, header and all, without the binders. `None` when `message` is shorter than that.
    pub fn without_binders<'m>(&self, message: &'m [u8]) -> Option<&'m [u8]> {
        message.get(..message.len().checked_sub(self.binders_len())?)
    }
}

impl Message for ClientHello {
    const TYPE: HandshakeType = HandshakeType::CLIENT_HELLO;
}

impl Encode for ClientHello {
    fn encode(&self, out: &mut Vec<u8>) {
        self.legacy_version.encode(out);
        out.put_bytes(&self.random);
        out.put_opaque_u8(&self.session_id);
        out.put_vector_u16(|out| {
            for suite in &self.cipher_suites {
                suite.encode(out);
            }
        });
        out.put_vector_u8(|out| {
            for method in &self.compression_methods {
                method.encode(out);
            }
        });
        if !self.extensions.is_empty() {
            self.extensions.encode(out);
        }
    }
}

impl<'a> Decode<'a> for ClientHello {
    const NAME: &'static str = "ClientHello";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            legacy_version: ProtocolVersion(reader.u16("ClientHello.legacy_version")?),
            random: reader.array("ClientHello.random")?,
            session_id: reader.opaque_u8("ClientHello.session_id", 0..=32)?.to_vec(),
            cipher_suites: reader
                .vector_u16("ClientHello.cipher_suites", 2..=0xfffe)?
                .all()?,
            compression_methods: compression_methods(reader)?,
            // RFC 5246 §7.4.1.2: "The presence of extensions can be detected by determining whether there are bytes
            // following the compression_methods at the end of the ClientHello."
            extensions: if reader.is_empty() {
                ClientHelloExtensions::default()
            } else {
                ClientHelloExtensions::decode(reader)?
            },
        })
    }
}

fn compression_methods(reader: &mut Reader<'_>) -> Result<Vec<CompressionMethod>, DecodeError> {
    const WHAT: &str = "ClientHello.compression_methods";
    let error = reader.error(WHAT, DecodeErrorKind::IllegalValue);
    let methods = reader.vector_u8(WHAT, 1..=0xff)?.all()?;
    // RFC 5246 §7.4.1.2: "This vector MUST contain, and all implementations MUST support, CompressionMethod.null." RFC
    // 9846 §4.2.2 wants exactly that one, with the same alert.
    if !methods.contains(&CompressionMethod::NULL) {
        return Err(error);
    }
    Ok(methods)
}
