//! One frame: `uint24 length; uint8 kind; uint32 id; opaque body`.

use std::error::Error;
use std::fmt;

use keyward_keyop::{Operation, OperationKind};
use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};
use zeroize::Zeroizing;

use crate::catalog::CatalogPart;
use crate::error::ErrorReply;
use crate::going_away::GoingAway;
use crate::hello::Hello;
use crate::request::{Reply, Request};
use crate::ticket_keys::TicketKeys;

/// The most that a frame's length may say: kind, id and body, in bytes.
pub const MAX_FRAME_LEN: usize = 256 * 1024;

/// Bytes of the length field.
pub(crate) const LENGTH_LEN: usize = 3;

/// Bytes before the body: length, kind, id.
pub const HEADER_LEN: usize = LENGTH_LEN + 1 + 4;

/// The bytes of a frame, wiped when dropped, since requests and replies carry secrets.
pub type EncodedFrame = Zeroizing<Vec<u8>>;

/// The kinds of frame, by their number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum FrameKind {
    /// Greeting of either side.
    Hello = 1,
    /// Edge: an operation.
    Request = 2,
    /// Key server: its result.
    Reply = 3,
    /// Either: what went wrong.
    Error = 4,
    /// Either: are you there?
    Ping = 5,
    /// Either: yes.
    Pong = 6,
    /// Edge: send the catalog.
    CatalogRequest = 7,
    /// Key server: the catalog or a part of it.
    Catalog = 8,
    /// Key server: this connection ends soon.
    GoingAway = 9,
    /// Edge: the request's result is not wanted any more.
    Cancel = 10,
    /// Edge: send the session ticket keys.
    TicketKeysRequest = 11,
    /// Key server: the session ticket keys.
    TicketKeys = 12,
}

impl FrameKind {
    /// The kind with this number.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Hello,
            2 => Self::Request,
            3 => Self::Reply,
            4 => Self::Error,
            5 => Self::Ping,
            6 => Self::Pong,
            7 => Self::CatalogRequest,
            8 => Self::Catalog,
            9 => Self::GoingAway,
            10 => Self::Cancel,
            11 => Self::TicketKeysRequest,
            12 => Self::TicketKeys,
            _ => return None,
        })
    }

    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A frame. `id` ties what belongs to one request together; the edge chooses it, not 0.
#[derive(Debug)]
#[non_exhaustive]
pub enum Frame {
    /// Greeting, the first frame of each side.
    Hello(Hello),
    /// An operation that the edge asks for.
    Request {
        /// Not 0, and not that of a request still in flight.
        id: u32,
        /// Deadline and operation.
        request: Request,
    },
    /// An operation's result.
    Reply {
        /// The request's.
        id: u32,
        /// Times and result.
        reply: Reply,
    },
    /// Why a request has no result, or with id 0 why the connection ends.
    Error {
        /// The request's, or 0.
        id: u32,
        /// Class and text.
        error: ErrorReply,
    },
    /// Asks for a `Pong` with the same id.
    Ping {
        /// Any.
        id: u32,
    },
    /// Answers a `Ping`.
    Pong {
        /// The ping's.
        id: u32,
    },
    /// Asks for the catalog.
    CatalogRequest {
        /// Not 0.
        id: u32,
    },
    /// The catalog or a part of it.
    Catalog {
        /// The request's, or 0 when nobody asked.
        id: u32,
        /// The entries.
        part: CatalogPart,
    },
    /// The key server stops.
    GoingAway(GoingAway),
    /// The edge does not want the result any more.
    Cancel {
        /// The request's.
        id: u32,
    },
    /// Asks for the session ticket keys.
    TicketKeysRequest {
        /// Not 0.
        id: u32,
    },
    /// The session ticket keys of this time.
    TicketKeys {
        /// The request's.
        id: u32,
        /// The keys.
        keys: TicketKeys,
    },
    /// A kind of a later version: to be ignored.
    Unknown {
        /// Its number.
        kind: u8,
        /// Its id.
        id: u32,
    },
}

