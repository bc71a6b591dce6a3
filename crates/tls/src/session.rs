//! What two connections of one session share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::hkdf::Secret;
use keyward_wire::codec::{DecodeError, DecodeErrorKind, MAX_LIST_ITEMS, Put, Reader};
use keyward_wire::extensions::PskIdentity;
use keyward_wire::values::{CipherSuite, ProtocolVersion};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

pub use client::ClientSession;
pub(crate) use client::SessionName;

use crate::needs::Stapled;
use crate::negotiated::Negotiated;
use crate::time::UnixTime;

mod client;
pub(crate) mod peer;

/// A session that can be resumed. Holds the secret that protects the resumed connections: store it
/// encrypted, or in memory alone.
#[derive(Clone)]
pub struct SessionState {
    pub(crate) version: ProtocolVersion,
    pub(crate) cipher_suite: CipherSuite,
    /// The PSK (TLS 1.3) or the master secret (TLS 1.2).
    pub(crate) secret: Secret,
    /// When the full handshake was. A resumed session keeps it, so that its life is bounded.
    pub(crate) created: UnixTime,
    /// When this ticket was made: what a client says of its age counts from then.
    pub(crate) issued: UnixTime,
    pub(crate) lifetime_s: u32,
    /// `ticket_age_add` of TLS 1.3.
    pub(crate) age_add: u32,
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) context: Vec<u8>,
    pub(crate) extended_master_secret: bool,
    /// What the peer presented in the full handshake.
    pub(crate) peer_certificates: Arc<[CertificateDer<'static>]>,
    /// What came beside them; both together have at most [`MAX_PEER_LEN`] bytes.
    pub(crate) stapled: Option<Arc<Stapled>>,
    /// The most early data that the server takes with this session, in bytes.
    pub(crate) max_early_data: u32,
}

impl SessionState {
    /// The protocol version.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The cipher suite.
    pub fn cipher_suite(&self) -> CipherSuite {
        self.cipher_suite
    }

