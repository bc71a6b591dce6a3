//! CertificateVerify (RFC 9846 §4.5.2): the one step that needs the private key, and so is asked for.

use keyward_crypto::hash::Digest;
use keyward_keyop::{Operation, ServerNonce, Tls13ServerCertificateVerify, tls13};
use keyward_wire::handshake::CertificateVerify;

use super::server_hello::Flight;
use super::{State, finished};
use crate::error::Error;
use crate::needs::{KeyAnswer, KeyOperationNeed, Need, NeedError};
use crate::server::Context;
use crate::signer::Signer;

/// Asks for the signature. The messages and the nonce leave the engine with the question.
pub(super) fn ask(
    signer: Signer,
    server_nonce: ServerNonce,
    mut flight: Flight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let signed = flight.transcript.current();
    let operation = Operation::Tls13ServerCertificateVerify(Tls13ServerCertificateVerify {
        key: signer.key(),
        scheme: signer.scheme,
        server_nonce,
        messages: flight.transcript.take_messages(),
    });
    cx.common
        .ask(|id| Need::KeyOperation(KeyOperationNeed { id, operation }));
    Ok(State::AwaitKeyOperation(Box::new(AwaitKeyOperation {
        signer,
        signed,
        flight,
    })))
}

pub(crate) struct AwaitKeyOperation {
    signer: Signer,
    /// The transcript hash that the signature is over.
    signed: Digest,
    flight: Flight,
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
            mut flight,
        } = self;
        let content = tls13::server_certificate_verify_message(&signed);
        let signature = signer.signature(cx.config.verify_signatures, &content, answer)?;
        let message = cx.common.send_message(&CertificateVerify {
            scheme: signer.scheme,
            signature,
        });
        flight.transcript.add(message);
        finished::send(flight, cx)
    }
}
