//! One message: the request of a client, or the reply of a server.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::error::{ErrorCode, Malformed};
use super::items::{DIGEST_LEN, ITEM_HEADER_LEN, Items, SKI_LEN, tag};
use super::opcode::Opcode;
use super::{HEADER_LEN, MAJOR, MAX_BODY_LEN, MINOR, PADDED_LEN};

/// The bytes of a message, wiped when dropped: replies carry premaster secrets.
pub type EncodedMessage = Zeroizing<Vec<u8>>;

/// A message that came, of which nobody has said yet what it is.
pub struct Message {
    id: u32,
    items: Items,
}

impl Message {
    pub(super) fn parse(id: u32, body: &[u8]) -> Result<Self, Malformed> {
        Items::parse(body).map(|items| Self { id, items })
    }

    /// The client's number for it.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it asks for, if it is a request.
    pub fn into_request(self) -> Request {
        let Items {
            ski,
            digest,
            server_name,
            client_ip,
            server_ip,
            opcode,
            payload,
        } = self.items;
        Request {
            opcode: opcode.unwrap_or(Request::NO_OPCODE),
            ski,
            digest,
            server_name,
            client_ip,
            server_ip,
            payload: payload.map(|payload| payload.to_vec()).unwrap_or_default(),
        }
    }

    /// What it answers. `None` if it is no reply, or an error without its number.
    pub fn into_reply(self) -> Option<Reply> {
        let payload = self.items.payload.unwrap_or_default();
        match Opcode::from_number(self.items.opcode?)? {
            Opcode::Success => Some(Reply::Success(payload)),
            Opcode::Pong => Some(Reply::Pong(payload)),
            Opcode::Error => match payload[..] {
                [number] => Some(Reply::Error(ErrorCode::from_number(number))),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("opcode", &self.items.opcode)
            .field("payload", &self.items.payload.as_ref().map(|it| it.len()))
            .finish_non_exhaustive()
    }
}

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The opcode, which may be of no use, or [`Request::NO_OPCODE`].
    pub opcode: u8,
    /// The key, by the SHA-1 of its bits.
    pub ski: Option<[u8; SKI_LEN]>,
    /// The key of an RSA certificate, by the SHA-256 of its modulus in hexadecimal.
    pub digest: Option<[u8; DIGEST_LEN]>,
    /// The name that the client's own client asked it for, as it says.
    pub server_name: Option<Vec<u8>>,
    /// And where from.
    pub client_ip: Option<IpAddr>,
    /// And where at.
    pub server_ip: Option<IpAddr>,
    /// A digest, a message, a ciphertext, or what is to be echoed.
    pub payload: Vec<u8>,
}

impl Request {
    /// In the place of an opcode that is not there: one that nothing has.
    pub const NO_OPCODE: u8 = 0;

    /// The request's bytes.
    ///
    /// # Errors
    /// It does not fit into a message.
    pub fn encode(&self, id: u32) -> Result<EncodedMessage, TooLong> {
        let mut message = Builder::new(id);
        message.item(tag::OPCODE, &[self.opcode]);
        if let Some(ski) = &self.ski {
            message.item(tag::SKI, ski);
        }
        if let Some(digest) = &self.digest {
            message.item(tag::DIGEST, digest);
        }
        if let Some(name) = &self.server_name {
            message.item(tag::SERVER_NAME, name);
        }
        for (tag, ip) in [
            (tag::CLIENT_IP, self.client_ip),
            (tag::SERVER_IP, self.server_ip),
        ] {
            match ip {
                Some(IpAddr::V4(ip)) => message.item(tag, &ip.octets()),
                Some(IpAddr::V6(ip)) => message.item(tag, &ip.octets()),
                None => {}
            }
        }
        message.item(tag::PAYLOAD, &self.payload);
        message.finish()
    }
}

/// What a server answers.
pub enum Reply {
    /// A signature, or a padded block.
    Success(Zeroizing<Vec<u8>>),
    /// The echo.
    Pong(Zeroizing<Vec<u8>>),
    /// There is no result.
    Error(ErrorCode),
}

impl Reply {
    /// The reply's bytes.
    ///
    /// # Errors
    /// It does not fit into a message: what came in one does.
    pub fn encode(&self, id: u32) -> Result<EncodedMessage, TooLong> {
        let mut message = Builder::new(id);
        let (opcode, payload): (_, &[u8]) = match self {
            Self::Success(payload) => (Opcode::Success, payload),
            Self::Pong(payload) => (Opcode::Pong, payload),
            Self::Error(code) => (Opcode::Error, &[code.number()]),
        };
        message.item(tag::OPCODE, &[opcode.number()]);
        message.item(tag::PAYLOAD, payload);
        message.finish()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success(payload) => write!(f, "Success({} bytes)", payload.len()),
            Self::Pong(payload) => write!(f, "Pong({} bytes)", payload.len()),
            Self::Error(code) => write!(f, "Error({code})"),
        }
    }
}

/// Puts a message together.
struct Builder {
    out: EncodedMessage,
    id: u32,
    too_long: bool,
}

impl Builder {
    fn new(id: u32) -> Self {
        // Nearly every message has this length and no other, and a buffer that grows leaves copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(2 * PADDED_LEN));
        out.extend([0; HEADER_LEN]);
        Self {
            out,
            id,
            too_long: false,
        }
    }

    fn item(&mut self, tag: u8, data: &[u8]) {
        let Ok(length) = u16::try_from(data.len()) else {
            self.too_long = true;
            return;
        };
        self.out.push(tag);
        self.out.extend(length.to_be_bytes());
        self.out.extend_from_slice(data);
    }

    fn finish(mut self) -> Result<EncodedMessage, TooLong> {
        const ZEROS: [u8; PADDED_LEN] = [0; PADDED_LEN];
        if self.out.len() < PADDED_LEN {
            let missing = PADDED_LEN.saturating_sub(self.out.len() + ITEM_HEADER_LEN);
            self.item(tag::PADDING, &ZEROS[..missing]);
        }
        let length = self.out.len() - HEADER_LEN;
        let length = u16::try_from(length).ok().filter(|_| !self.too_long);
        let length = length.ok_or(TooLong)?;
        self.out[..2].copy_from_slice(&[MAJOR, MINOR]);
        self.out[2..4].copy_from_slice(&length.to_be_bytes());
        self.out[4..8].copy_from_slice(&self.id.to_be_bytes());
        Ok(self.out)
    }
}

/// A message whose body would have more than [`MAX_BODY_LEN`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than the {MAX_BODY_LEN} bytes of a message")
    }
}

impl Error for TooLong {}
