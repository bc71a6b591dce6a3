//! Resumption with a PSK (RFC 9846 §4.3.11), with (EC)DHE always (`psk_dhe_ke`).

use keyward_wire::extensions::{PreSharedKeys, PskIdentity};
use keyward_wire::values::ProtocolVersion;

use crate::client::{Context, Hello};
use crate::error::Error;
use crate::handshake::Transcript;
use crate::key_schedule::tls13::EarlySecret;
use crate::negotiated::NoEarlyData;
use crate::session::{ClientSession, SessionName};
use crate::suites::Suite;
use crate::time::UnixTime;

/// Puts the session into the ClientHello, its binder still empty.
pub(super) fn offer(hello: &mut Hello, now: UnixTime) {
    hello.hello.extensions.pre_shared_key =
        of(hello).and_then(|(session, suite)| identity(session, suite, now));
}

/// Offers it in the second ClientHello again.
///
/// RFC 9846 §4.2.4: "in its updated ClientHello, the client SHOULD NOT offer any pre-shared keys associated with a
/// hash other than that of the selected cipher suite."
pub(super) fn offer_again(hello: &mut Hello, selected: &Suite, now: UnixTime) {
    if of(hello).is_some_and(|(_, suite)| suite.hash != selected.hash) {
        hello.session = None;
    }
    offer(hello, now);
}

/// The session of TLS 1.3 that is offered, and its suite.
pub(super) fn of(hello: &Hello) -> Option<(&ClientSession, &'static Suite)> {
    let session = hello
        .session
        .as_deref()
        .filter(|session| session.version() == ProtocolVersion::TLS13)?;
    Some((session, Suite::of(session.cipher_suite())?))
}

fn identity(session: &ClientSession, suite: &Suite, now: UnixTime) -> Option<PreSharedKeys> {
    let SessionName::Ticket(ticket) = &session.name else {
        return None;
    };
    Some(PreSharedKeys {
        identities: vec![PskIdentity {
            identity: ticket.clone(),
            obfuscated_ticket_age: obfuscated_age(session, now),
        }],
        binders: vec![vec![0; suite.hash.output_len()]],
    })
}

/// RFC 9846 §4.3.11.1: "taking the age in milliseconds and adding the "ticket_age_add" value that was
/// included with the ticket (see [§4.7.1]), modulo 2^32."
fn obfuscated_age(session: &ClientSession, now: UnixTime) -> u32 {
    let age = now.since(session.received).unwrap_or_default().as_millis();
    // Between two ticks of a clock in milliseconds lies up to one less than they tell, and GnuTLS refuses early data from
    // a client to which the ticket is older than to the server.
    let age = age.saturating_sub(1);
    let [.., a, b, c, d] = age.to_be_bytes();
    u32::from_be_bytes([a, b, c, d]).wrapping_add(session.state.age_add)
}

/// Computes the binder of the session, if one is offered, over the messages so far and this ClientHello up to
/// its binders, and puts it at the end.
pub(super) fn put_binder(
    hello: &Hello,
    transcript: Option<&Transcript>,
    message: &mut [u8],
) -> Result<(), Error> {
    let Some((session, suite)) = of(hello).filter(|_| hello.hello.binders_len() > 0) else {
        return Ok(());
    };
    let truncated = hello
        .hello
        .without_binders(message)
        .ok_or(Error::Internal("a ClientHello is shorter than its binders"))?;
    let hash = match transcript {
        Some(transcript) => transcript.current_with(truncated),
        None => suite.hash.digest(truncated),
    };
    let binder = secret(session, suite).binder(&hash);
    let at = message.len() - binder.len();
    message[at..].copy_from_slice(&binder);
    Ok(())
}

/// The early secret of a session, for a suite with the hash of its own.
pub(super) fn secret(session: &ClientSession, suite: &'static Suite) -> EarlySecret {
    EarlySecret::new(suite, Some(&session.state.secret))
}

/// Whether early data may follow the ClientHello, or why not.
pub(super) fn may_send_early_data(hello: &Hello, cx: &Context<'_>) -> Result<(), NoEarlyData> {
    if !cx.config.early_data {
        return Err(NoEarlyData::Off);
    }
    let offered = &hello.hello;
    match of(hello).filter(|_| offered.extensions.pre_shared_key.is_some()) {
        // One of TLS 1.2 may be offered as well.
        None if hello.session.is_some() => Err(NoEarlyData::NotWithSession),
        None => Err(NoEarlyData::NoSession),
        Some((session, _)) if session.max_early_data() == 0 => Err(NoEarlyData::NotWithSession),
        // RFC 9846 §4.3.10: "The PSK used to encrypt the early data MUST be the first PSK listed in the
        // client's "pre_shared_key" extension." There is one; the suite of early data is the session's,
        // and the server must be able to choose it.
        Some((_, suite)) if !offered.cipher_suites.contains(&suite.code) => {
            Err(NoEarlyData::OtherCipherSuite)
        }
        Some(_) => Ok(()),
    }
}
