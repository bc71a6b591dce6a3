//! ServerHello (RFC 5246 §7.4.1.3).

use keyward_keyop::ServerNonce;
use keyward_wire::extensions::ServerHelloExtensions;
use keyward_wire::handshake::{Message, ServerHello};
use keyward_wire::record::MAX_PLAINTEXT_LEN;
use keyward_wire::values::{CompressionMethod, EcPointFormat, NamedGroup, ProtocolVersion};

use super::certificate_request::Requested;
use super::choice::{Choice, choose_full};
use super::client_certificate::Claimed;
use super::client_hello::{Offer, speaks_secure_renegotiation};
use super::client_key_exchange::KeyExchange;
use super::renegotiation::Prospect;
use super::resumption::Resumed;
use super::{
    State, certificate, finished, new_session_ticket, server_hello_done, server_key_exchange,
};
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::Transcript;
use crate::key_schedule::tls12::Randoms;
use crate::needs::NewSessionKind;
use crate::negotiated::Negotiated;
use crate::server::Context;
use crate::suites::Suite;

/// What goes on from the ServerHello of a full handshake to its end.
pub(super) struct Flight {
    pub(super) suite: &'static Suite,
    pub(super) randoms: Randoms,
    pub(super) transcript: Transcript,
    pub(super) extended_master_secret: bool,
    pub(super) encrypt_then_mac: bool,
    pub(super) session: NewSession,
    /// What the client is asked to authenticate with.
    pub(super) requested: Option<Requested>,
    /// What it has presented.
    pub(super) claimed: Option<Claimed>,
    pub(super) prospect: Option<Box<Prospect>>,
}

impl Flight {
    /// Sends a message of ours.
    pub(super) fn send(&mut self, message: &[u8], cx: &mut Context<'_>) {
        self.transcript.add(message);
        cx.common.send_handshake(message);
    }

    /// Sends a message of ours that is not yet encoded.
    pub(super) fn send_message<M: Message>(&mut self, body: &M, cx: &mut Context<'_>) {
        self.transcript.add(cx.common.send_message(body));
    }
}

/// What decides on the session that can be resumed.
pub(super) struct NewSession {
    /// How the client will name it; `None`: it will not be resumed.
    pub(super) kind: Option<NewSessionKind>,
    pub(super) context: Vec<u8>,
}

/// Begins a full handshake.
pub(super) fn send_full(offer: Offer, cx: &mut Context<'_>) -> Result<State, Error> {
    let hello = offer.opening.hello.clone();
    let choice = choose_full(&hello, &offer.opening.site)?;
    let (suite, chain, group, scheme) = match &choice {
        Choice::Ephemeral {
            suite,
            group,
            signer,
        } => {
            let group = NamedGroup(group.code());
            (
                *suite,
                &signer.certificate,
                Some(group),
                Some(signer.scheme),
            )
        }
        Choice::Rsa { suite, certificate } => (*suite, certificate, None, None),
    };
    let chain = chain.clone();
    let nonce = generate_nonce(cx)?;
    let kind = new_session_ticket::kind(&hello, cx)?;
    let stapled = hello.extensions.status_request && chain.ocsp().is_some();

    let mut server_hello = base(&offer, suite, nonce.tls12_random(), cx)?;
    if let Some(NewSessionKind::SessionId(id)) = &kind {
        server_hello.session_id.clone_from(id);
    }
    let extensions = &mut server_hello.extensions;
    extensions.session_ticket = kind == Some(NewSessionKind::Ticket);
    // RFC 6066 §3: a server that used the name "SHALL include an extension of type "server_name" in the
    // (extended) server hello"; when it resumes, it "MUST NOT".
    extensions.server_name = hello.extensions.server_name.is_some();
    extensions.status_request = stapled;
    // RFC 6962 §3.3.1: "Servers MUST only send SCTs to clients who have indicated support for the
    // extension in the ClientHello".
    extensions.signed_certificate_timestamp = chain
        .scts()
        .filter(|_| hello.extensions.signed_certificate_timestamp)
        .map(|scts| scts.0.clone());
    // RFC 8422 §5.2: "included in a ServerHello message in response to a ClientHello message containing
    // the Supported Point Formats Extension when negotiating an ECC cipher suite."
    extensions.ec_point_formats = (hello.extensions.ec_point_formats.is_some()
        && suite.key_exchange.is_elliptic_curve())
    .then(|| vec![EcPointFormat::UNCOMPRESSED]);

    let (transcript, randoms) = send(&offer, suite, &server_hello, cx);
    cx.common.negotiated = Some(Negotiated {
        group,
        signature_scheme: scheme,
        certificate: Some(chain.clone()),
        ..negotiated(&offer, &server_hello)
    });
    let site = &offer.opening.site;
    let mut flight = Flight {
        suite,
        randoms,
        transcript,
        extended_master_secret: server_hello.extensions.extended_master_secret,
        encrypt_then_mac: server_hello.extensions.encrypt_then_mac,
        session: NewSession {
            kind,
            context: site.session_context.clone(),
        },
        requested: Requested::of(&site.client_authentication),
        claimed: None,
        prospect: Prospect::of(offer, &server_hello),
    };
    match choice {
        Choice::Ephemeral { group, signer, .. } => {
            // A client that authenticates itself signs all messages; for our own signature these two
            // are enough.
            let messages = if flight.requested.is_some() {
                flight.transcript.messages().to_vec()
            } else {
                flight.transcript.take_messages()
            };
            certificate::send(&chain, stapled, &mut flight, cx);
            server_key_exchange::ask(signer, group, nonce, messages, flight, cx)
        }
        Choice::Rsa { certificate, .. } => {
            certificate::send(&chain, stapled, &mut flight, cx);
            let key_exchange = KeyExchange::Rsa { certificate, nonce };
            Ok(server_hello_done::send(key_exchange, flight, cx))
        }
    }
}

