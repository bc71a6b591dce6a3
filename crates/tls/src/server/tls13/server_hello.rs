//! ServerHello, and the change to the handshake keys.

use std::sync::Arc;

use keyward_crypto::key_exchange::{self, KeyExchangeError};
use keyward_keyop::ServerNonce;
use keyward_wire::extensions::{KeyShareEntry, ServerHelloExtensions, ServerKeyShare};
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::{CompressionMethod, NamedGroup, ProtocolVersion};

use super::certificate_request::{self, Request};
use super::client_hello::{self, Chosen};
use super::encrypted_extensions::{self, EncryptedChoices};
use super::psk::{self, Resumed};
use super::{State, certificate, early_data, finished};
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::Transcript;
use crate::key_log::label;
use crate::key_schedule::tls13::{EarlySecret, FinishedKey, MasterSecret};
use crate::negotiated::Negotiated;
use crate::record::Protection;
use crate::server::Context;
use crate::signer::{Signer, Wishes, choose};
use crate::time::UnixTime;

/// What goes on from a ServerHello to the client's Finished.
pub(super) struct Flight {
    pub(super) transcript: Transcript,
    pub(super) master: MasterSecret,
    pub(super) client_finished: FinishedKey,
    pub(super) server_finished: FinishedKey,
    pub(super) tickets: TicketTerms,
    pub(super) next: Next,
}

/// What the client says after our Finished.
pub(super) enum Next {
    Finished,
    /// And what protects its messages from there on.
    EndOfEarlyData(Protection),
    Certificate(Request),
}

/// What decides on the tickets at the end.
pub(super) struct TicketTerms {
    /// Whether the client can resume as we do.
    pub(super) wanted: bool,
    /// When the session began: in this handshake, or in the one that is resumed.
    pub(super) created: UnixTime,
    pub(super) session_context: Vec<u8>,
    /// How much early data a session allows, in bytes.
    pub(super) max_early_data: u32,
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
        None => Some(choose_signer(&chosen, cx.now)?),
    };
    let nonce = ServerNonce::generate(&*cx.config.random)
        .map_err(|_| Error::Internal("random generation"))?;
    let hello = chosen.opening.hello.clone();
    let peer_share =
        client_hello::share(&hello, chosen.group).ok_or(Error::Internal("a share has gone"))?;
    let (our_share, shared) = key_exchange::respond(chosen.group, peer_share, &*cx.config.random)
        .map_err(|error| match error {
        KeyExchangeError::InvalidPeerShare => PeerMisbehaved::BadKeyShare.into(),
        KeyExchangeError::Failed(_) => Error::Internal("key exchange"),
    })?;
    let group = NamedGroup(chosen.group.code());
    let server_hello = ServerHello {
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
    };
    if resumed.is_some() {
        chosen.transcript.forget_messages();
    }
    chosen.transcript.add(&chosen.opening.message);
    let early_data = early_data::outcome(&chosen, resumed.as_ref(), cx);
    cx.common.key_log.set_client_random(&hello.random);
    if let (Ok(limit), Some(resumed)) = (early_data, &resumed) {
        early_data::accept(limit, &resumed.early, &chosen.transcript, cx)?;
    }
    chosen.transcript.add(cx.common.send_message(&server_hello));
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
        peer_certificates: resumed
            .as_ref()
            .map_or_else(Arc::default, |resumed| resumed.peer_certificates.clone()),
        early_data: early_data::status(chosen.early_data_offered, early_data),
        no_early_data: early_data.err(),
        ticket_age_skew_ms: resumed.as_ref().map(|resumed| resumed.age_skew_ms),
        hello_retry_request: chosen.retried,
        ..Negotiated::new(ProtocolVersion::TLS13, chosen.suite.code)
    });

    let created = resumed.as_ref().map_or(cx.now, |resumed| resumed.created);
    let early = resumed.map_or_else(
        || EarlySecret::new(chosen.suite, None),
        |resumed| resumed.early,
    );
    let secret = early.into_handshake(&shared);
    let (client, server, master) = secret.traffic(&chosen.transcript.current());
    let key_log = &mut cx.common.key_log;
    key_log.add(label::CLIENT_HANDSHAKE_TRAFFIC, client.secret());
    key_log.add(label::SERVER_HANDSHAKE_TRAFFIC, server.secret());
    let (write, server_finished) = server.handshake_keys()?;
    let (read, client_finished) = client.handshake_keys()?;
    cx.common.set_write_protection(write)?;
    let next = if early_data.is_ok() {
        Next::EndOfEarlyData(read)
    } else {
        cx.common.set_read_protection(read)?;
        early_data::refuse(&hello, chosen.early_data_promised, cx);
        Next::Finished
    };

    let site = chosen.opening.site;
    let mut flight = Flight {
        transcript: chosen.transcript,
        master,
        client_finished,
        server_finished,
        tickets: TicketTerms {
            wanted: psk::speaks_psk_dhe(&hello),
            created,
            max_early_data: early_data::limit(&site, cx),
            session_context: site.session_context,
        },
        next,
    };
    encrypted_extensions::send(
        &hello,
        EncryptedChoices {
            alpn: chosen.alpn,
            resumed: signer.is_none(),
            early_data: early_data.is_ok(),
        },
        &mut flight,
        cx,
    );
    match signer {
        Some(signer) => {
            certificate_request::send(&site.client_authentication, &mut flight, cx)?;
            certificate::send(&hello, signer, nonce, flight, cx)
        }
        // RFC 9846 §4.4.2: "Servers which are authenticating with a resumption PSK MUST NOT send the
        // CertificateRequest message in the main handshake".
        None => finished::send(flight, cx),
    }
}

fn choose_signer(chosen: &Chosen, now: UnixTime) -> Result<Signer, Error> {
    let hello = &chosen.opening.hello;
    let offered = hello
        .extensions
        .signature_algorithms
        .as_deref()
        // RFC 9846 §4.3.3: "If a server is authenticating via a certificate and the client has not
        // sent a "signature_algorithms" extension, then the server MUST abort the handshake with a
        // "missing_extension" alert".
        .ok_or(PeerIncompatible::MissingSignatureAlgorithms)?;
    let candidates = &chosen.opening.site.candidates;
    let policy = &chosen.opening.site.policy;
    let wishes = Wishes::of_client(hello, offered, policy, now);
    choose(candidates, &wishes, |_| true).ok_or_else(|| PeerIncompatible::NoSignatureScheme.into())
}
