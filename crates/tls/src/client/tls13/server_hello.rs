//! ServerHello (RFC 9846 §4.2.3), and the change to the handshake keys.

use keyward_crypto::key_exchange::{Group, KeyExchangeError, KeyPair, SharedSecret};
use keyward_wire::extensions::ServerKeyShare;
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::{CompressionMethod, ExtensionType, NamedGroup, ProtocolVersion};

use super::client_hello::Offer;
use super::encrypted_extensions::ExpectEncryptedExtensions;
use super::{State, psk};
use crate::client::{Context, Hello};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Transcript};
use crate::key_log::label;
use crate::key_schedule::tls13::{EarlySecret, MasterSecret, TrafficSecret};
use crate::negotiated::Negotiated;
use crate::suites::Suite;

/// What goes on from the ServerHello to our Finished.
pub(super) struct Flight {
    pub(super) hello: Hello,
    pub(super) suite: &'static Suite,
    pub(super) transcript: Transcript,
    pub(super) master: MasterSecret,
    pub(super) client_handshake: TrafficSecret,
    pub(super) server_handshake: TrafficSecret,
    /// Whether the session that was offered is resumed.
    pub(super) resumed: bool,
}

/// Checks it, and makes the handshake keys.
pub(super) fn receive(
    hello: Hello,
    offer: Offer,
    server_hello: &ServerHello,
    message: &HandshakeMessage,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let suite = check(&hello, server_hello)?;
    check_extensions(&hello, server_hello)?;
    let early = early_secret(&hello, server_hello, suite)?;
    let resumed = early.is_some();
    let Offer {
        shares,
        early_data,
        retry,
    } = offer;
    let retried = retry.is_some();
    let mut transcript = match retry {
        // RFC 9846 §4.2.4: "Upon receiving the ServerHello, clients MUST check that the cipher suite supplied
        // in the ServerHello is the same as that in the HelloRetryRequest and otherwise abort the handshake
        // with an "illegal_parameter" alert."
        Some(retry) if retry.suite.code != suite.code => {
            return Err(PeerMisbehaved::ChangedAfterRetry.into());
        }
        Some(retry) => retry.transcript,
        None => Transcript::new(suite.hash),
    };
    let (group, shared) = agree(shares, server_hello, resumed)?;
    if resumed {
        // A server that resumes asks for no certificate.
        transcript.forget_messages();
    }
    transcript.add(&hello.message);
    transcript.add(&message.bytes);

    let secret = early
        .unwrap_or_else(|| EarlySecret::new(suite, None))
        .into_handshake(&shared);
    let (client_handshake, server_handshake, master) = secret.traffic(&transcript.current());
    let key_log = &mut cx.common.key_log;
    key_log.add(label::CLIENT_HANDSHAKE_TRAFFIC, client_handshake.secret());
    key_log.add(label::SERVER_HANDSHAKE_TRAFFIC, server_handshake.secret());
    cx.common
        .set_read_protection(server_handshake.protection()?)?;
    if early_data.is_err() {
        if !retried {
            // RFC 9846 §E.4: a dummy change_cipher_spec "before its encrypted handshake flight".
            cx.common.send_change_cipher_spec()?;
        }
        cx.common
            .set_write_protection(client_handshake.protection()?)?;
    }
    cx.common.negotiated = Some(Negotiated {
        group: Some(group),
        resumed,
        server_name: hello.name.server_name().map(ToString::to_string),
        hello_retry_request: retried,
        ..Negotiated::new(ProtocolVersion::TLS13, suite.code)
    });
    let flight = Flight {
        hello,
        suite,
        transcript,
        master,
        client_handshake,
        server_handshake,
        resumed,
    };
    Ok(State::ExpectEncryptedExtensions(Box::new(
        ExpectEncryptedExtensions { flight, early_data },
    )))
}

