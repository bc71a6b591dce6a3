//! The ClientHello: what is offered, for all versions at once.

use keyward_crypto::key_exchange::Group;
use keyward_crypto::signature::{KeyKind, SignatureAlgorithm};
use keyward_wire::extensions::ClientHelloExtensions;
use keyward_wire::handshake::{self, ClientHello};
use keyward_wire::values::{
    CertificateCompressionAlgorithm, CipherSuite, CompressionMethod, EcPointFormat, ExtensionType,
    NamedGroup, ProtocolVersion, PskKeyExchangeMode, SignatureScheme,
};

use super::server_hello::ExpectServerHello;
use super::{Context, State, tls13};
use crate::config::ClientConfig;
use crate::error::{Error, PeerMisbehaved};
use crate::grease::{self, Grease};
use crate::peer_name::PeerName;
use crate::policy::Policy;
use crate::record::ChangeCipherSpecs;
use crate::session::{ClientSession, SessionName};
use crate::signature_schemes;
use crate::suites::Suite;

/// A ClientHello of ours that waits for its answer.
pub(crate) struct Hello {
    /// The server that is wanted.
    pub(crate) name: PeerName,
    /// As it was sent; after a HelloRetryRequest the second.
    pub(crate) hello: ClientHello,
    /// The same as a whole message, for the transcript.
    pub(crate) message: Vec<u8>,
    /// The session that it offers to resume, of either version.
    pub(crate) session: Option<Box<ClientSession>>,
}

impl Hello {
    /// RFC 9846 §4.3: "Implementations MUST NOT send extension responses ... if the remote endpoint did not
    /// send the corresponding extension requests, with the exception of the "cookie" extension in the
    /// HelloRetryRequest. Upon receiving such an extension, an endpoint MUST abort the handshake with an
    /// "unsupported_extension" alert."
    pub(crate) fn expect_offered(
        &self,
        answered: impl IntoIterator<Item = ExtensionType>,
    ) -> Result<(), Error> {
        let offered = self.hello.extensions.types();
        // RFC 8701 §3.1: "Clients MUST reject GREASE values when negotiated by the server."
        let answerable = |typ: &ExtensionType| offered.contains(typ) && !grease::is_reserved(typ.0);
        match answered.into_iter().find(|typ| !answerable(typ)) {
            Some(extension) => Err(PeerMisbehaved::UnsolicitedExtension(extension).into()),
            None => Ok(()),
        }
    }

    /// Whether the server could have chosen this version.
    pub(crate) fn offers_version(&self, version: ProtocolVersion) -> bool {
        match &self.hello.extensions.supported_versions {
            // RFC 8701 §3.1: one without meaning is no offer.
            Some(versions) => versions.contains(&version) && !grease::is_reserved(version.0),
            None => version == ProtocolVersion::TLS12,
        }
    }

    /// Bytes of the session's ticket.
    pub(super) fn ticket_len(&self) -> usize {
        match self.session.as_ref().map(|session| &session.name) {
            Some(SessionName::Ticket(ticket)) => ticket.len(),
            _ => 0,
        }
    }

    /// The suite that the server chose, if it could.
    pub(crate) fn chosen_suite(
        &self,
        code: CipherSuite,
        version: ProtocolVersion,
    ) -> Result<&'static Suite, Error> {
        Suite::of(code)
            .filter(|suite| suite.version() == version)
            .filter(|suite| self.hello.cipher_suites.contains(&suite.code))
            .ok_or_else(|| PeerMisbehaved::UnofferedCipherSuite.into())
    }
}

/// Whether a configuration can be put into a ClientHello.
pub(super) fn check(config: &ClientConfig) -> Result<(), Error> {
    let policy = &config.policy;
    if versions(policy).is_empty() {
        return Err(Error::Config("the policy has neither TLS 1.3 nor TLS 1.2"));
    }
    if cipher_suites(policy).is_empty() {
        return Err(Error::Config("no cipher suite for the policy's versions"));
    }
    if offers_tls13(policy) && groups(policy).is_empty() {
        return Err(Error::Config("TLS 1.3 needs a key exchange group"));
    }
    if signature_schemes(config).is_empty() {
        return Err(Error::Config("no signature scheme that can be verified"));
    }
    let lengths = |list: &[Vec<u8>], max: usize| {
        list.iter().all(|item| (1..=max).contains(&item.len()))
            && list.iter().map(|item| 2 + item.len()).sum::<usize>() <= MAX_CONFIGURED_LEN
    };
    if !lengths(&config.alpn, 255) {
        return Err(Error::Config(
            "an ALPN protocol has 1 to 255 bytes, all 8192",
        ));
    }
    if !lengths(&config.certificate_authorities, MAX_CONFIGURED_LEN) {
        return Err(Error::Config("authorities' names have 8192 bytes at most"));
    }
    if config.session_context.len() > 255 {
        return Err(Error::Config("session_context has 255 bytes at most"));
    }
    if config.record_size_limit.is_some_and(|limit| limit < 64) {
        // RFC 8449 §4: "Endpoints MUST NOT send a "record_size_limit" extension with a value smaller than
        // 64."
        return Err(Error::Config("record_size_limit is at least 64"));
    }
    Ok(())
}

