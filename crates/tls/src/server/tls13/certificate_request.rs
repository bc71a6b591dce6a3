//! CertificateRequest (RFC 9846 §4.4.2), in a full handshake of a site that wants to know its clients.

use keyward_wire::extensions::CertificateRequestExtensions;
use keyward_wire::handshake::CertificateRequestTls13;
use keyward_wire::values::{CertificateCompressionAlgorithm, SignatureScheme};

use super::server_hello::{Flight, Next};
use crate::error::Error;
use crate::grease;
use crate::needs::ClientAuthentication;
use crate::server::Context;

/// What the client was asked for, to hold against what comes.
pub(super) struct Request {
    pub(super) schemes: Vec<SignatureScheme>,
    pub(super) compression: Vec<CertificateCompressionAlgorithm>,
    /// Whether a client without a certificate is sent away.
    pub(super) required: bool,
}

/// Asks the client for its certificate, if the site does.
pub(super) fn send(
    authentication: &ClientAuthentication,
    flight: &mut Flight,
    cx: &mut Context<'_>,
) -> Result<(), Error> {
    let Some(wanted) = authentication.request() else {
        return Ok(());
    };
    let schemes = wanted.schemes();
    let mut told = schemes.clone();
    let mut unknown = Vec::new();
    if cx.config.grease {
        let (extension, scheme) = grease::for_server(&*cx.config.random)?;
        told.insert(0, scheme);
        unknown.push((extension, Vec::new()));
    }
    let compression = cx.config.certificate_compression.clone();
    let authorities = &wanted.authorities;
    let message = cx.common.send_message(&CertificateRequestTls13 {
        // RFC 9846 §4.4.2: "This field SHALL be zero length unless used for the post-handshake
        // authentication exchanges".
        certificate_request_context: Vec::new(),
        extensions: CertificateRequestExtensions {
            // RFC 9846 §4.4.2: "The "signature_algorithms" extension MUST be specified".
            signature_algorithms: Some(told),
            certificate_authorities: (!authorities.is_empty()).then(|| authorities.clone()),
            compress_certificate: (!compression.is_empty()).then(|| compression.clone()),
            unknown,
            ..CertificateRequestExtensions::default()
        },
    });
    flight.transcript.add(message);
    flight.next = Next::Certificate(Request {
        schemes,
        compression,
        required: matches!(authentication, ClientAuthentication::Required(_)),
    });
    Ok(())
}
