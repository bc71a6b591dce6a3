//! Bytes in pieces of any size to messages.

use zeroize::{Zeroize, Zeroizing};

use super::error::Malformed;
use super::message::Message;
use super::{HEADER_LEN, MAJOR, MAX_BODY_LEN};

/// What the buffer begins with: any usual message fits.
const INITIAL: usize = 2048;

/// An incremental decoder. Its buffer holds one message at most, and grows with what comes rather than with what is announced.
pub struct Decoder {
    /// Header and body, as far as they have come.
    buffer: Zeroizing<Vec<u8>>,
    lost: Option<(u32, Malformed)>,
}

impl Decoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self {
            buffer: Zeroizing::new(Vec::with_capacity(INITIAL)),
            lost: None,
        }
    }

    /// Takes bytes of the peer's and returns how many. Fewer than given means that a whole message is there: call
    /// [`Decoder::next_message`] before offering the rest.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && self.lost.is_none() {
            let missing = self.missing();
            if missing == 0 {
                break;
            }
            let piece = &bytes[taken..][..missing.min(bytes.len() - taken)];
            self.make_room(piece.len());
            self.buffer.extend_from_slice(piece);
            taken += piece.len();
            // The version is judged before a body is waited for.
            if let [major, _, _, _, a, b, c, d] = self.buffer[..]
                && major != MAJOR
            {
                let id = u32::from_be_bytes([a, b, c, d]);
                self.lost = Some((id, Malformed::Version { major }));
            }
        }
        taken
    }

    /// Bytes received and not decoded yet.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole message, or `None` until more bytes have come.
    ///
    /// # Errors
    /// The message cannot be understood; beside the reason, its id. From then on nothing can, and every further call repeats
    /// it.
    pub fn next_message(&mut self) -> Result<Option<Message>, (u32, Malformed)> {
        if let Some(lost) = self.lost {
            return Err(lost);
        }
        if self.missing() > 0 {
            return Ok(None);
        }
        let (header, body) = self.buffer.split_at(HEADER_LEN);
        let id = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let message = Message::parse(id, body).map_err(|malformed| (id, malformed));
        self.lost = message.as_ref().err().copied();
        // `Vec::zeroize` wipes and empties it, and keeps its room. A large one is not kept.
        self.buffer.zeroize();
        if self.buffer.capacity() > INITIAL {
            self.buffer = Zeroizing::new(Vec::with_capacity(INITIAL));
        }
        message.map(Some)
    }

    /// How many bytes are missing, of the header or of the whole message.
    fn missing(&self) -> usize {
        let total = match self.buffer.get(2..HEADER_LEN) {
            None => HEADER_LEN,
            Some(header) => HEADER_LEN + usize::from(u16::from_be_bytes([header[0], header[1]])),
        };
        total - self.buffer.len()
    }

    fn make_room(&mut self, needed: usize) {
        let len = self.buffer.len() + needed;
        if self.buffer.capacity() < len {
            // A fresh buffer rather than `reserve`, which would free the old one without wiping it.
            let capacity = len.next_power_of_two().min(HEADER_LEN + MAX_BODY_LEN);
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}