impl Frame {
    /// The frame's bytes, header included.
    pub fn encode(&self) -> Result<EncodedFrame, FrameTooLarge> {
        match self {
            Self::Hello(hello) => build(FrameKind::Hello, 0, |out| hello.encode(out)),
            Self::Request { id, request } => {
                encode_request(*id, request.deadline_ms, &request.operation)
            }
            Self::Reply { id, reply } => {
                build_with(FrameKind::Reply, *id, reply.capacity(), |out| {
                    reply.encode(out);
                })
            }
            Self::Error { id, error } => build(FrameKind::Error, *id, |out| error.encode(out)),
            Self::Ping { id } => build(FrameKind::Ping, *id, |_| ()),
            Self::Pong { id } => build(FrameKind::Pong, *id, |_| ()),
            Self::CatalogRequest { id } => build(FrameKind::CatalogRequest, *id, |_| ()),
            Self::Catalog { id, part } => build(FrameKind::Catalog, *id, |out| part.encode(out)),
            Self::GoingAway(going_away) => {
                build(FrameKind::GoingAway, 0, |out| going_away.encode(out))
            }
            Self::Cancel { id } => build(FrameKind::Cancel, *id, |_| ()),
            Self::TicketKeysRequest { id } => build(FrameKind::TicketKeysRequest, *id, |_| ()),
            Self::TicketKeys { id, keys } => {
                build(FrameKind::TicketKeys, *id, |out| keys.encode(out))
            }
            Self::Unknown { kind, id } => build_raw(*kind, *id, 0, |_| ()),
        }
    }

    /// Parses what follows a frame's length: kind, id and body. What a later version adds behind a body is not looked at.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let short = FrameError::TooShort {
            length: bytes.len(),
        };
        let (&code, rest) = bytes.split_first().ok_or(short.clone())?;
        let (id, body) = rest.split_first_chunk::<4>().ok_or(short)?;
        let id = u32::from_be_bytes(*id);
        let Some(kind) = FrameKind::from_code(code) else {
            return Ok(Self::Unknown { kind: code, id });
        };
        let mut reader = Reader::new(body);
        let parsed = match kind {
            FrameKind::Hello => Hello::decode(&mut reader).map(Self::Hello),
            FrameKind::Request => return parse_request(id, body),
            FrameKind::Reply => Reply::decode(&mut reader).map(|reply| Self::Reply { id, reply }),
            FrameKind::Error => {
                ErrorReply::decode(&mut reader).map(|error| Self::Error { id, error })
            }
            FrameKind::Ping => Ok(Self::Ping { id }),
            FrameKind::Pong => Ok(Self::Pong { id }),
            FrameKind::CatalogRequest => Ok(Self::CatalogRequest { id }),
            FrameKind::Catalog => {
                CatalogPart::decode(&mut reader).map(|part| Self::Catalog { id, part })
            }
            FrameKind::GoingAway => GoingAway::decode(&mut reader).map(Self::GoingAway),
            FrameKind::Cancel => Ok(Self::Cancel { id }),
            FrameKind::TicketKeysRequest => Ok(Self::TicketKeysRequest { id }),
            FrameKind::TicketKeys => {
                TicketKeys::decode(&mut reader).map(|keys| Self::TicketKeys { id, keys })
            }
        };
        parsed.map_err(|cause| FrameError::Body { kind, id, cause })
    }
}

/// The bytes of a request, without giving the operation away: it can be sent again on another connection.
pub fn encode_request(
    id: u32,
    deadline_ms: u32,
    operation: &Operation,
) -> Result<EncodedFrame, FrameTooLarge> {
    let capacity = operation.payload_len() + 512;
    build_with(FrameKind::Request, id, capacity, |out| {
        out.extend(deadline_ms.to_be_bytes());
        operation.encode(out);
    })
}

fn parse_request(id: u32, body: &[u8]) -> Result<Frame, FrameError> {
    let wrong = |cause| FrameError::Body {
        kind: FrameKind::Request,
        id,
        cause,
    };
    let mut reader = Reader::new(body);
    let deadline_ms = reader.u32("request deadline_ms").map_err(wrong)?;
    // An operation begins with its kind. One that is not known is no mistake of the peer's, only a newer peer's.
    if let Some(&code) = body.get(4)
        && OperationKind::from_code(code).is_none()
    {
        return Err(FrameError::UnsupportedOperation { id, code });
    }
    let operation = Operation::decode(&mut reader).map_err(wrong)?;
    Ok(Frame::Request {
        id,
        request: Request {
            deadline_ms,
            operation,
        },
    })
}

