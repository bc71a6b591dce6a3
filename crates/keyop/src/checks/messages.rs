//! The messages of a handshake, taken in their exact order.

use keyward_wire::codec::{Decode, DecodeError};
use keyward_wire::handshake::{self, HandshakeMessage, Message};
use keyward_wire::values::HandshakeType;

use crate::error::CheckError;
use crate::operation::MAX_MESSAGES_LEN;

/// Whole handshake messages that are still to be read.
pub(crate) struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, CheckError> {
        if bytes.len() > MAX_MESSAGES_LEN {
            return Err(CheckError::TooLong { len: bytes.len() });
        }
        Ok(Self { rest: bytes })
    }

    /// The next message, which must be of this type.
    pub(crate) fn take<T: Message + Decode<'a>>(
        &mut self,
        what: &'static str,
    ) -> Result<T, CheckError> {
        match self.take_if()? {
            Some(message) => Ok(message),
            None => Err(unexpected(self.peek()?, what)),
        }
    }

    /// The next message if it is of this type.
    pub(crate) fn take_if<T: Message + Decode<'a>>(&mut self) -> Result<Option<T>, CheckError> {
        match self.peek()? {
            Some(message) if message.message_type == T::TYPE => {
                self.rest = &self.rest[message.bytes.len()..];
                Ok(Some(T::from_bytes(message.body)?))
            }
            _ => Ok(None),
        }
    }

    /// The next message, which must be of this type. What is in it, this step does not depend on.
    pub(crate) fn skip(
        &mut self,
        message_type: HandshakeType,
        what: &'static str,
    ) -> Result<(), CheckError> {
        if self.skip_if(message_type)? {
            Ok(())
        } else {
            Err(unexpected(self.peek()?, what))
        }
    }

    /// The next message if it is of this type, unread.
    pub(crate) fn skip_if(&mut self, message_type: HandshakeType) -> Result<bool, CheckError> {
        match self.peek()? {
            Some(message) if message.message_type == message_type => {
                self.rest = &self.rest[message.bytes.len()..];
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), CheckError> {
        match self.peek()? {
            None => Ok(()),
            found => Err(unexpected(
                found,
                "nothing more before the private-key step",
            )),
        }
    }

    fn peek(&self) -> Result<Option<HandshakeMessage<'a>>, DecodeError> {
        handshake::split(self.rest).next().transpose()
    }
}

fn unexpected(found: Option<HandshakeMessage<'_>>, expected: &'static str) -> CheckError {
    CheckError::UnexpectedMessage {
        found: found.map(|message| message.message_type),
        expected,
    }
}
