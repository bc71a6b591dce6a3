//! `hello`: the first frame of each side.

use std::error::Error;
use std::fmt;

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};

use crate::VERSION;
use crate::frame::put_short;

/// Something that a sender can do beyond the protocol's base. Unknown ones are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// 1: the key server sends its catalog by itself: after its hello and whenever it changes.
    CatalogPush,
    /// 2: the key server has session ticket keys.
    TicketKeys,
    /// A capability of a later version.
    Other(u16),
}

impl Capability {
    /// From its number on the wire.
    pub const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::CatalogPush,
            2 => Self::TicketKeys,
            other => Self::Other(other),
        }
    }

    /// Its number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::CatalogPush => 1,
            Self::TicketKeys => 2,
            Self::Other(code) => code,
        }
    }
}

/// The greeting. Both sides send it at once, neither waits for the other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The lowest version of the frames that the sender speaks.
    pub min_version: u16,
    /// The highest.
    pub max_version: u16,
    /// How many requests the sender takes on this connection before it answers `overloaded`. 0 from an edge.
    pub max_in_flight: u16,
    /// What the sender can do beyond the base.
    pub capabilities: Vec<Capability>,
    /// The codes of the operations that the sender performs ([`keyward_keyop::OperationKind::code`]). Empty from an edge.
    pub operations: Vec<u8>,
    /// Name and version of the software, for logs; at most 255 bytes.
    pub software: String,
}

impl Hello {
    /// What this build says as an edge.
    pub fn edge() -> Self {
        Self {
            min_version: VERSION,
            max_version: VERSION,
            max_in_flight: 0,
            capabilities: Vec::new(),
            operations: Vec::new(),
            software: concat!("keyward-edge/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// What this build says as a key server that takes `max_in_flight` requests on a connection.
    pub fn key_server(max_in_flight: u16) -> Self {
        Self {
            min_version: VERSION,
            max_version: VERSION,
            max_in_flight,
            capabilities: vec![Capability::CatalogPush],
            operations: keyward_keyop::OperationKind::TYPED
                .iter()
                .map(|kind| kind.code())
                .collect(),
            software: concat!("keyward-keyserver/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// The version that both sides speak from here on: the highest that is in both ranges.
    pub fn negotiate(&self, peer: &Self) -> Result<u16, VersionMismatch> {
        let highest = self.max_version.min(peer.max_version);
        if highest < self.min_version.max(peer.min_version) {
            return Err(VersionMismatch {
                ours: (self.min_version, self.max_version),
                theirs: (peer.min_version, peer.max_version),
            });
        }
        Ok(highest)
    }
}

impl Encode for Hello {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.min_version.to_be_bytes());
        out.extend(self.max_version.to_be_bytes());
        out.extend(self.max_in_flight.to_be_bytes());
        let capabilities: Vec<u8> = self
            .capabilities
            .iter()
            .flat_map(|capability| capability.code().to_be_bytes())
            .collect();
        // 127 capabilities of two bytes fit behind a one-byte length.
        put_short(out, &capabilities[..capabilities.len().min(254)]);
        put_short(out, &self.operations);
        put_short(out, self.software.as_bytes());
    }
}

impl<'a> Decode<'a> for Hello {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let min_version = reader.u16("hello min_version")?;
        let max_version = reader.u16("hello max_version")?;
        let max_in_flight = reader.u16("hello max_in_flight")?;
        let mut list = reader.vector_u8("hello capabilities", 0..=255)?;
        let mut capabilities = Vec::new();
        while !list.is_empty() {
            capabilities.push(Capability::from_code(list.u16("hello capability")?));
        }
        let operations = reader.opaque_u8("hello operations", 0..=255)?.to_vec();
        let software =
            String::from_utf8_lossy(reader.opaque_u8("hello software", 0..=255)?).into_owned();
        Ok(Self {
            min_version,
            max_version,
            max_in_flight,
            capabilities,
            operations,
            software,
        })
    }
}

/// The two sides have no version in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionMismatch {
    /// Our lowest and highest.
    pub ours: (u16, u16),
    /// The peer's lowest and highest.
    pub theirs: (u16, u16),
}

impl fmt::Display for VersionMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = (self.ours, self.theirs);
        write!(
            f,
            "no protocol version in common: we speak {} to {}, the peer {} to {}; update the older side",
            ours.0, ours.1, theirs.0, theirs.1
        )
    }
}

impl Error for VersionMismatch {}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min_version: u16, max_version: u16) -> Hello {
        Hello {
            min_version,
            max_version,
            ..Hello::edge()
        }
    }

    #[test]
    fn versions_meet_at_the_highest_in_common() {
        assert_eq!(range(1, 3).negotiate(&range(2, 5)), Ok(3));
        assert_eq!(range(2, 5).negotiate(&range(1, 3)), Ok(3));
        assert_eq!(range(1, 1).negotiate(&range(1, 1)), Ok(1));
        assert!(range(1, 1).negotiate(&range(2, 3)).is_err());
        assert!(range(2, 3).negotiate(&range(1, 1)).is_err());
        // An empty range meets nobody.
        assert!(range(3, 1).negotiate(&range(1, 3)).is_err());
    }
}
