//! ServerHelloDone (RFC 5246 §7.4.5).

use std::sync::Arc;

use keyward_crypto::key_exchange::KeyPair;
use keyward_keyop::ServerNonce;
use keyward_wire::handshake::{self, ServerHelloDone};

use super::State;
use super::client_key_exchange::{ExpectClientKeyExchange, KeyExchange};
use super::server_hello::Flight;
use crate::credential::Credential;
use crate::server::Context;

pub(super) fn send_for_ecdhe(key_pair: KeyPair, flight: Flight, cx: &mut Context<'_>) -> State {
    send(KeyExchange::Ecdhe(key_pair), flight, cx)
}

pub(super) fn send_for_rsa(
    certificate: Arc<Credential>,
    nonce: ServerNonce,
    flight: Flight,
    cx: &mut Context<'_>,
) -> State {
    send(KeyExchange::Rsa { certificate, nonce }, flight, cx)
}

fn send(key_exchange: KeyExchange, mut flight: Flight, cx: &mut Context<'_>) -> State {
    let message = handshake::to_message(&ServerHelloDone);
    flight.transcript.add(&message);
    cx.common.send_handshake(&message);
    State::ExpectClientKeyExchange(Box::new(ExpectClientKeyExchange {
        key_exchange,
        flight,
    }))
}
