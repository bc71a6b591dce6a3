//! Bytes in pieces of any size to frames.

use zeroize::{Zeroize, Zeroizing};

use crate::frame::{Frame, FrameError, HEADER_LEN, LENGTH_LEN, MAX_FRAME_LEN};

/// What the buffer starts with: any request but the largest fits.
const INITIAL: usize = 8 * 1024;

/// The most that one frame needs.
const CAPACITY: usize = LENGTH_LEN + MAX_FRAME_LEN;

/// An incremental decoder with a bounded buffer.
///
/// Frames carry the edge's server nonces and master secrets, so what has been decoded is wiped, and the buffer when it is dropped.
///
/// ```
/// use keyward_protocol::{Decoder, Frame};
///
/// let mut decoder = Decoder::new();
/// let ping = Frame::Ping { id: 7 }.encode().unwrap();
/// for byte in ping.iter() {
///     assert!(decoder.next_frame().unwrap().is_none());
///     assert_eq!(decoder.receive(&[*byte]), 1);
/// }
/// assert!(matches!(decoder.next_frame(), Ok(Some(Frame::Ping { id: 7 }))));
/// ```
pub struct Decoder {
    /// Made when bytes come; the bytes received and not yet decoded are `start..end`.
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
    /// A wrong length was seen: where the next frame begins is not known any more.
    lost: Option<FrameError>,
}

impl Decoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self {
            buffer: Zeroizing::default(),
            start: 0,
            end: 0,
            lost: None,
        }
    }

    /// Takes bytes of the peer's and returns how many. Fewer than given means that a whole frame is there: call
    /// [`Decoder::next_frame`] before offering the rest.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        let buffered = self.end - self.start;
        let take = bytes.len().min(CAPACITY - buffered);
        self.make_room(take);
        self.buffer[self.end..self.end + take].copy_from_slice(&bytes[..take]);
        self.end += take;
        take
    }

    /// Bytes received and not decoded yet.
    pub fn buffered(&self) -> usize {
        self.end - self.start
    }

    /// Gives the buffer back if nothing is in it: a connection that waits needs none.
    pub fn release(&mut self) {
        if self.start == self.end {
            // What was decoded is wiped already, and so that it is not done again, byte by byte, this is no drop of the whole.
            *self.buffer = Vec::new();
            (self.start, self.end) = (0, 0);
        }
    }

    /// The next whole frame, or `None` until more bytes have come.
    ///
    /// After a [`FrameError::Body`] or [`FrameError::UnsupportedOperation`] the frame has been skipped and decoding goes on
    /// with the next. After any other error the stream cannot be understood any more, and every further call repeats it.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.lost {
            return Err(error.clone());
        }
        let pending = &self.buffer[self.start..self.end];
        let Some(length) = pending.first_chunk::<LENGTH_LEN>() else {
            return Ok(None);
        };
        let length =
            usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]);
        // The length is judged before the frame is waited for: nobody makes us buffer what we would not take.
        let wrong = if length < HEADER_LEN - LENGTH_LEN {
            Some(FrameError::TooShort { length })
        } else if length > MAX_FRAME_LEN {
            Some(FrameError::TooLong { length })
        } else {
            None
        };
        if let Some(error) = wrong {
            self.lost = Some(error.clone());
            return Err(error);
        }
        let total = LENGTH_LEN + length;
        if pending.len() < total {
            return Ok(None);
        }
        let frame = Frame::parse(&pending[LENGTH_LEN..total]);
        self.buffer[self.start..self.start + total].zeroize();
        self.start += total;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        frame.map(Some)
    }

    /// Makes `needed` bytes free behind `end`.
    fn make_room(&mut self, needed: usize) {
        if self.buffer.len() - self.end >= needed {
            return;
        }
        let buffered = self.end - self.start;
        if self.buffer.len() - buffered >= needed {
            self.buffer.copy_within(self.start..self.end, 0);
            // Only what lies behind the moved bytes; before them is what they were moved over.
            self.buffer[buffered..self.end].zeroize();
        } else {
            // A fresh buffer rather than `reserve`, which would free the old one without wiping it.
            let len = (buffered + needed).next_power_of_two();
            let len = len.clamp(INITIAL, CAPACITY);
            let mut larger = Zeroizing::new(vec![0; len]);
            larger[..buffered].copy_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = larger;
        }
        (self.start, self.end) = (0, buffered);
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_bytes_are_wiped() {
        let mut decoder = Decoder::new();
        let frame = Frame::Ping { id: 0xaabb_ccdd }.encode().unwrap();
        decoder.receive(&frame);
        decoder.receive(&frame[..4]);
        decoder.next_frame().unwrap().unwrap();
        assert!(decoder.buffer[..frame.len()].iter().all(|byte| *byte == 0));
        assert_eq!(decoder.buffered(), 4);
    }

    #[test]
    fn never_holds_more_than_one_largest_frame() {
        let mut decoder = Decoder::new();
        let mut flood = vec![0u8; 3 * CAPACITY];
        flood[..3].copy_from_slice(&[0x04, 0, 0]);
        assert_eq!(MAX_FRAME_LEN, 0x04_0000);
        assert_eq!(decoder.receive(&flood), CAPACITY);
        assert_eq!(decoder.receive(&flood), 0);
        assert_eq!(decoder.buffer.len(), CAPACITY);
        // Kind 0 is unknown: skipped, and there is room again.
        assert!(matches!(
            decoder.next_frame(),
            Ok(Some(Frame::Unknown { kind: 0, .. }))
        ));
        assert_eq!(decoder.buffered(), 0);
    }

    #[test]
    fn wrong_length_is_final() {
        for (bytes, error) in [
            ([0, 0, 4], FrameError::TooShort { length: 4 }),
            ([4, 0, 1], FrameError::TooLong { length: 0x04_0001 }),
        ] {
            let mut decoder = Decoder::new();
            decoder.receive(&bytes);
            assert_eq!(decoder.next_frame().unwrap_err(), error);
            decoder.receive(&Frame::Ping { id: 1 }.encode().unwrap());
            assert_eq!(decoder.next_frame().unwrap_err(), error);
        }
    }
}
