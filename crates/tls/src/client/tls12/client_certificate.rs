//! Our Certificate (RFC 5246 §7.4.6), if the server asks for one.

use std::sync::Arc;

use keyward_wire::handshake::{self, CertificateRequestTls12, CertificateTls12};
use keyward_wire::values::ProtocolVersion;

use super::State;
use super::client_key_exchange::{self, Server};
use super::server_hello::Flight;
use crate::client::Context;
use crate::credential::Credential;
use crate::error::Error;
use crate::needs::{ClientCertificateNeed, Need, NeedError, NeedKind};
use crate::signer::{Wishes, choose};
use crate::tls12::fits_type;

/// Asks which certificates could be presented.
pub(super) fn ask(
    request: CertificateRequestTls12,
    flight: Flight,
    server: Server,
    cx: &mut Context<'_>,
) -> State {
    cx.common.ask(|id| {
        Need::ClientCertificate(ClientCertificateNeed {
            id,
            version: ProtocolVersion::TLS12,
            authorities: request.certificate_authorities.clone(),
            signature_schemes: request.supported_signature_algorithms.clone(),
            certificate_types: request.certificate_types.clone(),
        })
    });
    State::AwaitClientCertificate(Box::new(AwaitClientCertificate {
        request,
        flight,
        server,
    }))
}

pub(crate) struct AwaitClientCertificate {
    request: CertificateRequestTls12,
    flight: Flight,
    server: Server,
}

impl AwaitClientCertificate {
    /// RFC 5246 §7.4.6: "If no suitable certificate is available, the client MUST send a certificate
    /// message containing no certificates."
    pub(super) fn answered(
        mut self,
        answer: Result<Option<Vec<Arc<Credential>>>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let candidates = answer
            .map_err(|error| Error::Need(NeedKind::ClientCertificate, error))?
            .unwrap_or_default();
        let request = &self.request;
        let schemes = &request.supported_signature_algorithms;
        let wishes = Wishes {
            ours: cx.config.policy.signature_schemes.as_deref(),
            authorities: &request.certificate_authorities,
            ..Wishes::of_schemes(ProtocolVersion::TLS12, schemes)
        };
        let signer = choose(&candidates, &wishes, |candidate| {
            fits_type(&request.certificate_types, candidate.public_key().kind())
        });
        let certificate = signer.as_ref().map(|signer| signer.certificate.clone());
        let chain = certificate.as_ref().map(|certificate| certificate.chain());
        let message = handshake::to_message(&CertificateTls12 {
            certificate_list: chain
                .unwrap_or_default()
                .iter()
                .map(|certificate| certificate.to_vec())
                .collect(),
        });
        self.flight.send(&message, cx);
        if let Some(negotiated) = &mut cx.common.negotiated {
            negotiated.client_signature_scheme = signer.as_ref().map(|signer| signer.scheme);
            negotiated.certificate = certificate;
        }
        client_key_exchange::send(self.flight, self.server, signer, cx)
    }
}
