use keyward_wire::values::HandshakeType;

use super::message::{HEADER_LEN, HandshakeMessage};
use crate::error::InvalidMessage;

/// Puts handshake messages together from the fragments in records, and takes those apart that share
/// one (RFC 9846 §5.1).
///
/// It holds at most one message of the allowed size and one record: [`next`](Self::next) is called
/// after each fragment, and refuses a message by its header.
pub(crate) struct Joiner {
    bytes: Vec<u8>,
    start: usize,
    max_message: usize,
}

impl Joiner {
    pub(crate) fn new(max_message: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            max_message,
        }
    }

    pub(crate) fn push(&mut self, fragment: &[u8]) {
        // What has been taken out makes room, or fragments that end within a message, one after the
        // other, would grow it without end.
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(fragment);
    }

    /// Whether no part of a message waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// The next message, if it is whole.
    pub(crate) fn next(&mut self) -> Result<Option<HandshakeMessage>, InvalidMessage> {
        let waiting = &self.bytes[self.start..];
        let Some([typ, length @ ..]) = waiting.first_chunk::<HEADER_LEN>().copied() else {
            return Ok(None);
        };
        let typ = HandshakeType(typ);
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if length > self.max_message {
            return Err(InvalidMessage::HandshakeMessageTooLarge(typ));
        }
        let Some(message) = waiting.get(..HEADER_LEN + length) else {
            return Ok(None);
        };
        if message.len() == self.bytes.len() {
            // The usual case: one message, and nothing else. Nor is memory held for the next one, for handshakes are
            // short and connections are long.
            let bytes = std::mem::take(&mut self.bytes);
            return Ok(Some(HandshakeMessage { typ, bytes }));
        }
        let bytes = message.to_vec();
        self.start += bytes.len();
        if self.is_empty() {
            self.bytes = Vec::new();
            self.start = 0;
        }
        Ok(Some(HandshakeMessage { typ, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(typ: u8, length: u16) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut bytes = vec![typ, 0, high, low];
        bytes.resize(4 + usize::from(length), typ);
        bytes
    }

    #[test]
    fn messages_come_out_however_they_are_cut() {
        let stream = [message(1, 300), message(2, 0), message(3, 5)].concat();
        for size in 1..=stream.len() {
            let mut joiner = Joiner::new(300);
            let mut out = Vec::new();
            for piece in stream.chunks(size) {
                joiner.push(piece);
                while let Some(message) = joiner.next().unwrap() {
                    out.push((message.typ.0, message.bytes.len()));
                }
            }
            assert_eq!(out, [(1, 304), (2, 4), (3, 9)]);
            assert!(joiner.is_empty());
        }
    }

    #[test]
    fn fragments_that_never_end_with_a_message_do_not_grow_it() {
        let stream = message(1, 300).repeat(1000);
        let (first, rest) = stream.split_at(10);
        let mut joiner = Joiner::new(300);
        joiner.push(first);
        let mut count = 0;
        for piece in rest.chunks(304) {
            joiner.push(piece);
            while joiner.next().unwrap().is_some() {
                count += 1;
            }
            assert!(joiner.bytes.len() <= 2 * 304);
        }
        assert_eq!(count, 1000);
    }

    #[test]
    fn a_message_too_large_is_refused_by_its_header() {
        let mut joiner = Joiner::new(299);
        joiner.push(&message(1, 300)[..3]);
        assert!(joiner.next().unwrap().is_none());
        joiner.push(&message(1, 300)[3..4]);
        assert_eq!(
            joiner.next().err(),
            Some(InvalidMessage::HandshakeMessageTooLarge(HandshakeType(1)))
        );
    }
}