/// What a ServerHello and a HelloRetryRequest must both be.
pub(super) fn check(hello: &Hello, server_hello: &ServerHello) -> Result<&'static Suite, Error> {
    // RFC 9846 §4.2.3: "A client which receives a legacy_session_id_echo field that does not match what it
    // sent in the ClientHello MUST abort the handshake with an "illegal_parameter" alert."
    if server_hello.session_id != hello.hello.session_id {
        return Err(PeerMisbehaved::SessionIdNotEchoed.into());
    }
    // RFC 9846 §4.2.3: "If a TLS 1.3 ServerHello is received with any other value in this field, the
    // client MUST abort the handshake with an "illegal_parameter" alert."
    if server_hello.compression_method != CompressionMethod::NULL {
        return Err(PeerMisbehaved::Compression.into());
    }
    // RFC 9846 §4.2.3: "A client which receives a cipher suite that was not offered MUST abort the
    // handshake with an "illegal_parameter" alert."
    hello.chosen_suite(server_hello.cipher_suite, ProtocolVersion::TLS13)
}

fn check_extensions(hello: &Hello, server_hello: &ServerHello) -> Result<(), Error> {
    let answered = server_hello.extensions.types();
    hello.expect_offered(answered.iter().copied())?;
    // RFC 9846 §4.3: "If an implementation receives an extension which it recognizes and which is not specified
    // for the message in which it appears, it MUST abort the handshake with an "illegal_parameter" alert." A
    // ServerHello of TLS 1.2 could have more, which is why this is not noticed earlier.
    let forbidden = answered.into_iter().find(|extension| {
        !matches!(
            *extension,
            ExtensionType::SUPPORTED_VERSIONS
                | ExtensionType::KEY_SHARE
                | ExtensionType::PRE_SHARED_KEY
        )
    });
    match forbidden {
        Some(extension) => Err(PeerMisbehaved::ForbiddenExtension(extension).into()),
        None => Ok(()),
    }
}

/// The early secret of the session, if the server resumes it.
fn early_secret(
    hello: &Hello,
    server_hello: &ServerHello,
    suite: &'static Suite,
) -> Result<Option<EarlySecret>, Error> {
    let Some(index) = server_hello.extensions.pre_shared_key else {
        return Ok(None);
    };
    // RFC 9846 §4.3.11: "Clients MUST verify that the server's selected_identity is within the range supplied by
    // the client, that the server selected a cipher suite indicating a Hash associated with the PSK ... If these
    // values are not consistent, the client MUST abort the handshake with an "illegal_parameter" alert."
    psk::of(hello)
        .filter(|(_, session_suite)| index == 0 && session_suite.hash == suite.hash)
        .map(|(session, _)| Some(psk::secret(session, suite)))
        .ok_or_else(|| PeerMisbehaved::UnofferedPsk.into())
}

/// The server's share, and the secret that follows from it and ours.
fn agree(
    shares: Vec<(Group, KeyPair)>,
    server_hello: &ServerHello,
    resumed: bool,
) -> Result<(NamedGroup, SharedSecret), Error> {
    let share = match &server_hello.extensions.key_share {
        Some(ServerKeyShare::Share(share)) => share,
        Some(ServerKeyShare::Retry(_)) => return Err(PeerMisbehaved::UnofferedGroup.into()),
        // RFC 9846 §4.3.11: the same alert if not "a server "key_share" extension is present if required by the
        // ClientHello "psk_key_exchange_modes" extension"; and we offer psk_dhe_ke alone.
        None if resumed => return Err(PeerMisbehaved::UnofferedPsk.into()),
        None => return Err(PeerIncompatible::MissingKeyShare.into()),
    };
    // RFC 9846 §4.3.8: "This value MUST be in the same group as the KeyShareEntry value offered by the client
    // that the server has selected for the negotiated key exchange."
    let (_, key_pair) = shares
        .into_iter()
        .find(|(group, _)| group.code() == share.group.0)
        .ok_or(PeerMisbehaved::UnofferedGroup)?;
    let shared = key_pair
        .agree(&share.key_exchange)
        .map_err(|error| match error {
            KeyExchangeError::InvalidPeerShare => PeerMisbehaved::BadKeyShare.into(),
            KeyExchangeError::Failed(_) => Error::Internal("key exchange"),
        })?;
    Ok((share.group, shared))
}