fn build(
    kind: FrameKind,
    id: u32,
    body: impl FnOnce(&mut Vec<u8>),
) -> Result<EncodedFrame, FrameTooLarge> {
    // Enough for nearly all frames with secrets, so that growing leaves no copies of them behind.
    let capacity = match kind {
        FrameKind::TicketKeys => 8 * 1024,
        _ => 64,
    };
    build_with(kind, id, capacity, body)
}

fn build_with(
    kind: FrameKind,
    id: u32,
    capacity: usize,
    body: impl FnOnce(&mut Vec<u8>),
) -> Result<EncodedFrame, FrameTooLarge> {
    build_raw(kind.code(), id, capacity, body)
}

fn build_raw(
    kind: u8,
    id: u32,
    capacity: usize,
    body: impl FnOnce(&mut Vec<u8>),
) -> Result<EncodedFrame, FrameTooLarge> {
    let mut out = Zeroizing::new(Vec::with_capacity(HEADER_LEN + capacity));
    out.extend([0; LENGTH_LEN]);
    out.push(kind);
    out.extend(id.to_be_bytes());
    body(&mut out);
    let length = out.len() - LENGTH_LEN;
    if length > MAX_FRAME_LEN {
        return Err(FrameTooLarge { length });
    }
    let prefix = u32::try_from(length)
        .expect("MAX_FRAME_LEN fits in 24 bits")
        .to_be_bytes();
    out[..LENGTH_LEN].copy_from_slice(&prefix[1..]);
    Ok(out)
}

/// A vector of at most 255 bytes behind a one-byte length; what is longer is cut.
pub(crate) fn put_short(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    out.push(len);
    out.extend_from_slice(&bytes[..usize::from(len)]);
}

/// A vector behind a two-byte length. What is larger is written as if empty; callers keep it within bounds.
pub(crate) fn put_u16_prefixed(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 2]);
    body(out);
    match u16::try_from(out.len() - start - 2) {
        Ok(len) => out[start..start + 2].copy_from_slice(&len.to_be_bytes()),
        Err(_) => out.truncate(start + 2),
    }
}

/// A vector behind a three-byte length; the frame's own limit is far below what that holds.
pub(crate) fn put_u24_prefixed(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 3]);
    body(out);
    match u32::try_from(out.len() - start - 3) {
        Ok(len) if len < 1 << 24 => out[start..start + 3].copy_from_slice(&len.to_be_bytes()[1..]),
        _ => out.truncate(start + 3),
    }
}

/// Bytes that are no frame of this protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The length does not even cover kind and id.
    TooShort {
        /// What it says.
        length: usize,
    },
    /// The length is beyond [`MAX_FRAME_LEN`].
    TooLong {
        /// What it says.
        length: usize,
    },
    /// The body does not parse. The frame has been skipped.
    Body {
        /// The frame's kind.
        kind: FrameKind,
        /// The frame's id.
        id: u32,
        /// What and where.
        cause: DecodeError,
    },
    /// A request for an operation of a later version. The frame has been skipped.
    UnsupportedOperation {
        /// The request's id.
        id: u32,
        /// The operation's code.
        code: u8,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { length } => {
                write!(
                    f,
                    "a frame's length of {length} bytes is less than the 5 of kind and id"
                )
            }
            Self::TooLong { length } => {
                write!(
                    f,
                    "a frame's length of {length} bytes is beyond the limit of {MAX_FRAME_LEN}"
                )
            }
            Self::Body { kind, id, cause } => {
                write!(f, "the body of {kind:?} frame {id} does not parse: {cause}")
            }
            Self::UnsupportedOperation { id, code } => {
                write!(
                    f,
                    "request {id} is for operation {code}, which is not known here"
                )
            }
        }
    }
}

impl Error for FrameError {}

/// A frame that would be beyond [`MAX_FRAME_LEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLarge {
    /// Its length in bytes.
    pub length: usize,
}

impl fmt::Display for FrameTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a frame of {} bytes is beyond the limit of {MAX_FRAME_LEN}",
            self.length
        )
    }
}

impl Error for FrameTooLarge {}
