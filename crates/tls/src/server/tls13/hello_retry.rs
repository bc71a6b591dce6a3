//! HelloRetryRequest and the ClientHello that answers it (RFC 9846 §4.1.4).

use std::sync::Arc;

use keyward_wire::handshake::{self, ClientHello, ServerHello};
use keyward_wire::values::{HandshakeType, NamedGroup};

use super::client_hello::{self, Chosen};
use super::{State, early_data, psk};
use crate::error::{Error, PeerMisbehaved};
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
    // RFC 8446 §D.4: "The server sends a dummy change_cipher_spec record immediately after its first
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
        check_unchanged(&chosen.opening.hello, &hello)?;
        // RFC 9846 §4.2.10: "If the client sent early data in its first ClientHello, it MUST NOT
        // include the early_data extension in its followup ClientHello."
        if hello.extensions.early_data {
            return Err(PeerMisbehaved::EarlyDataAfterRetry.into());
        }
        // RFC 9846 §4.1.2: "replacing the list of shares with a list containing a single KeyShareEntry
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

/// RFC 9846 §4.1.2: after a HelloRetryRequest, "the client MUST send the same ClientHello without
/// modification, except" for key_share, early_data, cookie, pre_shared_key and padding. What the
/// choices so far came from must not change under them.
fn check_unchanged(first: &ClientHello, second: &ClientHello) -> Result<(), Error> {
    let (a, b) = (&first.extensions, &second.extensions);
    let same = first.legacy_version == second.legacy_version
        && first.random == second.random
        && first.session_id == second.session_id
        && first.cipher_suites == second.cipher_suites
        && a.server_name == b.server_name
        && a.supported_versions == b.supported_versions
        && a.supported_groups == b.supported_groups
        && a.signature_algorithms == b.signature_algorithms
        && a.signature_algorithms_cert == b.signature_algorithms_cert
        && a.psk_key_exchange_modes == b.psk_key_exchange_modes
        && a.alpn == b.alpn
        && a.status_request == b.status_request
        && a.record_size_limit == b.record_size_limit;
    if same {
        Ok(())
    } else {
        Err(PeerMisbehaved::SecondClientHelloDiffers.into())
    }
}