/// For each list in an extension that a configuration makes.
const MAX_CONFIGURED_LEN: usize = 8 * 1024;

/// Sends the first ClientHello.
pub(super) fn send(
    name: PeerName,
    session: Option<Box<ClientSession>>,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let mut client_hello = base(&name, session.as_deref(), cx)?;
    if cx.config.grease {
        Grease::new(&*cx.config.random)?.put(&mut client_hello);
    }
    let mut hello = Hello {
        hello: client_hello,
        name,
        message: Vec::new(),
        session,
    };
    let tls13 = if hello.offers_version(ProtocolVersion::TLS13) {
        // RFC 9846 §5: change_cipher_spec records may come "at any time after the first ClientHello message
        // has been sent".
        cx.common
            .set_change_cipher_specs(ChangeCipherSpecs::Ignored);
        Some(tls13::Offer::new(&mut hello, cx)?)
    } else {
        None
    };
    hello.message = match &tls13 {
        Some(offer) => offer.to_message(&hello)?,
        None => handshake::to_message(&hello.hello),
    };
    cx.common.send_handshake(&hello.message);
    cx.common.key_log.set_client_random(&hello.hello.random);
    if let Some(offer) = &tls13 {
        offer.begin_early_data(&hello, cx)?;
    }
    Ok(State::ExpectServerHello(Box::new(ExpectServerHello {
        hello,
        tls13,
    })))
}

/// The ClientHello but for key shares and PSKs.
fn base(
    name: &PeerName,
    session: Option<&ClientSession>,
    cx: &Context<'_>,
) -> Result<ClientHello, Error> {
    let config = cx.config;
    let policy = &config.policy;
    let tls13 = offers_tls13(policy);
    let tls12 = policy.versions.contains(&ProtocolVersion::TLS12);
    let mut random = [0; 32];
    fill(&mut random, cx)?;
    let suites = cipher_suites(policy);
    let elliptic = suites
        .iter()
        .any(|suite| suite.key_exchange.is_elliptic_curve());
    let groups = groups(policy);
    Ok(ClientHello {
        // RFC 9846 §4.2.2: "the legacy_version field MUST be set to 0x0303, which is the version number for
        // TLS 1.2."
        legacy_version: ProtocolVersion::TLS12,
        random,
        session_id: session_id(session, tls13, cx)?,
        cipher_suites: suites
            .iter()
            .map(|suite| suite.code)
            .chain(config.fallback.then_some(CipherSuite::TLS_FALLBACK_SCSV))
            .collect(),
        compression_methods: vec![CompressionMethod::NULL],
        extensions: ClientHelloExtensions {
            server_name: name.server_name().cloned(),
            status_request: config.request_ocsp,
            signed_certificate_timestamp: config.request_scts,
            supported_groups: (!groups.is_empty()).then(|| {
                groups
                    .iter()
                    .map(|group| NamedGroup(group.code()))
                    .collect()
            }),
            // RFC 8422 §5.1.2 lets clients of TLS 1.2 say which forms of points they take.
            ec_point_formats: elliptic.then(|| vec![EcPointFormat::UNCOMPRESSED]),
            signature_algorithms: Some(signature_schemes(config)),
            alpn: (!config.alpn.is_empty()).then(|| config.alpn.clone()),
            // RFC 7366 §2: "the client includes the encrypt_then_mac extension in its client_hello if it
            // wishes to use encrypt-then-MAC rather than the default MAC-then-encrypt."
            encrypt_then_mac: suites.iter().any(|suite| suite.is_cbc()),
            extended_master_secret: tls12,
            // RFC 5746 §3.4: "The client MUST include either an empty "renegotiation_info" extension, or
            // the TLS_EMPTY_RENEGOTIATION_INFO_SCSV signaling cipher suite value in the ClientHello."
            renegotiation_info: tls12.then(Vec::new),
            session_ticket: (tls12 && config.resumption).then(|| ticket_tls12(session)),
            compress_certificate: compression(config).filter(|_| tls13),
            record_size_limit: config.record_size_limit,
            delegated_credential: (tls13 && config.delegated_credentials)
                .then(|| delegated_schemes(config))
                .filter(|schemes| !schemes.is_empty()),
            supported_versions: tls13.then(|| versions(policy)),
            psk_key_exchange_modes: (tls13 && config.resumption)
                .then(|| vec![PskKeyExchangeMode::PSK_DHE_KE]),
            certificate_authorities: (tls13 && !config.certificate_authorities.is_empty())
                .then(|| config.certificate_authorities.clone()),
            ..ClientHelloExtensions::default()
        },
    })
}

