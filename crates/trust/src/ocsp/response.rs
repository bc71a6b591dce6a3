//! The content of an OCSP response, as far as it is needed.

use der::asn1::{AnyRef, ContextSpecific, ObjectIdentifier};
use der::{Decode, Encode, TagNumber};
use rustls_pki_types::CertificateDer;
use x509_ocsp::{OcspResponse, OcspResponseStatus, ResponseData};

use super::OcspFault;
use crate::signature::Signed;

/// `id-pkix-ocsp-basic` (RFC 6960 §4.2.1).
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// A response brings the responder's own certificate; more is of no use.
const MAX_CERTIFICATES: usize = 4;

/// A BasicOCSPResponse.
pub(super) struct Response {
    /// As DER: what is signed is a part of it.
    bytes: Vec<u8>,
    pub(super) data: ResponseData,
    /// Certificates of responders.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

impl Response {
    pub(super) fn parse(der: &[u8]) -> Result<Self, OcspFault> {
        let outer = OcspResponse::from_der(der).map_err(malformed)?;
        if let Some(error) = responder_error(outer.response_status) {
            return Err(OcspFault::Responder(error));
        }
        let content = outer
            .response_bytes
            .ok_or_else(|| OcspFault::Malformed("a success without content".to_owned()))?;
        if content.response_type != BASIC {
            return Err(OcspFault::Malformed(format!(
                "the response type {} is not known",
                content.response_type
            )));
        }
        let bytes = content.response.into_bytes();
        let mut signed = Signed::parse(&bytes).map_err(malformed)?;
        let data = ResponseData::from_der(signed.content).map_err(malformed)?;
        let certificates =
            ContextSpecific::<Vec<AnyRef<'_>>>::decode_explicit(&mut signed.rest, TagNumber::N0)
                .map_err(malformed)?
                .map(|certificates| certificates.value)
                .unwrap_or_default()
                .iter()
                .take(MAX_CERTIFICATES)
                .map(|certificate| certificate.to_der().map(CertificateDer::from))
                .collect::<Result<_, _>>()
                .map_err(malformed)?;
        Ok(Self {
            data,
            certificates,
            bytes,
        })
    }

    pub(super) fn signed(&self) -> Result<Signed<'_>, OcspFault> {
        Signed::parse(&self.bytes).map_err(malformed)
    }
}

fn malformed(error: der::Error) -> OcspFault {
    OcspFault::Malformed(error.to_string())
}

const fn responder_error(status: OcspResponseStatus) -> Option<&'static str> {
    Some(match status {
        OcspResponseStatus::Successful => return None,
        OcspResponseStatus::MalformedRequest => "malformed request",
        OcspResponseStatus::InternalError => "internal error",
        OcspResponseStatus::TryLater => "try later",
        OcspResponseStatus::SigRequired => "the request must be signed",
        OcspResponseStatus::Unauthorized => "unauthorized",
    })
}
