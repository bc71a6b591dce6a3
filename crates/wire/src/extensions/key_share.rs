//! `key_share` (RFC 9846 §4.3.8).

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, MAX_LIST_ITEMS, Put, Reader};
use crate::values::NamedGroup;

/// A public value for key exchange (RFC 9846 §4.3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyShareEntry {
    /// The group.
    pub group: NamedGroup,
    /// The public value as the group writes it: 1 to 2^16-1 bytes.
    pub key_exchange: Vec<u8>,
}

/// `key_share` of a server (RFC 9846 §4.3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerKeyShare {
    /// In a ServerHello: the server's share.
    Share(KeyShareEntry),
    /// In a HelloRetryRequest: the group that the client shall send a share for.
    Retry(NamedGroup),
}

impl Encode for KeyShareEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.encode(out);
        out.put_opaque_u16(&self.key_exchange);
    }
}

impl<'a> Decode<'a> for KeyShareEntry {
    const NAME: &'static str = "KeyShareEntry";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: NamedGroup(reader.u16("KeyShareEntry.group")?),
            key_exchange: reader
                .opaque_u16("KeyShareEntry.key_exchange", 1..=0xffff)?
                .to_vec(),
        })
    }
}

/// `KeyShareEntry client_shares<0..2^16-1>`.
pub(super) mod client {
    use super::*;

    const WHAT: &str = "key_share.client_shares";

    pub(in super::super) fn decode(
        reader: &mut Reader<'_>,
    ) -> Result<Vec<KeyShareEntry>, DecodeError> {
        let mut list = reader.vector_u16(WHAT, 0..=0xffff)?;
        let mut shares: Vec<KeyShareEntry> = Vec::new();
        while !list.is_empty() {
            if shares.len() == MAX_LIST_ITEMS {
                return Err(list.error(WHAT, DecodeErrorKind::TooMany));
            }
            let duplicate = list.error(WHAT, DecodeErrorKind::Duplicate);
            let share = KeyShareEntry::decode(&mut list)?;
            // RFC 9846 §4.3.8: "Clients MUST NOT offer multiple KeyShareEntry values for the same group. […] Servers
            // MAY check for violations of these rules and abort the handshake with an "illegal_parameter" alert".
            if shares.iter().any(|earlier| earlier.group == share.group) {
                return Err(duplicate);
            }
            shares.push(share);
        }
        Ok(shares)
    }

    pub(in super::super) fn encode(shares: &[KeyShareEntry], out: &mut Vec<u8>) {
        out.put_vector_u16(|out| {
            for share in shares {
                share.encode(out);
            }
        });
    }
}

/// `KeyShareEntry server_share`, or `NamedGroup selected_group`; the length tells them apart.
pub(super) mod server {
    use super::*;

    pub(in super::super) fn decode(reader: &mut Reader<'_>) -> Result<ServerKeyShare, DecodeError> {
        if reader.remaining() == 2 {
            NamedGroup::decode(reader).map(ServerKeyShare::Retry)
        } else {
            KeyShareEntry::decode(reader).map(ServerKeyShare::Share)
        }
    }

    pub(in super::super) fn encode(share: &ServerKeyShare, out: &mut Vec<u8>) {
        match share {
            ServerKeyShare::Share(share) => share.encode(out),
            ServerKeyShare::Retry(group) => group.encode(out),
        }
    }
}
