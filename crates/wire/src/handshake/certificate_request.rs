//! CertificateRequest (RFC 9846 §4.4.2, RFC 5246 §7.4.4).

use super::Message;
use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
use crate::extensions::{CertificateRequestExtensions, decode_names, encode_names};
use crate::values::{ClientCertificateType, HandshakeType, SignatureScheme};

/// A TLS 1.3 server asks for the client's certificate (RFC 9846 §4.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateRequestTls13 {
    /// To be returned in the client's Certificate; empty in the handshake. At most 255 bytes.
    pub certificate_request_context: Vec<u8>,
    /// What the certificate shall be like; `signature_algorithms` must be there.
    pub extensions: CertificateRequestExtensions,
}

/// A TLS 1.2 server asks for the client's certificate (RFC 5246 §7.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequestTls12 {
    /// Kinds of certificate; at least one.
    pub certificate_types: Vec<ClientCertificateType>,
    /// Signatures that the server can verify, best first; at least one.
    pub supported_signature_algorithms: Vec<SignatureScheme>,
    /// Distinguished names (DER) of authorities that the server trusts; may be empty.
    pub certificate_authorities: Vec<Vec<u8>>,
}

impl Message for CertificateRequestTls13 {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE_REQUEST;
}

impl Encode for CertificateRequestTls13 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_opaque_u8(&self.certificate_request_context);
        self.extensions.encode(out);
    }
}

impl<'a> Decode<'a> for CertificateRequestTls13 {
    const NAME: &'static str = "CertificateRequest";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let certificate_request_context = reader
            .opaque_u8("CertificateRequest.certificate_request_context", 0..=0xff)?
            .to_vec();
        let missing = reader.error("signature_algorithms", DecodeErrorKind::Missing);
        let extensions = CertificateRequestExtensions::decode(reader)?;
        // RFC 9846 §4.4.2: "The "signature_algorithms" extension MUST be specified".
        if extensions.signature_algorithms.is_none() {
            return Err(missing);
        }
        Ok(Self {
            certificate_request_context,
            extensions,
        })
    }
}

impl Message for CertificateRequestTls12 {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE_REQUEST;
}

impl Encode for CertificateRequestTls12 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_vector_u8(|out| {
            for certificate_type in &self.certificate_types {
                certificate_type.encode(out);
            }
        });
        out.put_vector_u16(|out| {
            for scheme in &self.supported_signature_algorithms {
                scheme.encode(out);
            }
        });
        encode_names(&self.certificate_authorities, out);
    }
}

impl<'a> Decode<'a> for CertificateRequestTls12 {
    const NAME: &'static str = "CertificateRequest";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            certificate_types: reader
                .vector_u8("CertificateRequest.certificate_types", 1..=0xff)?
                .all()?,
            supported_signature_algorithms: reader
                .vector_u16(
                    "CertificateRequest.supported_signature_algorithms",
                    2..=0xfffe,
                )?
                .all()?,
            certificate_authorities: decode_names(reader)?,
        })
    }
}
