//! What a client keeps of a session.

use std::fmt;

use keyward_wire::codec::{DecodeError, DecodeErrorKind, Put, Reader};
use keyward_wire::values::{CipherSuite, ProtocolVersion};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::SessionState;
use crate::peer_name::PeerName;
use crate::time::UnixTime;

/// A session as a client keeps it: the state, and what the server knows it by. It holds the secret that
/// protects the resumed connections: store it encrypted, or in memory alone.
#[derive(Clone)]
pub struct ClientSession {
    pub(crate) state: SessionState,
    /// Whom it is with: never offered to anybody else.
    pub(crate) peer: PeerName,
    pub(crate) name: SessionName,
    /// When the ticket came, which the server wants to be told.
    pub(crate) received: UnixTime,
}

/// What the server knows a session by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionName {
    Ticket(Vec<u8>),
    /// TLS 1.2 alone.
    SessionId(Vec<u8>),
}

impl ClientSession {
    /// Whom the session is with.
    pub fn peer(&self) -> &PeerName {
        &self.peer
    }

    /// The protocol version.
    pub fn version(&self) -> ProtocolVersion {
        self.state.version()
    }

    /// The cipher suite.
    pub fn cipher_suite(&self) -> CipherSuite {
        self.state.cipher_suite()
    }

    /// The ALPN protocol.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.state.alpn.as_deref()
    }

    /// The server's certificates, the leaf first.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        self.state.peer_certificates()
    }

    /// The most early data that the server takes with it, in bytes.
    pub fn max_early_data(&self) -> u32 {
        self.state.max_early_data()
    }

    /// When the session ends: then, at the latest, a cache may forget it.
    pub fn expires(&self) -> UnixTime {
        self.state.expires()
    }

    /// Whether it may serve one connection only (TLS 1.3): a cache takes it out when it gives it.
    pub fn is_single_use(&self) -> bool {
        self.version() == ProtocolVersion::TLS13
    }

    /// The session as bytes, the secret among them, in a format with a version number.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let state = self.state.encode();
        let peer = self.peer.to_string();
        let (kind, name) = match &self.name {
            SessionName::Ticket(ticket) => (TICKET, ticket),
            SessionName::SessionId(id) => (SESSION_ID, id),
        };
        // Room for all fields: a vector that moves would leave the secret behind.
        let capacity = 32 + state.len() + peer.len() + name.len();
        let mut out = Zeroizing::new(Vec::with_capacity(capacity));
        out.put_u8(FORMAT);
        out.put_u8(kind);
        out.put_opaque_u16(name);
        out.put_opaque_u8(peer.as_bytes());
        out.put_u64(self.received.as_millis());
        out.put_opaque_u24(&state);
        out
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let illegal = |reader: &Reader<'_>, what| reader.error(what, DecodeErrorKind::IllegalValue);
        if reader.u8("ClientSession format")? != FORMAT {
            return Err(illegal(&reader, "ClientSession format"));
        }
        let kind = reader.u8("name kind")?;
        let name = reader.opaque_u16("name", 1..=usize::from(u16::MAX))?;
        let name = match kind {
            TICKET => SessionName::Ticket(name.to_vec()),
            SESSION_ID if name.len() <= 32 => SessionName::SessionId(name.to_vec()),
            _ => return Err(illegal(&reader, "name kind")),
        };
        let peer = reader.opaque_u8("peer", 1..=255)?;
        let peer = std::str::from_utf8(peer)
            .ok()
            .and_then(|peer| peer.parse().ok())
            .ok_or_else(|| illegal(&reader, "peer"))?;
        let received = UnixTime::from_millis(reader.u64("received")?);
        let state = SessionState::decode(reader.opaque_u24("state", 1..=0xff_ffff)?)?;
        reader.expect_end("ClientSession")?;
        Ok(Self {
            state,
            peer,
            name,
            received,
        })
    }
}

/// The format of [`ClientSession::encode`]. A session of another format is not resumed.
const FORMAT: u8 = 1;

const TICKET: u8 = 0;
const SESSION_ID: u8 = 1;

impl fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("peer", &self.peer)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::state;
    use super::*;

    fn session(name: SessionName) -> ClientSession {
        ClientSession {
            state: state(),
            peer: "shop.example".parse().unwrap(),
            name,
            received: UnixTime::from_secs(1_001),
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for name in [
            SessionName::Ticket(vec![7; 500]),
            SessionName::SessionId(vec![8; 32]),
        ] {
            let session = session(name);
            let bytes = session.encode();
            let again = ClientSession::decode(&bytes).unwrap();
            assert_eq!(again.encode(), bytes);
            assert_eq!(again.name, session.name);
            assert_eq!(again.peer, session.peer);
            assert_eq!(again.received, session.received);
        }
    }

    #[test]
    fn a_session_cut_anywhere_or_of_another_format_is_refused() {
        let bytes = session(SessionName::SessionId(vec![8; 32])).encode();
        for length in 0..bytes.len() {
            assert!(ClientSession::decode(&bytes[..length]).is_err(), "{length}");
        }
        let mut other = bytes.to_vec();
        other[0] = FORMAT + 1;
        assert!(ClientSession::decode(&other).is_err());
    }
}
