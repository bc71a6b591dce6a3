//! HelloRetryRequest, and the ClientHello that answers it (RFC 9846 §4.2.4).

use keyward_crypto::key_exchange::Group;
use keyward_wire::extensions::ServerKeyShare;
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::{ExtensionType, NamedGroup};

use super::client_hello::{Offer, generate};
use super::{early_data, psk, server_hello};
use crate::client::server_hello::ExpectServerHello;
use crate::client::{Context, Hello, State};
use crate::error::{Error, InvalidMessage, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Transcript};
use crate::suites::Suite;

/// What a HelloRetryRequest has fixed.
pub(super) struct Retry {
    pub(super) suite: &'static Suite,
    /// The first ClientHello and the HelloRetryRequest.
    pub(super) transcript: Transcript,
}

/// Checks the HelloRetryRequest and sends the second ClientHello.
pub(super) fn receive(
    mut hello: Hello,
    mut offer: Offer,
    request: &ServerHello,
    message: &HandshakeMessage,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    // RFC 9846 §4.2.4: "If a client receives a second HelloRetryRequest in the same connection ... it MUST
    // abort the handshake with an "unexpected_message" alert."
    if offer.is_retried() {
        return Err(PeerMisbehaved::SecondRetry.into());
    }
    cx.common.expect_no_more_handshake()?;
    let suite = server_hello::check(&hello, request)?;
    let extensions = &request.extensions;
    let answered = extensions.types().into_iter();
    // RFC 9846 §4.2.4: "A HelloRetryRequest MUST NOT contain any extensions that were not first offered by
    // the client in its ClientHello, with the exception of optionally the "cookie" (see [§4.3.2])
    // extension."
    hello.expect_offered(answered.filter(|extension| *extension != ExtensionType::COOKIE))?;
    let group = match &extensions.key_share {
        Some(ServerKeyShare::Retry(group)) => Some(check_group(&hello, &offer, *group)?),
        Some(ServerKeyShare::Share(_)) => return Err(PeerMisbehaved::UnofferedGroup.into()),
        None => None,
    };
    // RFC 9846 §4.2.4: "Clients MUST abort the handshake with an "illegal_parameter" alert if the
    // HelloRetryRequest would not result in any change in the ClientHello."
    if group.is_none() && extensions.cookie.is_none() {
        return Err(PeerMisbehaved::PointlessRetry.into());
    }
    let room = MAX_COOKIE_AND_TICKET_LEN - hello.ticket_len();
    if extensions
        .cookie
        .as_ref()
        .is_some_and(|cookie| cookie.len() > room)
    {
        return Err(InvalidMessage::HandshakeMessageTooLarge(message.typ).into());
    }

    let mut transcript = Transcript::new(suite.hash);
    transcript.add_retried_client_hello(&hello.message);
    transcript.add(&message.bytes);
    offer.retry = Some(Retry { suite, transcript });
    // RFC 9846 §4.3.8: the client "MUST replace the original "key_share" extension with one containing only a
    // new KeyShareEntry for the group indicated in the selected_group field".
    if let Some(group) = group {
        offer.shares = vec![generate(group, cx)?];
        offer.put_shares(&mut hello);
    }
    // RFC 9846 §4.3.2: "When sending the new ClientHello, the client MUST copy the contents of the extension
    // received in the HelloRetryRequest into a "cookie" extension in the new ClientHello."
    hello.hello.extensions.cookie.clone_from(&extensions.cookie);
    psk::offer_again(&mut hello, suite, cx.now);
    if offer.early_data.is_ok() {
        // RFC 9846 §4.3.10: "A client MUST NOT include the "early_data" extension in its followup
        // ClientHello."
        hello.hello.extensions.early_data = false;
        early_data::forget(cx);
        cx.common.flush()?;
        cx.common.writer().clear_protection();
    } else {
        // RFC 9846 §E.4: "If not offering early data, the client sends a dummy change_cipher_spec record ...
        // immediately before its second flight. This may either be before its second ClientHello or before
        // its encrypted handshake flight."
        cx.common.send_change_cipher_spec()?;
    }
    hello.message = offer.to_message(&hello)?;
    cx.common.send_handshake(&hello.message);
    Ok(State::ExpectServerHello(Box::new(ExpectServerHello {
        hello,
        tls13: Some(offer),
    })))
}

/// The extensions of a ClientHello have less than 2^16 bytes together.
const MAX_COOKIE_AND_TICKET_LEN: usize = 40 * 1024;

/// RFC 9846 §4.3.8: "Upon receipt of this extension in a HelloRetryRequest, the client MUST verify that (1) the
/// selected_group field corresponds to a group which was provided in the "supported_groups" extension in the
/// original ClientHello and (2) the selected_group field does not correspond to a group which was provided in
/// the "key_share" extension in the original ClientHello. If either of these checks fails, then the client MUST
/// abort the handshake with an "illegal_parameter" alert."
fn check_group(hello: &Hello, offer: &Offer, group: NamedGroup) -> Result<Group, Error> {
    let extensions = &hello.hello.extensions;
    let groups = extensions.supported_groups.as_deref().unwrap_or_default();
    Group::from_code(group.0)
        .filter(|_| groups.contains(&group))
        .filter(|group| offer.shares.iter().all(|(shared, _)| shared != group))
        .ok_or_else(|| PeerMisbehaved::UnofferedGroup.into())
}
