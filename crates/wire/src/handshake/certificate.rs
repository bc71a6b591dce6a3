//! Certificate (RFC 9846 §4.5.1, RFC 5246 §7.4.2).

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, MAX_LIST_ITEMS, Put, Reader};
use crate::extensions::CertificateEntryExtensions;
use crate::values::HandshakeType;

const LIST: &str = "Certificate.certificate_list";
const CERTIFICATE: &str = "Certificate.cert_data";

/// A chain of certificates in TLS 1.3 (RFC 9846 §4.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateTls13 {
    /// The context of the CertificateRequest that this answers; empty for a server. At most 255 bytes.
    pub certificate_request_context: Vec<u8>,
    /// The chain, leaf first; empty when a client has none.
    pub certificate_list: Vec<CertificateEntry>,
}

/// One certificate of a TLS 1.3 chain (RFC 9846 §4.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEntry {
    /// The certificate, DER (or a SubjectPublicKeyInfo where raw public keys are agreed).
    pub cert_data: Vec<u8>,
    /// What is known about it.
    pub extensions: CertificateEntryExtensions,
}

/// A chain of certificates in TLS 1.2 (RFC 5246 §7.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateTls12 {
    /// The chain, DER, leaf first; empty when a client has none.
    pub certificate_list: Vec<Vec<u8>>,
}

impl Message for CertificateTls13 {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE;
}

impl Encode for CertificateTls13 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_opaque_u8(&self.certificate_request_context);
        out.put_vector_u24(|out| {
            for entry in &self.certificate_list {
                out.put_opaque_u24(&entry.cert_data);
                entry.extensions.encode(out);
            }
        });
    }
}

impl<'a> Decode<'a> for CertificateTls13 {
    const NAME: &'static str = "Certificate";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            certificate_request_context: reader
                .opaque_u8("Certificate.certificate_request_context", 0..=0xff)?
                .to_vec(),
            certificate_list: reader.vector_u24(LIST, 0..=0xff_ffff)?.items(
                LIST,
                MAX_LIST_ITEMS,
                |list| {
                    Ok(CertificateEntry {
                        cert_data: list.opaque_u24(CERTIFICATE, 1..=0xff_ffff)?.to_vec(),
                        extensions: CertificateEntryExtensions::decode(list)?,
                    })
                },
            )?,
        })
    }
}

impl Message for CertificateTls12 {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE;
}

impl Encode for CertificateTls12 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_vector_u24(|out| {
            for certificate in &self.certificate_list {
                out.put_opaque_u24(certificate);
            }
        });
    }
}

impl<'a> Decode<'a> for CertificateTls12 {
    const NAME: &'static str = "Certificate";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            certificate_list: reader.vector_u24(LIST, 0..=0xff_ffff)?.items(
                LIST,
                MAX_LIST_ITEMS,
                |list| {
                    list.opaque_u24(CERTIFICATE, 1..=0xff_ffff)
                        .map(<[u8]>::to_vec)
                },
            )?,
        })
    }
}
