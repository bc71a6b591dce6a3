//! Our Certificate and CertificateVerify (RFC 9846 §4.5.1, §4.5.2), if the server asks for them. Which certificate,
//! and the signature, are asked for in turn: our key may be elsewhere as well.

use std::sync::Arc;

use keyward_crypto::hash::Digest;
use keyward_keyop::{Operation, Tls13ClientCertificateVerify, tls13};
use keyward_wire::handshake::{self, CertificateRequestTls13, CertificateTls13, CertificateVerify};
use keyward_wire::values::{ProtocolVersion, SignatureScheme};

use super::State;
use super::finished::LastFlight;
use crate::client::Context;
use crate::credential::Credential;
use crate::error::Error;
use crate::needs::{ClientCertificateNeed, KeyAnswer, KeyOperationNeed, Need, NeedError, NeedKind};
use crate::signer::{Signer, Wishes, choose};
use crate::tls13::certificate::{self, Takes};

/// Asks which certificate could be presented.
pub(super) fn ask(
    request: CertificateRequestTls13,
    last: LastFlight,
    cx: &mut Context<'_>,
) -> State {
    let extensions = &request.extensions;
    let authorities = extensions.certificate_authorities.clone();
    let signature_schemes = schemes(&request, cx);
    cx.common.ask(|id| {
        Need::ClientCertificate(ClientCertificateNeed {
            id,
            version: ProtocolVersion::TLS13,
            authorities: authorities.unwrap_or_default(),
            signature_schemes,
            certificate_types: Vec::new(),
        })
    });
    State::AwaitClientCertificate(Box::new(AwaitClientCertificate { request, last }))
}

/// The server's schemes that our policy lets our keys sign with.
fn schemes(request: &CertificateRequestTls13, cx: &Context<'_>) -> Vec<SignatureScheme> {
    let ours = cx.config.policy.signature_schemes.as_deref();
    request
        .extensions
        .signature_algorithms
        .iter()
        .flatten()
        .copied()
        .filter(|scheme| ours.is_none_or(|ours| ours.contains(scheme)))
        .collect()
}

pub(crate) struct AwaitClientCertificate {
    request: CertificateRequestTls13,
    pub(super) last: LastFlight,
}

impl AwaitClientCertificate {
    pub(super) fn answered(
        self,
        answer: Result<Option<Vec<Arc<Credential>>>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let candidates = answer.map_err(|error| Error::Need(NeedKind::ClientCertificate, error))?;
        let signer = choose_signer(&self.request, &candidates.unwrap_or_default(), cx);
        match signer {
            Some(signer) => send(signer, &self.request, self.last, cx),
            None => send_none(self.last, cx),
        }
    }
}

fn choose_signer(
    request: &CertificateRequestTls13,
    candidates: &[Arc<Credential>],
    cx: &Context<'_>,
) -> Option<Signer> {
    let extensions = &request.extensions;
    let schemes = schemes(request, cx);
    let certificate_schemes = extensions
        .signature_algorithms_cert
        .as_deref()
        .or(extensions.signature_algorithms.as_deref());
    let wishes = Wishes {
        version: ProtocolVersion::TLS13,
        schemes: &schemes,
        ours: cx.config.policy.signature_schemes.as_deref(),
        certificate_schemes: certificate_schemes.unwrap_or_default(),
        authorities: extensions
            .certificate_authorities
            .as_deref()
            .unwrap_or_default(),
        // Delegated credentials are for servers here.
        delegated: &[],
        now: cx.now,
    };
    choose(candidates, &wishes, |_| true)
}

/// RFC 9846 §4.5.1: "If the server requests certificate-based client authentication but no suitable certificate
/// is available, the client MUST send a Certificate message containing no certificates".
fn send_none(mut last: LastFlight, cx: &mut Context<'_>) -> Result<State, Error> {
    let message = handshake::to_message(&CertificateTls13::default());
    last.flight.transcript.add(&message);
    cx.common.send_handshake(&message);
    last.finish(cx)
}

/// Sends the Certificate, and asks for the signature.
fn send(
    signer: Signer,
    request: &CertificateRequestTls13,
    mut last: LastFlight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let extensions = &request.extensions;
    let takes = Takes {
        ocsp: extensions.status_request,
        scts: extensions.signed_certificate_timestamp,
        delegated: false,
        compression: extensions
            .compress_certificate
            .as_deref()
            .unwrap_or_default(),
    };
    let algorithms = &cx.config.certificate_compression;
    let message = certificate::message(&signer.certificate, &takes, algorithms);
    let transcript = &mut last.flight.transcript;
    transcript.add(&message);
    cx.common.send_handshake(&message);
    let signed = transcript.current();
    let operation = Operation::Tls13ClientCertificateVerify(Tls13ClientCertificateVerify {
        key: signer.key(),
        scheme: signer.scheme,
        messages: transcript.take_messages(),
    });
    cx.common
        .ask(|id| Need::KeyOperation(KeyOperationNeed { id, operation }));
    Ok(State::AwaitKeyOperation(Box::new(AwaitKeyOperation {
        signer,
        signed,
        last,
    })))
}

pub(crate) struct AwaitKeyOperation {
    signer: Signer,
    /// The transcript hash that the signature is over.
    signed: Digest,
    last: LastFlight,
}

impl AwaitKeyOperation {
    pub(super) fn answered(
        self,
        answer: Result<KeyAnswer, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let Self {
            signer,
            signed,
            mut last,
        } = self;
        let content = tls13::client_certificate_verify_message(&signed);
        let signature = signer.signature(cx.config.verify_signatures, &content, answer)?;
        let message = handshake::to_message(&CertificateVerify {
            scheme: signer.scheme,
            signature,
        });
        last.flight.transcript.add(&message);
        cx.common.send_handshake(&message);
        let negotiated = cx.common.negotiated()?;
        negotiated.client_signature_scheme = Some(signer.scheme);
        negotiated.certificate = Some(signer.certificate);
        last.finish(cx)
    }
}
