//! Certificate (RFC 9846 §4.5.1).

use keyward_keyop::ServerNonce;
use keyward_wire::extensions::CertificateEntryExtensions;
use keyward_wire::handshake::{self, CertificateEntry, CertificateTls13, ClientHello};

use super::server_hello::Flight;
use super::{State, certificate_verify};
use crate::credential::{Credential, Signer};
use crate::error::Error;
use crate::server::Context;

pub(super) fn send(
    hello: &ClientHello,
    signer: Signer,
    nonce: ServerNonce,
    mut flight: Flight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let message = handshake::to_message(&CertificateTls13 {
        certificate_request_context: Vec::new(),
        certificate_list: entries(&signer.certificate, hello.extensions.status_request),
    });
    flight.transcript.add(&message);
    cx.common.send_handshake(&message);
    certificate_verify::ask(signer, nonce, flight, cx)
}

fn entries(certificate: &Credential, wants_ocsp: bool) -> Vec<CertificateEntry> {
    let mut entries: Vec<_> = certificate
        .chain()
        .iter()
        .map(|certificate| CertificateEntry {
            cert_data: certificate.to_vec(),
            extensions: CertificateEntryExtensions::default(),
        })
        .collect();
    if let (true, Some(ocsp), Some(leaf)) = (wants_ocsp, certificate.ocsp(), entries.first_mut()) {
        leaf.extensions.status_request = Some(ocsp.0.clone());
    }
    entries
}
