//! A flight in the clear on its way from one side to the other, for tests to change.

use keyward_tls::{Connection, Role};
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::handshake;
use keyward_wire::values::{ContentType, HandshakeType};

use crate::support::plain;

pub(crate) struct Flight {
    /// The handshake messages up to the first change_cipher_spec: types and bodies.
    pub(crate) messages: Vec<(HandshakeType, Vec<u8>)>,
    /// The records from there on.
    pub(crate) rest: Vec<u8>,
}

impl Flight {
    /// Takes all that waits in the output.
    pub(crate) fn take<R: Role>(connection: &mut Connection<R>) -> Self {
        let output = connection.output().to_vec();
        connection.consume_output(output.len());
        let mut rest = &output[..];
        let mut content = Vec::new();
        while let [typ, _, _, high, low, ..] = rest {
            if *typ != ContentType::HANDSHAKE.0 {
                break;
            }
            let end = 5 + usize::from(u16::from_be_bytes([*high, *low]));
            content.extend_from_slice(&rest[5..end]);
            rest = &rest[end..];
        }
        let messages = handshake::split(&content).map(|message| {
            let message = message.expect("a flight ends with a message");
            (message.message_type, message.body.to_vec())
        });
        Self {
            messages: messages.collect(),
            rest: rest.to_vec(),
        }
    }

    pub(crate) fn types(&self) -> Vec<HandshakeType> {
        self.messages.iter().map(|(typ, _)| *typ).collect()
    }

    fn at(&self, typ: HandshakeType) -> usize {
        let found = self.messages.iter().position(|message| message.0 == typ);
        found.expect("the flight has the message")
    }

    /// The message of this type, decoded.
    pub(crate) fn get<'a, T: Decode<'a>>(&'a self, typ: HandshakeType) -> T {
        T::from_bytes(&self.messages[self.at(typ)].1).unwrap()
    }

    /// Changes the message of this type.
    pub(crate) fn edit<T>(&mut self, typ: HandshakeType, change: impl FnOnce(&mut T))
    where
        T: for<'a> Decode<'a> + Encode,
    {
        let at = self.at(typ);
        let mut message = T::from_bytes(&self.messages[at].1).unwrap();
        change(&mut message);
        self.messages[at].1 = message.to_bytes();
    }

    pub(crate) fn remove(&mut self, typ: HandshakeType) {
        let at = self.at(typ);
        self.messages.remove(at);
    }

    /// Puts a message in front of the one of this type.
    pub(crate) fn insert_before(&mut self, typ: HandshakeType, message: (HandshakeType, Vec<u8>)) {
        let at = self.at(typ);
        self.messages.insert(at, message);
    }

    /// Gives it to the other side.
    pub(crate) fn give<R: Role>(&self, to: &mut Connection<R>) {
        let mut bytes = Vec::new();
        for (typ, body) in &self.messages {
            let message = handshake::frame(*typ, &body[..]);
            for piece in message.chunks(1 << 14) {
                bytes.extend(plain(ContentType::HANDSHAKE, piece));
            }
        }
        bytes.extend_from_slice(&self.rest);
        assert_eq!(to.receive(&bytes), bytes.len());
    }
}
