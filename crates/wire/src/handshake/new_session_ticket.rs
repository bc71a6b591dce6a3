//! NewSessionTicket (RFC 9846 §4.7.1, RFC 5077 §3.3).

use super::Message;
use crate::codec::{Decode, DecodeError, Encode, Put, Reader};
use crate::extensions::NewSessionTicketExtensions;
use crate::values::HandshakeType;

/// A TLS 1.3 server hands out a session (RFC 9846 §4.7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSessionTicketTls13 {
    /// Seconds that the ticket is good for; at most 604800 (7 days) for a server, cut to that by a client.
    pub ticket_lifetime: u32,
    /// What the client adds to the ticket's age, in milliseconds, to hide it.
    pub ticket_age_add: u32,
    /// Tells the tickets of one connection apart: at most 255 bytes.
    pub ticket_nonce: Vec<u8>,
    /// The ticket, opaque to the client: 1 to 2^16-1 bytes.
    pub ticket: Vec<u8>,
    /// What the ticket is good for.
    pub extensions: NewSessionTicketExtensions,
}

/// A TLS 1.2 server hands out a session (RFC 5077 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSessionTicketTls12 {
    /// Seconds that the ticket is good for; 0 when the server does not say.
    pub ticket_lifetime_hint: u32,
    /// The ticket, opaque to the client: at most 2^16-1 bytes; empty when the server changed its mind.
    pub ticket: Vec<u8>,
}

impl Message for NewSessionTicketTls13 {
    const TYPE: HandshakeType = HandshakeType::NEW_SESSION_TICKET;
}

impl Encode for NewSessionTicketTls13 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.ticket_lifetime);
        out.put_u32(self.ticket_age_add);
        out.put_opaque_u8(&self.ticket_nonce);
        out.put_opaque_u16(&self.ticket);
        self.extensions.encode(out);
    }
}

impl<'a> Decode<'a> for NewSessionTicketTls13 {
    const NAME: &'static str = "NewSessionTicket";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            ticket_lifetime: reader.u32("NewSessionTicket.ticket_lifetime")?,
            ticket_age_add: reader.u32("NewSessionTicket.ticket_age_add")?,
            ticket_nonce: reader
                .opaque_u8("NewSessionTicket.ticket_nonce", 0..=0xff)?
                .to_vec(),
            ticket: reader
                .opaque_u16("NewSessionTicket.ticket", 1..=0xffff)?
                .to_vec(),
            extensions: NewSessionTicketExtensions::decode(reader)?,
        })
    }
}

impl Message for NewSessionTicketTls12 {
    const TYPE: HandshakeType = HandshakeType::NEW_SESSION_TICKET;
}

impl Encode for NewSessionTicketTls12 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.ticket_lifetime_hint);
        out.put_opaque_u16(&self.ticket);
    }
}

impl<'a> Decode<'a> for NewSessionTicketTls12 {
    const NAME: &'static str = "NewSessionTicket";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            ticket_lifetime_hint: reader.u32("NewSessionTicket.ticket_lifetime_hint")?,
            ticket: reader
                .opaque_u16("NewSessionTicket.ticket", 0..=0xffff)?
                .to_vec(),
        })
    }
}
