//! CertificateRequest (RFC 5246 §7.4.4).

use keyward_wire::handshake::{self, CertificateRequestTls12};
use keyward_wire::values::SignatureScheme;

use super::server_hello::Flight;
use crate::needs::ClientAuthentication;
use crate::server::Context;
use crate::signature_schemes;
use crate::tls12::certificate_types;

/// What the client is asked for.
pub(super) struct Requested {
    authorities: Vec<Vec<u8>>,
    /// What it may sign with.
    pub(super) schemes: Vec<SignatureScheme>,
    pub(super) required: bool,
}

impl Requested {
    pub(super) fn of(authentication: &ClientAuthentication) -> Option<Self> {
        let request = authentication.request()?;
        Some(Self {
            authorities: request.authorities.clone(),
            schemes: request
                .schemes()
                .into_iter()
                .filter(|scheme| !signature_schemes::is_tls13_only(*scheme))
                .collect(),
            required: matches!(authentication, ClientAuthentication::Required(_)),
        })
    }
}

pub(super) fn send(flight: &mut Flight, cx: &mut Context<'_>) {
    let Some(requested) = &flight.requested else {
        return;
    };
    let message = handshake::to_message(&CertificateRequestTls12 {
        certificate_types: certificate_types(&requested.schemes),
        supported_signature_algorithms: requested.schemes.clone(),
        certificate_authorities: requested.authorities.clone(),
    });
    flight.send(&message, cx);
}
