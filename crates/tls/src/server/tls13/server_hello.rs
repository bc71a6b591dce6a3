//! ServerHello, and the change to the handshake keys.

use keyward_crypto::key_exchange::{self, KeyExchangeError};
use keyward_keyop::ServerNonce;
use keyward_wire::extensions::{KeyShareEntry, ServerHelloExtensions, ServerKeyShare};
use keyward_wire::handshake::{self, ServerHello};
use keyward_wire::values::{CompressionMethod, NamedGroup, ProtocolVersion};

use super::client_hello::{self, Chosen};
use super::psk::{self, Resumed};
use super::{State, certificate, early_data, encrypted_extensions, finished};
use crate::credential::{Signer, choose};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::Transcript;
use crate::key_schedule::tls13::{EarlySecret, MasterSecret, TrafficSecret};
use crate::negotiated::Negotiated;
use crate::server::Context;
use crate::time::UnixTime;

/// What goes on from a ServerHello to the client's Finished.
pub(super) struct Flight {
    pub(super) transcript: Transcript,
    pub(super) master: MasterSecret,
    pub(super) client_handshake: TrafficSecret,
    pub(super) server_handshake: TrafficSecret,
    pub(super) tickets: TicketTerms,
}

/// What decides on the tickets at the end.
pub(super) struct TicketTerms {
    /// Whether the client can resume as we do.
    pub(super) wanted: bool,
    /// When the session began: in this handshake, or in the one that is resumed.
    pub(super) created: UnixTime,
    pub(super) session_context: Vec<u8>,
}

/// Answers the ClientHello.
pub(super) fn send(
    mut chosen: Chosen,
    resumed: Option<Resumed>,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    // Chosen before anything is sent: a client that no certificate fits gets a plain alert.
    let signer = match &resumed {
        Some(_) => None,
        None => Some(choose_signer(&chosen)?),
    };
    let nonce = ServerNonce::generate(&*cx.config.random)
        .map_err(|_| Error::Internal("random generation"))?;
    let hello = chosen.opening.hello.clone();
    let peer_share =
        client_hello::share(&hello, chosen.group).ok_or(Error::Internal("a share has gone"))?;
    let (our_share, shared) =
        key_exchange::respond(chosen.group, peer_share).map_err(|error| match error {
            KeyExchangeError::InvalidPeerShare => PeerMisbehaved::BadKeyShare.into(),
            KeyExchangeError::Failed(_) => Error::Internal("key exchange"),
        })?;
    let group = NamedGroup(chosen.group.code());
    let message = handshake::to_message(&ServerHello {
        legacy_version: ProtocolVersion::TLS12,
        random: nonce.tls13_random(),
        session_id: hello.session_id.clone(),
        cipher_suite: chosen.suite.code,
        compression_method: CompressionMethod::NULL,
        extensions: ServerHelloExtensions {
            supported_versions: Some(ProtocolVersion::TLS13),
            key_share: Some(ServerKeyShare::Share(KeyShareEntry {
                group,
                key_exchange: our_share,
            })),
            pre_shared_key: resumed.as_ref().map(|resumed| resumed.index),
            ..ServerHelloExtensions::default()
        },
    });
    if resumed.is_some() {
        chosen.transcript.forget_messages();
    }
    chosen.transcript.add(&chosen.opening.message);
    chosen.transcript.add(&message);
    cx.common.send_handshake(&message);
    // RFC 9846 §E.4: a dummy change_cipher_spec "immediately after its first handshake message".
    if !hello.session_id.is_empty() && !chosen.retried {
        cx.common.send_change_cipher_spec()?;
    }

    cx.common.negotiated = Some(Negotiated {
        group: Some(group),
        signature_scheme: signer.as_ref().map(|signer| signer.scheme),
        resumed: resumed.is_some(),
        server_name: chosen.opening.server_name(),
        alpn: chosen.alpn.clone(),
        certificate: signer.as_ref().map(|signer| signer.certificate.clone()),
        hello_retry_request: chosen.retried,
        ..Negotiated::new(ProtocolVersion::TLS13, chosen.suite.code)
    });

    let created = resumed.as_ref().map_or(cx.now, |resumed| resumed.created);
    let early = resumed.map_or_else(
        || EarlySecret::new(chosen.suite, None),
        |resumed| resumed.early,
    );
    let secret = early.into_handshake(&shared);
    let (client_handshake, server_handshake) = secret.traffic(&chosen.transcript.current());
    cx.common
        .set_write_protection(server_handshake.protection()?)?;
    cx.common
        .set_read_protection(client_handshake.protection()?)?;
    early_data::refuse(&hello, cx);

    let mut flight = Flight {
        transcript: chosen.transcript,
        master: secret.into_master(),
        client_handshake,
        server_handshake,
        tickets: TicketTerms {
            wanted: psk::speaks_psk_dhe(&hello),
            created,
            session_context: chosen.opening.site.session_context,
        },
    };
    let resumed = signer.is_none();
    encrypted_extensions::send(&hello, chosen.alpn, resumed, &mut flight, cx);
    match signer {
        Some(signer) => certificate::send(&hello, signer, nonce, flight, cx),
        None => finished::send(flight, cx),
    }
}

fn choose_signer(chosen: &Chosen) -> Result<Signer, Error> {
    let offered = chosen
        .opening
        .hello
        .extensions
        .signature_algorithms
        .as_deref()
        // RFC 9846 §4.3.3: "If a server is authenticating via a certificate and the client has not
        // sent a "signature_algorithms" extension, then the server MUST abort the handshake with a
        // "missing_extension" alert".
        .ok_or(PeerIncompatible::MissingSignatureAlgorithms)?;
    let candidates = &chosen.opening.site.candidates;
    choose(candidates, ProtocolVersion::TLS13, offered, |_| true)
        .ok_or_else(|| PeerIncompatible::NoSignatureScheme.into())
}
