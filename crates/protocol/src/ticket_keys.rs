//! `ticket_keys`: the session ticket keys of this time, for edges that resume each other's sessions.

use std::fmt;

use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use zeroize::Zeroizing;

use crate::frame::{put_short, put_u16_prefixed, put_u24_prefixed};

/// A session ticket key, in bytes.
pub const TICKET_KEY_LEN: usize = 32;

/// The session ticket keys that an edge may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketKeys {
    /// The number of the epoch, counted from 1970.
    pub epoch: u64,
    /// How long an epoch is, in seconds.
    pub epoch_s: u32,
    /// In how many milliseconds the next epoch begins.
    pub next_ms: u32,
    /// The keys, one entry for each set of names that has its own.
    pub tenants: Vec<TenantTicketKeys>,
}

/// The keys for one set of names. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantTicketKeys {
    /// Server names: exact, `*.` for one label, or `*` for all.
    pub names: Vec<String>,
    /// Opens what was sealed in the epoch before; `None` in the first epoch of a root.
    pub previous: Option<TicketKey>,
    /// Seals and opens in this epoch.
    pub current: TicketKey,
    /// Seals in the next epoch; opens already, for edges whose clock is ahead.
    pub next: TicketKey,
}

/// The key itself.
pub type TicketKey = Zeroizing<[u8; TICKET_KEY_LEN]>;

impl fmt::Debug for TenantTicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys are secrets.
        f.debug_struct("TenantTicketKeys")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Encode for TicketKeys {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.epoch.to_be_bytes());
        out.extend(self.epoch_s.to_be_bytes());
        out.extend(self.next_ms.to_be_bytes());
        put_u24_prefixed(out, |out| {
            for tenant in &self.tenants {
                put_u24_prefixed(out, |out| tenant.encode_body(out));
            }
        });
    }
}

impl<'a> Decode<'a> for TicketKeys {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let epoch = reader.u64("ticket keys epoch")?;
        let epoch_s = reader.u32("ticket keys epoch_s")?;
        let next_ms = reader.u32("ticket keys next_ms")?;
        let mut list = reader.vector_u24("ticket keys tenants", 0..=0xff_ffff)?;
        let mut tenants = Vec::new();
        while !list.is_empty() {
            // Fields that a later version adds at the end of a tenant are skipped with it.
            let mut body = list.vector_u24("ticket keys tenant", 0..=0xff_ffff)?;
            tenants.push(TenantTicketKeys::decode_body(&mut body)?);
        }
        Ok(Self {
            epoch,
            epoch_s,
            next_ms,
            tenants,
        })
    }
}

impl TenantTicketKeys {
    fn encode_body(&self, out: &mut Vec<u8>) {
        put_u16_prefixed(out, |out| {
            for name in &self.names {
                put_short(out, name.as_bytes());
            }
        });
        put_short(out, self.previous.as_ref().map_or(&[], |key| &key[..]));
        put_short(out, &self.current[..]);
        put_short(out, &self.next[..]);
    }

    fn decode_body(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut list = reader.vector_u16("ticket keys names", 0..=0xffff)?;
        let mut names = Vec::new();
        while !list.is_empty() {
            let name = list.opaque_u8("ticket keys name", 0..=255)?;
            names.push(String::from_utf8_lossy(name).into_owned());
        }
        Ok(Self {
            names,
            previous: match reader.opaque_u8("previous ticket key", 0..=TICKET_KEY_LEN)? {
                [] => None,
                key => Some(whole(key, "previous ticket key")?),
            },
            current: key(reader, "current ticket key")?,
            next: key(reader, "next ticket key")?,
        })
    }
}

fn key(reader: &mut Reader<'_>, what: &'static str) -> Result<TicketKey, DecodeError> {
    whole(
        reader.opaque_u8(what, TICKET_KEY_LEN..=TICKET_KEY_LEN)?,
        what,
    )
}

fn whole(bytes: &[u8], what: &'static str) -> Result<TicketKey, DecodeError> {
    let mut reader = Reader::new(bytes);
    let key = Zeroizing::new(reader.array(what)?);
    Ok(key)
}