/// Begins an abbreviated handshake.
pub(super) fn send_resumed(
    offer: Offer,
    resumed: Resumed,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let random = generate_nonce(cx)?.tls12_random();
    let mut server_hello = base(&offer, resumed.suite, random, cx)?;
    // RFC 5077 §3.4: "If the server accepts the ticket and the Session ID is not empty, then it MUST
    // respond with the same Session ID present in the ClientHello."
    server_hello
        .session_id
        .clone_from(&offer.opening.hello.session_id);
    let (mut transcript, randoms) = send(&offer, resumed.suite, &server_hello, cx);
    transcript.forget_messages();
    cx.common.negotiated = Some(Negotiated {
        resumed: true,
        peer_certificates: resumed.peer_certificates.clone(),
        ..negotiated(&offer, &server_hello)
    });
    let encrypt_then_mac = server_hello.extensions.encrypt_then_mac;
    let prospect = Prospect::of(offer, &server_hello);
    finished::send_resumed(resumed, randoms, transcript, encrypt_then_mac, prospect, cx)
}

/// The ServerHello as far as full and abbreviated handshakes agree.
fn base(
    offer: &Offer,
    suite: &Suite,
    random: [u8; 32],
    cx: &mut Context<'_>,
) -> Result<ServerHello, Error> {
    let client = &offer.opening.hello.extensions;
    // RFC 7366 §3: "If a server receives an encrypt-then-MAC request extension from a client and then
    // selects a stream or Authenticated Encryption with Associated Data (AEAD) ciphersuite, it MUST NOT
    // send an encrypt-then-MAC response extension back to the client."
    let encrypt_then_mac = suite.is_cbc() && client.encrypt_then_mac;
    let renegotiated = offer.renegotiated.as_deref();
    if renegotiated.is_some_and(|earlier| earlier.requires_encrypt_then_mac())
        && suite.is_cbc()
        && !encrypt_then_mac
    {
        return Err(PeerMisbehaved::ChangedByRenegotiation.into());
    }
    let renegotiation_info = match renegotiated {
        Some(earlier) => Some(earlier.server_info()),
        None => speaks_secure_renegotiation(&offer.opening.hello).then(Vec::new),
    };
    Ok(ServerHello {
        legacy_version: ProtocolVersion::TLS12,
        random,
        session_id: Vec::new(),
        cipher_suite: suite.code,
        compression_method: CompressionMethod::NULL,
        extensions: ServerHelloExtensions {
            alpn: offer.alpn.clone(),
            encrypt_then_mac,
            // RFC 7627 §5.3: the same in a full handshake and in one that resumes it.
            extended_master_secret: client.extended_master_secret,
            renegotiation_info,
            record_size_limit: client.record_size_limit.map(|limit| {
                cx.common.writer().limit_fragment(usize::from(limit));
                OUR_RECORD_SIZE_LIMIT
            }),
            ..ServerHelloExtensions::default()
        },
    })
}

/// RFC 8449 §4: "For TLS 1.2 and earlier, that limit is 2^14 octets."
#[expect(clippy::cast_possible_truncation, reason = "2^14 fits")]
const OUR_RECORD_SIZE_LIMIT: u16 = MAX_PLAINTEXT_LEN as u16;

fn generate_nonce(cx: &Context<'_>) -> Result<ServerNonce, Error> {
    ServerNonce::generate(&*cx.config.random).map_err(|_| Error::Internal("random generation"))
}

/// Sends it, and begins the transcript.
fn send(
    offer: &Offer,
    suite: &Suite,
    server_hello: &ServerHello,
    cx: &mut Context<'_>,
) -> (Transcript, Randoms) {
    let mut transcript = Transcript::new(suite.hash);
    transcript.add(&offer.opening.message);
    transcript.add(cx.common.send_message(server_hello));
    let randoms = Randoms {
        client: offer.opening.hello.random,
        server: server_hello.random,
    };
    (transcript, randoms)
}

/// What is agreed on in an abbreviated handshake, and most of it in a full one.
fn negotiated(offer: &Offer, server_hello: &ServerHello) -> Negotiated {
    Negotiated {
        server_name: offer.opening.server_name(),
        alpn: offer.connection_alpn(),
        extended_master_secret: server_hello.extensions.extended_master_secret,
        secure_renegotiation: server_hello.extensions.renegotiation_info.is_some(),
        ..Negotiated::new(ProtocolVersion::TLS12, server_hello.cipher_suite)
    }
}
