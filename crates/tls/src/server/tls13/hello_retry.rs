//! HelloRetryRequest and the ClientHello that answers it (RFC 9846 §4.2.4).

use std::sync::Arc;

use keyward_keyop::tls13::changed_after_retry;
use keyward_wire::handshake::{self, ClientHello, ServerHello};
use keyward_wire::values::{HandshakeType, NamedGroup};

use super::client_hello::{self, Chosen};
use super::{State, early_data, psk};
use crate::error::{Error, InvalidMessage, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::server::Context;
use crate::trace::TraceItem;

/// Asks for a share of the chosen group.
pub(super) fn send(mut chosen: Chosen, cx: &mut Context<'_>) -> Result<State, Error> {
    let hello = &chosen.opening.hello;
    let retry = handshake::to_message(&ServerHello::hello_retry_request(
        hello.session_id.clone(),
        chosen.suite.code,
        Some(NamedGroup(chosen.group.code())),
        None,
    ));
    chosen
        .transcript
        .add_retried_client_hello(&chosen.opening.message);
    chosen.transcript.add(&retry);
    cx.common
        .send_handshake_as(&retry, TraceItem::HelloRetryRequest);
    // RFC 9846 §E.4: "The server sends a dummy change_cipher_spec record immediately after its first
    // handshake message. This may either be after a ServerHello or a HelloRetryRequest."
    if !hello.session_id.is_empty() {
        cx.common.send_change_cipher_spec()?;
    }
    early_data::refuse_by_retry(hello, cx);
    chosen.retried = true;
    Ok(State::ExpectSecondClientHello(Box::new(
        ExpectSecondClientHello { chosen },
    )))
}

pub(crate) struct ExpectSecondClientHello {
    chosen: Chosen,
}

impl ExpectSecondClientHello {
    pub(super) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CLIENT_HELLO)?;
        let hello: ClientHello = message.decode()?;
        let mut chosen = self.chosen;
        cx.common.expect_no_more_handshake()?;
        client_hello::check(&hello)?;
        // RFC 9846 §4.3.10: "A client MUST NOT include the "early_data" extension in its followup
        // ClientHello."
        if hello.extensions.early_data {
            return Err(PeerMisbehaved::EarlyDataAfterRetry.into());
        }
        // What the choices so far came from must not change under them; and we have sent no cookie.
        if changed_after_retry(&chosen.opening.hello, &hello).is_some()
            || hello.extensions.cookie.is_some()
        {
            return Err(PeerMisbehaved::SecondClientHelloDiffers.into());
        }
        // The key server gets both, and takes no more than one of the largest size.
        let both = chosen.opening.message.len() + message.bytes.len();
        if both > cx.config.limits.handshake_message {
            return Err(InvalidMessage::HandshakeMessageTooLarge(message.typ).into());
        }
        // RFC 9846 §4.2.2: "replacing the list of shares with a list containing a single KeyShareEntry
        // from the indicated group".
        let shares = hello.extensions.key_share.as_deref().unwrap_or_default();
        if shares.len() != 1 || client_hello::share(&hello, chosen.group).is_none() {
            return Err(PeerMisbehaved::SecondClientHelloKeyShare.into());
        }
        cx.common.reader().stop_skipping();
        chosen.opening.hello = Arc::new(hello);
        chosen.opening.message = message.bytes;
        psk::look_up(chosen, cx)
    }
}
