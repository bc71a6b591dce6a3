use keyward_wire::codec::Decode;
use keyward_wire::values::{ContentType, HandshakeType};

use crate::error::{Error, InvalidMessage, PeerMisbehaved};

/// One whole handshake message.
pub(crate) struct HandshakeMessage {
    pub(crate) typ: HandshakeType,
    /// With its 4-byte header, as it goes into the transcript.
    pub(crate) bytes: Vec<u8>,
}

pub(super) const HEADER_LEN: usize = 4;

impl HandshakeMessage {
    /// What is in it, as the message that its type says it is.
    pub(crate) fn decode<'a, T: Decode<'a>>(&'a self) -> Result<T, Error> {
        T::from_bytes(&self.bytes[HEADER_LEN..])
            .map_err(|error| InvalidMessage::Handshake(self.typ, error).into())
    }
}

/// What a state of the handshake is given.
pub(crate) enum Incoming {
    Handshake(HandshakeMessage),
    /// TLS 1.2 alone: there it has a place in the order of messages.
    ChangeCipherSpec,
}

impl Incoming {
    /// The message, if it is of the one type that has its place here.
    pub(crate) fn expect(self, typ: HandshakeType) -> Result<HandshakeMessage, Error> {
        match self {
            Self::Handshake(message) if message.typ == typ => Ok(message),
            other => Err(other.unexpected()),
        }
    }

    /// The message, if it is of one of the types that have their place here.
    pub(crate) fn expect_one_of(self, types: &[HandshakeType]) -> Result<HandshakeMessage, Error> {
        match self {
            Self::Handshake(message) if types.contains(&message.typ) => Ok(message),
            other => Err(other.unexpected()),
        }
    }

    /// The error for a message that has no place here.
    pub(crate) fn unexpected(&self) -> Error {
        match self {
            Self::Handshake(message) => PeerMisbehaved::UnexpectedHandshake(message.typ).into(),
            Self::ChangeCipherSpec => {
                PeerMisbehaved::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC).into()
            }
        }
    }
}
