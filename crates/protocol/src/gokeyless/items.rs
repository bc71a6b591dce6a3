//! The items of a message, and what is wrong with them.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::error::Malformed;

/// The length of a subject key identifier in bytes.
pub const SKI_LEN: usize = 20;

/// The length of a certificate digest in bytes.
pub const DIGEST_LEN: usize = 32;

/// Bytes of an item in front of its data.
pub(super) const ITEM_HEADER_LEN: usize = 3;

pub(super) mod tag {
    pub(in super::super) const DIGEST: u8 = 0x01;
    pub(in super::super) const SERVER_NAME: u8 = 0x02;
    pub(in super::super) const CLIENT_IP: u8 = 0x03;
    pub(in super::super) const SKI: u8 = 0x04;
    pub(in super::super) const SERVER_IP: u8 = 0x05;
    pub(in super::super) const CERTIFICATE_ID: u8 = 0x06;
    pub(in super::super) const OPCODE: u8 = 0x11;
    pub(in super::super) const PAYLOAD: u8 = 0x12;
    pub(in super::super) const FUNCTION: u8 = 0x13;
    pub(in super::super) const EXTRA: u8 = 0x14;
    pub(in super::super) const SPAN: u8 = 0x15;
    pub(in super::super) const CONTEXT: u8 = 0x16;
    pub(in super::super) const REGION: u8 = 0x17;
    pub(in super::super) const PADDING: u8 = 0x20;
}

/// All tags that have a meaning, looked at here or not.
const KNOWN: [u8; 14] = [
    tag::DIGEST,
    tag::SERVER_NAME,
    tag::CLIENT_IP,
    tag::SKI,
    tag::SERVER_IP,
    tag::CERTIFICATE_ID,
    tag::OPCODE,
    tag::PAYLOAD,
    tag::FUNCTION,
    tag::EXTRA,
    tag::SPAN,
    tag::CONTEXT,
    tag::REGION,
    tag::PADDING,
];

/// What a message says, as far as anything here looks at it.
#[derive(Default)]
pub(super) struct Items {
    pub(super) ski: Option<[u8; SKI_LEN]>,
    pub(super) digest: Option<[u8; DIGEST_LEN]>,
    pub(super) server_name: Option<Vec<u8>>,
    pub(super) client_ip: Option<IpAddr>,
    pub(super) server_ip: Option<IpAddr>,
    pub(super) opcode: Option<u8>,
    pub(super) payload: Option<Zeroizing<Vec<u8>>>,
}

impl Items {
    /// Parses a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut items = Self::default();
        let mut seen = [false; KNOWN.len()];
        let mut rest = body;
        // What is too short for an item is none: one or two bytes at the end.
        while let Some(([tag, high, low], data)) = rest.split_first_chunk::<ITEM_HEADER_LEN>() {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (data, behind) = data.split_at_checked(length).ok_or(Malformed::Truncated {
                tag: *tag,
                offset: body.len() - rest.len(),
            })?;
            rest = behind;
            let Some(known) = KNOWN.iter().position(|known| known == tag) else {
                continue;
            };
            if std::mem::replace(&mut seen[known], true) {
                return Err(Malformed::Twice { tag: *tag });
            }
            items.set(*tag, data)?;
        }
        Ok(items)
    }

    fn set(&mut self, tag: u8, data: &[u8]) -> Result<(), Malformed> {
        match tag {
            // With another length it is as if it were not there.
            tag::SKI => self.ski = data.try_into().ok(),
            tag::DIGEST => self.digest = data.try_into().ok(),
            tag::SERVER_NAME => self.server_name = Some(data.to_vec()),
            tag::CLIENT_IP => self.client_ip = Some(ip(tag, data)?),
            tag::SERVER_IP => self.server_ip = Some(ip(tag, data)?),
            tag::OPCODE => {
                let [opcode] = data else {
                    return Err(Malformed::Length {
                        tag,
                        found: data.len(),
                    });
                };
                self.opcode = Some(*opcode);
            }
            tag::PAYLOAD => self.payload = Some(Zeroizing::new(data.to_vec())),
            _ => {}
        }
        Ok(())
    }
}

fn ip(tag: u8, data: &[u8]) -> Result<IpAddr, Malformed> {
    if let Ok(v4) = <[u8; 4]>::try_from(data) {
        return Ok(v4.into());
    }
    let v6 = <[u8; 16]>::try_from(data).map_err(|_| Malformed::Length {
        tag,
        found: data.len(),
    })?;
    Ok(v6.into())
}
