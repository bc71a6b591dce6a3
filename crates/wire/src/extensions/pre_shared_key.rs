//! `pre_shared_key` (RFC 9846 §4.3.11).

use crate::codec::{DecodeError, DecodeErrorKind, MAX_LIST_ITEMS, Put, Reader};

const IDENTITIES: &str = "pre_shared_key.identities";
const BINDERS: &str = "pre_shared_key.binders";

/// `pre_shared_key` of a client: `OfferedPsks` (RFC 9846 §4.3.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreSharedKeys {
    /// What the client offers, best first; at least one.
    pub identities: Vec<PskIdentity>,
    /// An HMAC for each identity, in the same order: 32 to 255 bytes.
    pub binders: Vec<Vec<u8>>,
}

/// One session or external key on offer (RFC 9846 §4.3.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PskIdentity {
    /// The ticket, or the external key's name: 1 to 2^16-1 bytes.
    pub identity: Vec<u8>,
    /// Milliseconds since the ticket was received plus the ticket's `ticket_age_add`, modulo 2^32.
    pub obfuscated_ticket_age: u32,
}

impl PreSharedKeys {
    /// Bytes of the binders list on the wire, with its own two-byte length.
    pub fn binders_len(&self) -> usize {
        2 + self
            .binders
            .iter()
            .map(|binder| 1 + binder.len())
            .sum::<usize>()
    }
}

/// `PskIdentity identities<7..2^16-1>; PskBinderEntry binders<33..2^16-1>`.
pub(super) mod offer {
    use super::*;

    pub(in super::super) fn decode(reader: &mut Reader<'_>) -> Result<PreSharedKeys, DecodeError> {
        let identities = reader.vector_u16(IDENTITIES, 7..=0xffff)?.items(
            IDENTITIES,
            MAX_LIST_ITEMS,
            |list| {
                Ok(PskIdentity {
                    identity: list
                        .opaque_u16("pre_shared_key.identity", 1..=0xffff)?
                        .to_vec(),
                    obfuscated_ticket_age: list.u32("pre_shared_key.obfuscated_ticket_age")?,
                })
            },
        )?;
        let start = reader.offset();
        let binders =
            reader
                .vector_u16(BINDERS, 33..=0xffff)?
                .items(BINDERS, MAX_LIST_ITEMS, |list| {
                    list.opaque_u8("pre_shared_key.binder", 32..=0xff)
                        .map(<[u8]>::to_vec)
                })?;
        // RFC 9846 §4.3.11: "binders: A series of HMAC values, one for each value in the identities list and in the same
        // order".
        if binders.len() != identities.len() {
            return Err(DecodeError {
                what: BINDERS,
                kind: DecodeErrorKind::IllegalValue,
                offset: start,
            });
        }
        Ok(PreSharedKeys {
            identities,
            binders,
        })
    }

    pub(in super::super) fn encode(keys: &PreSharedKeys, out: &mut Vec<u8>) {
        out.put_vector_u16(|out| {
            for identity in &keys.identities {
                out.put_opaque_u16(&identity.identity);
                out.put_u32(identity.obfuscated_ticket_age);
            }
        });
        out.put_vector_u16(|out| {
            for binder in &keys.binders {
                out.put_opaque_u8(binder);
            }
        });
    }
}

/// `uint16 selected_identity`.
pub(super) mod selected {
    use super::*;

    pub(in super::super) fn decode(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
        reader.u16("pre_shared_key.selected_identity")
    }

    pub(in super::super) fn encode(index: &u16, out: &mut Vec<u8>) {
        out.put_u16(*index);
    }
}
