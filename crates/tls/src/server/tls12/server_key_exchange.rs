//! ServerKeyExchange (RFC 8422 §5.4, RFC 5246 §7.4.3): our ephemeral share, signed by whoever has the key.

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_keyop::{Operation, ServerNonce, Tls12ServerKeyExchange, tls12};

use super::client_key_exchange::KeyExchange;
use super::server_hello::Flight;
use super::{State, server_hello_done};
use crate::error::Error;
use crate::needs::{KeyAnswer, KeyOperationNeed, Need, NeedError};
use crate::server::Context;
use crate::signer::Signer;
use crate::tls12::{ServerParams, SignedParams};

/// Asks for the signature. `messages` are ClientHello and ServerHello.
pub(super) fn ask(
    signer: Signer,
    group: Group,
    server_nonce: ServerNonce,
    messages: Vec<u8>,
    flight: Flight,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let key_pair = cx
        .config
        .random
        .key_pair(group)
        .map_err(|_| Error::Internal("key generation"))?;
    let params = ServerParams::new(group, key_pair.public().to_vec());
    let operation = Operation::Tls12ServerKeyExchange(Tls12ServerKeyExchange {
        key: signer.key(),
        scheme: signer.scheme,
        server_nonce,
        messages,
        params: params.to_bytes(),
    });
    cx.common
        .ask(|id| Need::KeyOperation(KeyOperationNeed { id, operation }));
    Ok(State::AwaitSignature(Box::new(AwaitSignature {
        signer,
        group,
        key_pair,
        params,
        flight,
    })))
}

pub(crate) struct AwaitSignature {
    signer: Signer,
    group: Group,
    key_pair: KeyPair,
    params: ServerParams,
    flight: Flight,
}

impl AwaitSignature {
    pub(super) fn answered(
        self,
        answer: Result<KeyAnswer, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let Self {
            signer,
            group,
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
        let message = SignedParams {
            params,
            scheme: signer.scheme,
            signature,
        }
        .into_message();
        flight.send(&message, cx);
        let key_exchange = KeyExchange::Ephemeral { group, key_pair };
        Ok(server_hello_done::send(key_exchange, flight, cx))
    }
}
