//! Certificate (RFC 5246 §7.4.2) and CertificateStatus (RFC 6066 §8).

use keyward_wire::handshake::{self, CertificateStatus, CertificateTls12};

use super::server_hello::Flight;
use crate::credential::Credential;
use crate::server::Context;

pub(super) fn send(
    certificate: &Credential,
    stapled: bool,
    flight: &mut Flight,
    cx: &mut Context<'_>,
) {
    let message = certificate.messages.tls12.get_or_init(|| {
        let chain = certificate.chain().iter();
        let message = handshake::to_message(&CertificateTls12 {
            certificate_list: chain.map(|certificate| certificate.to_vec()).collect(),
        });
        message.into()
    });
    flight.send(message, cx);
    // RFC 6066 §8: "If a server returns a "CertificateStatus" message, then the server MUST have
    // included an extension of type "status_request" ... in the extended server hello", "immediately
    // after the "Certificate" message".
    if let (true, Some(ocsp)) = (stapled, certificate.ocsp()) {
        let message = CertificateStatus {
            ocsp_response: ocsp.0.clone(),
        };
        flight.send_message(&message, cx);
    }
}
