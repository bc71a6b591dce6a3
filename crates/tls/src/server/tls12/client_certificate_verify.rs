//! The client's CertificateVerify (RFC 5246 §7.4.8), and whether its certificate is to be trusted.

use std::sync::Arc;

use keyward_wire::handshake::CertificateVerify;
use keyward_wire::values::{HandshakeType, ProtocolVersion, SignatureScheme};
use rustls_pki_types::CertificateDer;

use super::State;
use super::change_cipher_spec::ExpectChangeCipherSpec;
use super::client_certificate::Claimed;
use super::server_hello::Flight;
use crate::error::Error;
use crate::handshake::Incoming;
use crate::key_schedule::tls12::MasterSecret;
use crate::needs::{Need, NeedError, NeedKind, PeerCertificate, PeerCertificateNeed, PeerRole};
use crate::server::Context;
use crate::signature_schemes::PeerSignature;

/// The master secret is there: the client's proof comes next, if it has presented a certificate.
pub(super) fn expect(
    master: MasterSecret,
    mut flight: Flight,
    cx: &Context<'_>,
) -> Result<State, Error> {
    match (flight.claimed.take(), flight.requested.take()) {
        (Some(claimed), Some(requested)) => Ok(State::ExpectCertificateVerify(Box::new(
            ExpectCertificateVerify {
                claimed,
                schemes: requested.schemes,
                master,
                flight,
            },
        ))),
        _ => ExpectChangeCipherSpec::in_full_handshake(master, flight, cx),
    }
}

pub(crate) struct ExpectCertificateVerify {
    claimed: Claimed,
    schemes: Vec<SignatureScheme>,
    master: MasterSecret,
    flight: Flight,
}

impl ExpectCertificateVerify {
    /// RFC 5246 §7.4.8: "handshake_messages refers to all handshake messages sent or received, starting
    /// at client hello and up to, but not including, this message". The algorithm "MUST be one of those
    /// present in the supported_signature_algorithms field of the CertificateRequest message."
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CERTIFICATE_VERIFY)?;
        let verify: CertificateVerify = message.decode()?;
        let signed = self.flight.transcript.take_messages();
        let signature = PeerSignature {
            scheme: verify.scheme,
            signature: &verify.signature,
        };
        let key = &self.claimed.key;
        signature.verify(ProtocolVersion::TLS12, &self.schemes, key, &signed)?;
        self.flight.transcript.add(&message.bytes);

        let certificate = PeerCertificate {
            chain: self.claimed.chain.clone(),
            stapled: None,
            delegated_credential: None,
        };
        cx.common.ask(|id| {
            Need::PeerCertificate(PeerCertificateNeed {
                id,
                role: PeerRole::Client,
                version: ProtocolVersion::TLS12,
                name: None,
                key_transport: false,
                certificate,
                session_began: None,
            })
        });
        Ok(State::AwaitPeerCertificate(Box::new(
            AwaitPeerCertificate {
                chain: self.claimed.chain,
                scheme: verify.scheme,
                master: self.master,
                flight: self.flight,
            },
        )))
    }
}

pub(crate) struct AwaitPeerCertificate {
    chain: Arc<[CertificateDer<'static>]>,
    scheme: SignatureScheme,
    master: MasterSecret,
    flight: Flight,
}

impl AwaitPeerCertificate {
    pub(super) fn answered(
        self,
        answer: Result<(), NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        answer.map_err(|error| Error::Need(NeedKind::PeerCertificate, error))?;
        if let Some(negotiated) = &mut cx.common.negotiated {
            negotiated.client_signature_scheme = Some(self.scheme);
            negotiated.peer_certificates = self.chain;
        }
        ExpectChangeCipherSpec::in_full_handshake(self.master, self.flight, cx)
    }
}
