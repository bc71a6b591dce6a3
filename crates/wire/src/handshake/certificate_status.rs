//! CertificateStatus (RFC 6066 §8), of TLS 1.2 alone: in TLS 1.3 it is an extension of the certificate.

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::extensions::{decode_status, encode_status};
use crate::values::HandshakeType;

/// A stapled OCSP response in TLS 1.2 (RFC 6066 §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateStatus {
    /// The response, DER: 1 to 2^24-1 bytes.
    pub ocsp_response: Vec<u8>,
}

impl Message for CertificateStatus {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE_STATUS;
}

impl Encode for CertificateStatus {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_status(&self.ocsp_response, out);
    }
}

impl<'a> Decode<'a> for CertificateStatus {
    const NAME: &'static str = "CertificateStatus";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            ocsp_response: decode_status(reader)?,
        })
    }
}
