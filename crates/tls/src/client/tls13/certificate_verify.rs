//! The server's CertificateVerify (RFC 9846 §4.5.2): it has the key. Whether that is a server to be trusted is
//! then asked for.

use keyward_keyop::tls13;
use keyward_wire::handshake::{CertificateRequestTls13, CertificateVerify};
use keyward_wire::values::{HandshakeType, ProtocolVersion};

use super::State;
use super::certificate::Presented;
use super::finished::ExpectFinished;
use super::server_hello::Flight;
use crate::client::Context;
use crate::delegated_credential::{self, Offered};
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{Need, NeedError, NeedKind, PeerCertificateNeed, PeerRole};
use crate::signature_schemes::PeerSignature;

pub(crate) struct ExpectCertificateVerify {
    pub(super) flight: Flight,
    pub(super) request: Option<Box<CertificateRequestTls13>>,
    pub(super) presented: Presented,
}

impl ExpectCertificateVerify {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CERTIFICATE_VERIFY)?;
        let verify: CertificateVerify = message.decode()?;
        let mut flight = self.flight;
        let (certificate, leaf_key) = self.presented;
        let extensions = &flight.hello.hello.extensions;
        let schemes = extensions.signature_algorithms.as_deref();
        let schemes = schemes.unwrap_or_default();
        let delegated = extensions.delegated_credential.as_deref();
        let key = match &certificate.delegated_credential {
            Some(credential) => delegated_credential::accept(
                credential,
                (&certificate.chain[0], &leaf_key),
                &Offered {
                    schemes,
                    delegated: delegated.unwrap_or_default(),
                },
                verify.scheme,
                cx.now,
            )?,
            None => leaf_key,
        };
        // RFC 9345 §4.1.1 has the client list what a delegated key may sign with apart.
        let accept = match &certificate.delegated_credential {
            Some(_) => delegated.unwrap_or_default(),
            None => schemes,
        };
        let signature = PeerSignature {
            scheme: verify.scheme,
            signature: &verify.signature,
        };
        let content = tls13::server_certificate_verify_message(&flight.transcript.current());
        signature.verify(ProtocolVersion::TLS13, accept, &key, &content)?;
        flight.transcript.add(&message.bytes);

        let negotiated = cx.common.negotiated()?;
        negotiated.signature_scheme = Some(verify.scheme);
        negotiated.peer_certificates = certificate.chain.clone();
        negotiated.stapled.clone_from(&certificate.stapled);
        let name = flight.hello.name.clone();
        cx.common.ask(|id| {
            Need::PeerCertificate(PeerCertificateNeed {
                id,
                role: PeerRole::Server,
                version: ProtocolVersion::TLS13,
                name: Some(name),
                key_transport: false,
                certificate,
                session_began: None,
            })
        });
        Ok(State::AwaitPeerCertificate(Box::new(
            AwaitPeerCertificate {
                flight,
                request: self.request,
            },
        )))
    }
}

pub(crate) struct AwaitPeerCertificate {
    flight: Flight,
    request: Option<Box<CertificateRequestTls13>>,
}

impl AwaitPeerCertificate {
    pub(super) fn answered(
        self,
        answer: Result<(), NeedError>,
        _cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        answer.map_err(|error| Error::Need(NeedKind::PeerCertificate, error))?;
        Ok(State::ExpectFinished(Box::new(ExpectFinished {
            flight: self.flight,
            request: self.request,
        })))
    }
}