    /// The name that the client asked for.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The certificates that the peer presented in the full handshake, the leaf first; empty for one
    /// without.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.peer_certificates
    }

    /// The most early data that the server takes with this session, in bytes.
    pub fn max_early_data(&self) -> u32 {
        self.max_early_data
    }

    /// When the session ends: then, at the latest, a cache may forget it.
    pub fn expires(&self) -> UnixTime {
        let lifetime = u64::from(self.lifetime_s) * 1000;
        UnixTime::from_millis(self.created.as_millis().saturating_add(lifetime))
    }

    /// Whether it may still be resumed. A session from the future, by another machine's clock, may.
    pub(crate) fn is_alive(&self, now: UnixTime) -> bool {
        now < self.expires()
    }

    /// When the ClientHello with this identity should have arrived, by what the client says of the ticket's age.
    pub(crate) fn arrival(&self, identity: &PskIdentity) -> UnixTime {
        // RFC 9846 §4.3.10: "computed by subtracting ticket_age_add from
        // PskIdentity.obfuscated_ticket_age modulo 2^32"
        let age_ms = identity.obfuscated_ticket_age.wrapping_sub(self.age_add);
        self.issued.plus(Duration::from_millis(age_ms.into()))
    }

    /// Whether its full handshake was as long ago, or longer.
    pub(crate) fn is_older_than(&self, seconds: u32, now: UnixTime) -> bool {
        now.since(self.created)
            .is_some_and(|age| age.as_secs() >= u64::from(seconds))
    }

    /// The state as bytes, the secret among them, in a format with a version number.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Room for all fields: a vector that moves would leave the secret behind.
        let mut out = Zeroizing::new(Vec::with_capacity(self.max_encoded_len()));
        self.encode_to(&mut out);
        out
    }

    /// At least as many bytes as [`encode_to`](Self::encode_to) appends.
    pub(crate) fn max_encoded_len(&self) -> usize {
        let name = self.server_name.as_deref().unwrap_or_default();
        let alpn = self.alpn.as_deref().unwrap_or_default();
        let peer = peer_len(&self.peer_certificates, self.stapled.as_deref());
        64 + self.secret.len() + name.len() + alpn.len() + self.context.len() + peer
    }

    /// Appends [`encode`](Self::encode).
    pub(crate) fn encode_to(&self, out: &mut Vec<u8>) {
        let name = self.server_name.as_deref().unwrap_or_default();
        let alpn = self.alpn.as_deref().unwrap_or_default();
        out.put_u8(FORMAT);
        out.put_u16(self.version.0);
        out.put_u16(self.cipher_suite.0);
        out.put_u64(self.created.as_millis());
        out.put_u64(self.issued.as_millis());
        out.put_u32(self.lifetime_s);
        out.put_u32(self.age_add);
        out.put_u8(u8::from(self.extended_master_secret));
        out.put_opaque_u8(self.secret.as_bytes());
        out.put_opaque_u8(name.as_bytes());
        out.put_opaque_u8(alpn);
        out.put_opaque_u8(&self.context);
        out.put_u32(self.max_early_data);
        out.put_vector_u16(|out| {
            for certificate in self.peer_certificates.iter() {
                out.put_opaque_u16(certificate);
            }
        });
        let stapled = self.stapled.as_deref();
        let ocsp = stapled.and_then(|stapled| stapled.ocsp.as_deref());
        let scts = stapled.and_then(|stapled| stapled.scts.as_deref());
        out.put_opaque_u16(ocsp.unwrap_or_default());
        out.put_opaque_u16(scts.unwrap_or_default());
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let format = reader.u8("SessionState format")?;
        if format != FORMAT {
            return Err(reader.error("SessionState format", DecodeErrorKind::IllegalValue));
        }
        let state = Self {
            version: ProtocolVersion(reader.u16("version")?),
            cipher_suite: CipherSuite(reader.u16("cipher_suite")?),
            created: UnixTime::from_millis(reader.u64("created")?),
            issued: UnixTime::from_millis(reader.u64("issued")?),
            lifetime_s: reader.u32("lifetime")?,
            age_add: reader.u32("age_add")?,
            extended_master_secret: reader.u8("extended_master_secret")? != 0,
            secret: Secret::from_slice(reader.opaque_u8("secret", 1..=Secret::MAX_LEN)?),
            server_name: optional(reader.opaque_u8("server_name", 0..=255)?)
                .map(String::from_utf8)
                .transpose()
                .map_err(|_| reader.error("server_name", DecodeErrorKind::IllegalValue))?,
            alpn: optional(reader.opaque_u8("alpn", 0..=255)?),
            context: reader.opaque_u8("context", 0..=255)?.to_vec(),
            max_early_data: reader.u32("max_early_data")?,
            peer_certificates: reader
                .vector_u16("peer_certificates", 0..=MAX_PEER_LEN)?
                .items("peer_certificates", MAX_LIST_ITEMS, |list| {
                    let certificate = list.opaque_u16("peer_certificate", 1..=MAX_PEER_LEN)?;
                    Ok(CertificateDer::from(certificate.to_vec()))
                })?
                .into(),
            stapled: Stapled::new(
                optional(reader.opaque_u16("ocsp", 0..=MAX_PEER_LEN)?),
                optional(reader.opaque_u16("scts", 0..=MAX_PEER_LEN)?),
            ),
        };
        reader.expect_end("SessionState")?;
        Ok(state)
    }
}

/// The format of [`SessionState::encode`]. A state of another format is not resumed.
const FORMAT: u8 = 3;

/// The most bytes of what a peer presented in a session: its chain, each certificate with two bytes for its
/// length, and what came beside it. A session goes into a ticket, and a ticket into a ClientHello; a peer
/// with more has none.
const MAX_PEER_LEN: usize = 16 * 1024;

/// The longest ticket that a client keeps: it goes into a ClientHello, whose extensions have less than 2^16 bytes
/// together. Real ones have some hundred, or with a client's chain in them some thousand.
pub(crate) const MAX_TICKET_LEN: usize = 24 * 1024;

/// Whether what a peer presented can be kept with a session.
pub(crate) fn can_keep(negotiated: &Negotiated) -> bool {
    let chain = &negotiated.peer_certificates;
    peer_len(chain, negotiated.stapled.as_deref()) <= MAX_PEER_LEN && chain.len() <= MAX_LIST_ITEMS
}

