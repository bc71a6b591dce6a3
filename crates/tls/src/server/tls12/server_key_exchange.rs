//! ServerKeyExchange (RFC 8422 §5.4): ECDHE, signed by whoever has the key.

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_keyop::{Operation, OperationResult, ServerNonce, Tls12ServerKeyExchange, tls12};
use keyward_wire::codec::Encode;
use keyward_wire::handshake::{self, ServerEcdhParams, ServerKeyExchange};
use keyward_wire::values::NamedGroup;

use super::server_hello::Flight;
use super::{State, server_hello_done};
use crate::error::Error;
use crate::needs::{KeyOperationNeed, Need, NeedError};
use crate::server::Context;
use crate::signer::Signer;

/// Asks for the signature. `messages` are ClientHello and ServerHello.
pub(super) fn ask(
    signer: Signer,
    group: Group,
    server_nonce: ServerNonce,
    messages: Vec<u8>,
    flight: Flight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let key_pair = KeyPair::generate(group).map_err(|_| Error::Internal("key generation"))?;
    let params = ServerEcdhParams {
        group: NamedGroup(group.code()),
        public: key_pair.public().to_vec(),
    };
    let operation = Operation::Tls12ServerKeyExchange(Tls12ServerKeyExchange {
        key: signer.certificate.key(),
        scheme: signer.scheme,
        server_nonce,
        messages,
        params: params.to_bytes(),
    });
    cx.common
        .ask(|id| Need::KeyOperation(KeyOperationNeed { id, operation }));
    Ok(State::AwaitSignature(Box::new(AwaitSignature {
        signer,
        key_pair,
        params,
        flight,
    })))
}

pub(crate) struct AwaitSignature {
    signer: Signer,
    key_pair: KeyPair,
    params: ServerEcdhParams,
    flight: Flight,
}

impl AwaitSignature {
    pub(super) fn answered(
        self,
        answer: Result<OperationResult, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let Self {
            signer,
            key_pair,
            params,
            mut flight,
        } = self;
        let randoms = &flight.randoms;
        let content = tls12::server_key_exchange_message(
            &randoms.client,
            &randoms.server,
            &params.to_bytes(),
        );
        let signature = signer.signature(cx.config.verify_signatures, &content, answer)?;
        let message = handshake::to_message(&ServerKeyExchange {
            params,
            scheme: signer.scheme,
            signature,
        });
        flight.transcript.add(&message);
        cx.common.send_handshake(&message);
        Ok(server_hello_done::send_for_ecdhe(key_pair, flight, cx))
    }
}
