//! CertificateVerify (RFC 9846 §4.5.2, RFC 5246 §7.4.8).

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Put, Reader};
use crate::values::{HandshakeType, SignatureScheme};

/// The proof that the sender has the certificate's key: a signature over the handshake so far. The same form in TLS 1.3
/// (RFC 9846 §4.5.2) and TLS 1.2 (RFC 5246 §7.4.8); what is signed differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateVerify {
    /// How it is signed.
    pub scheme: SignatureScheme,
    /// The signature: at most 2^16-1 bytes.
    pub signature: Vec<u8>,
}

impl Message for CertificateVerify {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE_VERIFY;
}

impl Encode for CertificateVerify {
    fn encode(&self, out: &mut Vec<u8>) {
        self.scheme.encode(out);
        out.put_opaque_u16(&self.signature);
    }
}

impl<'a> Decode<'a> for CertificateVerify {
    const NAME: &'static str = "CertificateVerify";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            scheme: SignatureScheme(reader.u16("CertificateVerify.algorithm")?),
            signature: reader
                .opaque_u16("CertificateVerify.signature", 0..=0xffff)?
                .to_vec(),
        })
    }
}