/// RFC 9846 §4.2.2: a client "not offering a pre-TLS 1.3 session MUST generate a new 32-byte value" in
/// compatibility mode. With a ticket of TLS 1.2 it is new as well: by its return the client sees that the
/// ticket was taken (RFC 5077 §3.4).
fn session_id(
    session: Option<&ClientSession>,
    tls13: bool,
    cx: &Context<'_>,
) -> Result<Vec<u8>, Error> {
    match session.map(|session| &session.name) {
        Some(SessionName::SessionId(id)) => Ok(id.clone()),
        None if !tls13 => Ok(Vec::new()),
        Some(SessionName::Ticket(_)) | None => {
            let mut id = vec![0; 32];
            fill(&mut id, cx)?;
            Ok(id)
        }
    }
}

/// The ticket of a TLS 1.2 session, or the empty one that asks for a ticket (RFC 5077 §3.2).
fn ticket_tls12(session: Option<&ClientSession>) -> Vec<u8> {
    match session.map(|session| (session.version(), &session.name)) {
        Some((ProtocolVersion::TLS12, SessionName::Ticket(ticket))) => ticket.clone(),
        _ => Vec::new(),
    }
}

fn fill(out: &mut [u8], cx: &Context<'_>) -> Result<(), Error> {
    cx.config
        .random
        .fill(out)
        .map_err(|_| Error::Internal("random generation"))
}

fn offers_tls13(policy: &Policy) -> bool {
    policy.versions.contains(&ProtocolVersion::TLS13)
}

/// The policy's versions, the highest first.
fn versions(policy: &Policy) -> Vec<ProtocolVersion> {
    [ProtocolVersion::TLS13, ProtocolVersion::TLS12]
        .into_iter()
        .filter(|version| policy.versions.contains(version))
        .collect()
}

/// Whether the policy has this suite offered.
pub(super) fn offers(policy: &Policy, suite: &Suite) -> bool {
    policy.cipher_suites.contains(&suite.code)
        && policy.versions.contains(&suite.version())
        && (policy.legacy || !suite.is_legacy())
}

fn cipher_suites(policy: &Policy) -> Vec<&'static Suite> {
    policy
        .cipher_suites
        .iter()
        .filter_map(|code| Suite::of(*code))
        .filter(|suite| offers(policy, suite))
        .collect()
}

/// The policy's groups that the engine knows; post-quantum ones are of TLS 1.3 alone.
///
/// RFC 9846 §4.3.7: "The "named_group_list" MUST NOT contain any duplicate entries."
pub(super) fn groups(policy: &Policy) -> Vec<Group> {
    let tls13 = offers_tls13(policy);
    let mut groups = Vec::new();
    for group in &policy.groups {
        let known = Group::from_code(group.0)
            .filter(|group| tls13 || !group.is_post_quantum())
            .filter(|group| !groups.contains(group));
        groups.extend(known);
    }
    groups
}

/// The ways to compress certificates that the engine knows.
fn compression(config: &ClientConfig) -> Option<Vec<CertificateCompressionAlgorithm>> {
    let known: Vec<_> = config
        .certificate_compression
        .iter()
        .copied()
        .filter(|algorithm| keyward_compression::ALGORITHMS.contains(algorithm))
        .collect();
    (!known.is_empty()).then_some(known)
}

/// What a delegated key may sign with.
fn delegated_schemes(config: &ClientConfig) -> Vec<SignatureScheme> {
    // RFC 9345 §4: keys of rsaEncryption cannot be delegated to, which leaves the schemes that are no RSA.
    let rsa = KeyKind::Rsa { bits: 2048 };
    signature_schemes(config)
        .into_iter()
        .filter(|scheme| {
            SignatureAlgorithm::from_code(scheme.0)
                .is_some_and(|algorithm| !rsa.supports(algorithm))
        })
        .collect()
}

fn signature_schemes(config: &ClientConfig) -> Vec<SignatureScheme> {
    config
        .signature_schemes
        .iter()
        .copied()
        .filter(|scheme| SignatureAlgorithm::from_code(scheme.0).is_some())
        .filter(|scheme| offers_tls13(&config.policy) || !signature_schemes::is_tls13_only(*scheme))
        .collect()
}
