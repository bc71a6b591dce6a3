//! ServerHello (RFC 9846 §4.2.3, RFC 5246 §7.4.1.3), and HelloRetryRequest, which has its form (RFC 9846 §4.2.4).

use super::Message;
use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
use crate::extensions::{ServerHelloExtensions, ServerKeyShare};
use crate::values::{
    CipherSuite, CompressionMethod, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion,
};

/// The random by which a HelloRetryRequest is told from a ServerHello: SHA-256 of "HelloRetryRequest" (RFC 9846 §4.2.3).
pub const HELLO_RETRY_REQUEST_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What the server chose (RFC 9846 §4.2.3, RFC 5246 §7.4.1.3), or a HelloRetryRequest (RFC 9846 §4.2.4):
/// [`is_hello_retry_request`](Self::is_hello_retry_request) tells. Either decodes with its own extensions alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version up to TLS 1.2; 0x0303 in TLS 1.3.
    pub legacy_version: ProtocolVersion,
    /// The server's random.
    pub random: [u8; 32],
    /// TLS 1.3: the client's, returned. TLS 1.2: the session's. At most 32 bytes.
    pub session_id: Vec<u8>,
    /// The suite.
    pub cipher_suite: CipherSuite,
    /// `NULL`; whether it is, is for the engine to check.
    pub compression_method: CompressionMethod,
    /// The extensions; empty also when a TLS 1.2 server left the block out.
    pub extensions: ServerHelloExtensions,
}

impl ServerHello {
    /// A HelloRetryRequest that asks for a share of `group`, for a cookie to be returned, or for both.
    pub fn hello_retry_request(
        session_id: Vec<u8>,
        cipher_suite: CipherSuite,
        group: Option<NamedGroup>,
        cookie: Option<Vec<u8>>,
    ) -> Self {
        Self {
            legacy_version: ProtocolVersion::TLS12,
            random: HELLO_RETRY_REQUEST_RANDOM,
            session_id,
            cipher_suite,
            compression_method: CompressionMethod::NULL,
            extensions: ServerHelloExtensions {
                supported_versions: Some(ProtocolVersion::TLS13),
                key_share: group.map(ServerKeyShare::Retry),
                cookie,
                ..ServerHelloExtensions::default()
            },
        }
    }

    /// Whether this is a HelloRetryRequest.
    ///
    /// RFC 9846 §4.2.3: "Upon receiving a message with type server_hello, implementations MUST first examine the Random
    /// value and, if it matches this value, process it as described in [§4.2.4]".
    pub fn is_hello_retry_request(&self) -> bool {
        self.random == HELLO_RETRY_REQUEST_RANDOM
    }

    /// The extensions must be those of the message that the random says this is.
    fn check_extensions(
        &self,
        error: impl Fn(DecodeErrorKind) -> DecodeError,
    ) -> Result<(), DecodeError> {
        let retry = self.is_hello_retry_request();
        let share_fits = match self.extensions.key_share {
            Some(ServerKeyShare::Retry(_)) => retry,
            Some(ServerKeyShare::Share(_)) => !retry,
            None => true,
        };
        if !share_fits {
            return Err(DecodeError {
                what: "key_share",
                ..error(DecodeErrorKind::IllegalLength)
            });
        }
        let forbidden = self.extensions.each_type().find(|extension| {
            if retry {
                // RFC 9846 §4.3, table: what may be in "HRR". Unknown ones are for the engine, which knows what the client
                // offered.
                extension.name().is_some()
                    && !matches!(
                        *extension,
                        ExtensionType::SUPPORTED_VERSIONS
                            | ExtensionType::KEY_SHARE
                            | ExtensionType::COOKIE
                            | ExtensionType::ENCRYPTED_CLIENT_HELLO
                    )
            } else {
                *extension == ExtensionType::COOKIE
            }
        });
        match forbidden {
            Some(extension) => Err(DecodeError {
                what: extension.name().unwrap_or(ServerHelloExtensions::NAME),
                ..error(DecodeErrorKind::Forbidden)
            }),
            None => Ok(()),
        }
    }
}

impl Message for ServerHello {
    const TYPE: HandshakeType = HandshakeType::SERVER_HELLO;
}

impl Encode for ServerHello {
    fn encode(&self, out: &mut Vec<u8>) {
        self.legacy_version.encode(out);
        out.put_bytes(&self.random);
        out.put_opaque_u8(&self.session_id);
        self.cipher_suite.encode(out);
        self.compression_method.encode(out);
        // RFC 5246 §7.4.1.3 lets a server leave the block out; some old clients choke on an empty one.
        if !self.extensions.is_empty() {
            self.extensions.encode(out);
        }
    }
}

impl<'a> Decode<'a> for ServerHello {
    const NAME: &'static str = "ServerHello";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut hello = Self {
            legacy_version: ProtocolVersion(reader.u16("ServerHello.legacy_version")?),
            random: reader.array("ServerHello.random")?,
            session_id: reader.opaque_u8("ServerHello.session_id", 0..=32)?.to_vec(),
            cipher_suite: CipherSuite(reader.u16("ServerHello.cipher_suite")?),
            compression_method: CompressionMethod(reader.u8("ServerHello.compression_method")?),
            extensions: ServerHelloExtensions::default(),
        };
        let start = reader.clone();
        if !reader.is_empty() {
            hello.extensions = ServerHelloExtensions::decode(reader)?;
        }
        hello.check_extensions(|kind| start.error(ServerHelloExtensions::NAME, kind))?;
        Ok(hello)
    }
}
