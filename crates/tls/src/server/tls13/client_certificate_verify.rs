//! The client's CertificateVerify (RFC 9846 §4.5.2), and whether the client is to be trusted.

use std::sync::Arc;

use keyward_keyop::tls13;
use keyward_wire::handshake::CertificateVerify;
use keyward_wire::values::{HandshakeType, ProtocolVersion, SignatureScheme};
use rustls_pki_types::CertificateDer;

use super::State;
use super::client_certificate::Claim;
use super::finished::ExpectFinished;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{Need, NeedError, NeedKind, PeerCertificateNeed, PeerRole};
use crate::server::Context;
use crate::signature_schemes::PeerSignature;

pub(crate) struct ExpectCertificateVerify {
    pub(super) claim: Claim,
    /// The `signature_algorithms` that we sent.
    pub(super) schemes: Vec<SignatureScheme>,
    pub(super) then: ExpectFinished,
}

impl ExpectCertificateVerify {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CERTIFICATE_VERIFY)?;
        let verify: CertificateVerify = message.decode()?;
        let transcript = self.then.transcript.current();
        PeerSignature {
            scheme: verify.scheme,
            signature: &verify.signature,
        }
        .verify(
            ProtocolVersion::TLS13,
            &self.schemes,
            &self.claim.key,
            &tls13::client_certificate_verify_message(&transcript),
        )?;
        self.then.transcript.add(&message.bytes);
        let chain = self.claim.certificate.chain.clone();
        cx.common.ask(|id| {
            Need::PeerCertificate(PeerCertificateNeed {
                id,
                role: PeerRole::Client,
                version: ProtocolVersion::TLS13,
                name: None,
                key_transport: false,
                certificate: self.claim.certificate,
                session_began: None,
            })
        });
        Ok(State::AwaitPeerCertificate(Box::new(
            AwaitPeerCertificate {
                chain,
                scheme: verify.scheme,
                then: self.then,
            },
        )))
    }
}

pub(crate) struct AwaitPeerCertificate {
    chain: Arc<[CertificateDer<'static>]>,
    scheme: SignatureScheme,
    then: ExpectFinished,
}

impl AwaitPeerCertificate {
    pub(super) fn answered(
        self,
        answer: Result<(), NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        answer.map_err(|error| Error::Need(NeedKind::PeerCertificate, error))?;
        // Only a client that is trusted is named as the peer.
        if let Some(negotiated) = &mut cx.common.negotiated {
            negotiated.client_signature_scheme = Some(self.scheme);
            negotiated.peer_certificates = self.chain;
        }
        Ok(State::ExpectFinished(Box::new(self.then)))
    }
}
