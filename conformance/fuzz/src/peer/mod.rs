//! Peers whose every byte is the fuzzer's: they know the keys, so that what they get wrong is not only the tag of a record.
//!
//! A peer follows the handshake as far as it understands what comes. Once it does not, it goes on sending what it is told
//! to, with the keys that it has.

pub mod client;
pub mod middle;
pub mod protection;
pub mod secrets;
pub mod stream;

use crate::mutate::Numbers;

/// A change of a message on its way.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// Where: a part of the length, of 2^16.
    pub at: u16,
    /// What to do there.
    pub how: u8,
    /// The byte that comes there, or how many.
    pub byte: u8,
}

impl Edit {
    /// Changes a message. Its length field is kept right, unless the change is one of it.
    pub fn apply(self, message: &mut Vec<u8>) {
        if message.is_empty() {
            message.push(self.byte);
            return;
        }
        let at = usize::from(self.at) * message.len() / (1 << 16);
        let count = usize::from(self.byte);
        match self.how % 8 {
            0 | 1 => message[at] = self.byte,
            2 => message[at] ^= 1 << (self.byte % 8),
            3 => message.truncate(at),
            4 => drop(message.drain(at..(at + count).min(message.len()))),
            5 => message.insert(at, self.byte),
            6 => {
                let mut numbers = Numbers(u64::from(self.at));
                let more = (0..count * 64).map(|_| numbers.number().to_be_bytes()[0]);
                message.splice(at..at, more);
            }
            _ => {
                let piece = message[at..(at + count).min(message.len())].to_vec();
                message.splice(at..at, piece);
            }
        }
        if at >= 4 && self.how & 0x80 == 0 && message.len() >= 4 {
            let length = u32::try_from(message.len() - 4).unwrap_or(0).to_be_bytes();
            message[1..4].copy_from_slice(&length[1..]);
        }
    }
}