fn peer_len(chain: &[CertificateDer<'_>], stapled: Option<&Stapled>) -> usize {
    let certificates: usize = chain.iter().map(|certificate| 2 + certificate.len()).sum();
    certificates + stapled.map_or(0, Stapled::len)
}

/// How long the session of a handshake lives, in seconds from when its full handshake was: as long as its ticket
/// or configuration says, and no longer than the peer's certificate.
pub(crate) fn lifetime_s(whole_s: u32, created: UnixTime, negotiated: &Negotiated) -> u32 {
    let Some(leaf) = negotiated.peer_certificates.first() else {
        return whole_s;
    };
    let left_s = CertificateInfo::parse(leaf)
        .map(|leaf| UnixTime::from_secs(leaf.not_after()))
        .and_then(|end| end.since(created))
        .map_or(0, |left| left.as_secs());
    u32::try_from(left_s).map_or(whole_s, |left_s| left_s.min(whole_s))
}

fn optional(bytes: &[u8]) -> Option<Vec<u8>> {
    (!bytes.is_empty()).then(|| bytes.to_vec())
}

impl fmt::Debug for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionState")
            .field("version", &self.version)
            .field("cipher_suite", &self.cipher_suite)
            .field("server_name", &self.server_name)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn state() -> SessionState {
        SessionState {
            version: ProtocolVersion::TLS13,
            cipher_suite: CipherSuite::TLS_AES_128_GCM_SHA256,
            secret: Secret::from_slice(&[0xa5; 32]),
            created: UnixTime::from_secs(1_000),
            issued: UnixTime::from_secs(1_010),
            lifetime_s: 60,
            age_add: 0xdead_beef,
            server_name: Some("shop.example".to_owned()),
            alpn: Some(b"h2".to_vec()),
            context: b"context".to_vec(),
            extended_master_secret: true,
            peer_certificates: [vec![1; 300], vec![2; 200]]
                .map(CertificateDer::from)
                .into(),
            stapled: Stapled::new(Some(vec![3; 100]), None),
            max_early_data: 4096,
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut plain = state();
        plain.server_name = None;
        plain.alpn = None;
        plain.context = Vec::new();
        plain.extended_master_secret = false;
        plain.peer_certificates = Arc::new([]);
        plain.stapled = None;
        for state in [state(), plain] {
            let bytes = state.encode();
            let again = SessionState::decode(&bytes).unwrap();
            assert_eq!(again.encode(), bytes);
            assert_eq!(again.server_name, state.server_name);
            assert_eq!(again.alpn, state.alpn);
            assert_eq!(again.created, state.created);
            assert_eq!(again.issued, state.issued);
            assert_eq!(again.peer_certificates, state.peer_certificates);
            assert_eq!(again.stapled, state.stapled);
            assert_eq!(again.max_early_data, state.max_early_data);
            assert_eq!(again.secret.as_bytes(), state.secret.as_bytes());
        }
    }

    #[test]
    fn a_state_cut_anywhere_or_of_another_format_is_refused() {
        let bytes = state().encode();
        for length in 0..bytes.len() {
            assert!(SessionState::decode(&bytes[..length]).is_err(), "{length}");
        }
        let mut other = bytes.to_vec();
        other[0] = FORMAT + 1;
        assert!(SessionState::decode(&other).is_err());
    }

    #[test]
    fn a_chain_too_long_for_a_session_is_not_kept() {
        let negotiated = |len, ocsp: Option<usize>| Negotiated {
            peer_certificates: [CertificateDer::from(vec![0; len])].into(),
            stapled: Stapled::new(ocsp.map(|len| vec![0; len]), None),
            ..Negotiated::new(ProtocolVersion::TLS13, CipherSuite::TLS_AES_128_GCM_SHA256)
        };
        assert!(can_keep(&negotiated(MAX_PEER_LEN - 2, None)));
        assert!(!can_keep(&negotiated(MAX_PEER_LEN - 1, None)));
        assert!(can_keep(&negotiated(MAX_PEER_LEN - 12, Some(10))));
        assert!(!can_keep(&negotiated(MAX_PEER_LEN - 12, Some(11))));
    }

    #[test]
    fn a_session_ends() {
        assert!(state().is_alive(UnixTime::from_secs(1_059)));
        assert!(!state().is_alive(UnixTime::from_secs(1_060)));
        assert!(state().is_alive(UnixTime::from_secs(999)));
        assert!(!state().is_older_than(10, UnixTime::from_millis(1_009_999)));
        assert!(state().is_older_than(10, UnixTime::from_secs(1_010)));
        assert!(!state().is_older_than(10, UnixTime::from_secs(999)));
    }

    #[test]
    fn debug_does_not_print_the_secret() {
        let text = format!("{:?}", state());
        assert!(!text.contains("165") && !text.contains("a5"), "{text}");
    }
}
