//! CertificateVerify (RFC 5246 §7.4.8), signed by whoever has the key of our certificate.

use keyward_keyop::{Operation, Tls12ClientCertificateVerify};
use keyward_wire::handshake::{self, CertificateVerify};

use super::State;
use super::finished::{self, Keyed};
use crate::client::Context;
use crate::error::Error;
use crate::needs::{KeyAnswer, KeyOperationNeed, Need, NeedError};
use crate::signer::Signer;

/// Asks for the signature over all messages so far.
///
/// RFC 5246 §7.4.8: "handshake_messages refers to all handshake messages sent or received, starting at
/// client hello and up to, but not including, this message".
pub(super) fn ask(signer: Signer, mut keyed: Keyed, cx: &mut Context<'_>) -> State {
    let messages = keyed.flight.transcript.take_messages();
    let operation = Operation::Tls12ClientCertificateVerify(Tls12ClientCertificateVerify {
        key: signer.key(),
        scheme: signer.scheme,
        messages: messages.clone(),
    });
    cx.common
        .ask(|id| Need::KeyOperation(KeyOperationNeed { id, operation }));
    State::AwaitSignature(Box::new(AwaitSignature {
        signer,
        messages,
        keyed,
    }))
}

pub(crate) struct AwaitSignature {
    signer: Signer,
    messages: Vec<u8>,
    keyed: Keyed,
}

impl AwaitSignature {
    pub(super) fn answered(
        mut self,
        answer: Result<KeyAnswer, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let signature =
            self.signer
                .signature(cx.config.verify_signatures, &self.messages, answer)?;
        let message = handshake::to_message(&CertificateVerify {
            scheme: self.signer.scheme,
            signature,
        });
        self.keyed.flight.send(&message, cx);
        finished::send_full(self.keyed, cx)
    }
}
