use std::ops::Range;

use keyward_wire::record::{HEADER_LEN, MAX_CIPHERTEXT_LEN_TLS12};

/// Received bytes, bounded. Records are decrypted where they lie, and application data stays here
/// until it is read.
pub(crate) struct Input {
    bytes: Vec<u8>,
    /// Where the first record that is not yet opened begins.
    start: usize,
    /// Decrypted application data that waits to be read; it lies before `start`.
    plaintext: Range<usize>,
    /// `plaintext` was opened as it came, and is yet to be looked at.
    ahead: bool,
    limit: usize,
}

impl Input {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            plaintext: 0..0,
            ahead: false,
            // A record that does not fit could never be opened.
            limit: limit.max(HEADER_LEN + MAX_CIPHERTEXT_LEN_TLS12),
        }
    }

    /// Takes what fits.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> usize {
        let used = self.used();
        let taken = bytes.len().min(self.limit.saturating_sub(used.len()));
        if used.start > 0 && self.bytes.len() + taken > self.bytes.capacity().min(self.limit) {
            self.bytes.copy_within(used.clone(), 0);
            self.bytes.truncate(used.len());
            self.start -= used.start;
            self.plaintext = if self.plaintext.is_empty() {
                0..0
            } else {
                self.plaintext.start - used.start..self.plaintext.end - used.start
            };
        }
        self.reserve(taken);
        self.bytes.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Makes room for so many bytes more, which are within the limit, and grows by more than that, as a vector does, but
    /// not beyond the limit.
    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let capacity = (2 * self.bytes.capacity()).min(self.limit).max(needed);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }

    /// Nothing is there, opened or not.
    pub(super) fn is_empty(&self) -> bool {
        self.used().is_empty()
    }

    /// Has `open` write the content of a record that never lies here; `room` bytes are for it. Call it where nothing is
    /// there.
    pub(super) fn open_ahead(
        &mut self,
        room: usize,
        open: impl FnOnce(&mut Vec<u8>) -> Option<usize>,
    ) -> bool {
        debug_assert!(self.is_empty() && room <= self.limit);
        self.reset_if_empty();
        self.reserve(room);
        if let Some(length) = open(&mut self.bytes) {
            self.plaintext = 0..length;
            self.start = length;
            self.ahead = true;
        }
        self.ahead
    }

    /// The content of a record that was [opened ahead](Self::open_ahead), once.
    pub(super) fn take_ahead(&mut self) -> Option<Range<usize>> {
        std::mem::take(&mut self.ahead).then(|| std::mem::take(&mut self.plaintext))
    }

    /// The header of the next record, if it is there.
    pub(super) fn header(&self) -> Option<[u8; HEADER_LEN]> {
        self.bytes[self.start..].first_chunk().copied()
    }

    /// The bytes that are not yet opened, as far as they have come.
    pub(super) fn unopened(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Takes the next record off, if it is whole: where its body lies.
    pub(super) fn take_record(&mut self, length: usize) -> Option<Range<usize>> {
        let body = self.start + HEADER_LEN..self.start + HEADER_LEN + length;
        if body.end > self.bytes.len() {
            return None;
        }
        self.start = body.end;
        Some(body)
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    pub(super) fn slice_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        &mut self.bytes[range]
    }

    /// Keeps this part of the record just taken, for [`plaintext`](Self::plaintext).
    pub(crate) fn keep_plaintext(&mut self, range: Range<usize>) {
        debug_assert!(range.end <= self.start && self.plaintext.is_empty());
        self.plaintext = range;
    }

    /// Application data that waits to be read.
    pub(crate) fn plaintext(&self) -> &[u8] {
        match self.ahead {
            true => &[],
            false => &self.bytes[self.plaintext.clone()],
        }
    }

    /// Marks the first `n` bytes of [`plaintext`](Self::plaintext) as read.
    pub(crate) fn consume_plaintext(&mut self, n: usize) {
        self.plaintext.start += n.min(self.plaintext().len());
        self.reset_if_empty();
    }

    /// Lets go of the bytes before what is still needed. Call when a record has been dealt with.
    pub(crate) fn reset_if_empty(&mut self) {
        if self.used().is_empty() {
            self.bytes.clear();
            self.start = 0;
            self.plaintext = 0..0;
        }
    }

    /// Forgets what has not been opened.
    pub(crate) fn discard_unopened(&mut self) {
        let _ = self.take_ahead();
        self.bytes.truncate(self.start);
        self.reset_if_empty();
    }

    /// Gives memory back that is not in use.
    pub(crate) fn shrink(&mut self) {
        self.reset_if_empty();
        self.bytes.shrink_to_fit();
    }

    fn used(&self) -> Range<usize> {
        let start = if self.plaintext.is_empty() {
            self.start
        } else {
            self.plaintext.start
        };
        start..self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_more_than_the_limit_and_goes_on_when_read() {
        let limit = HEADER_LEN + MAX_CIPHERTEXT_LEN_TLS12;
        let mut input = Input::new(0);
        assert_eq!(input.receive(&vec![7; limit + 1]), limit);
        assert_eq!(input.receive(&[7]), 0);

        let body = input.take_record(100).unwrap();
        input.keep_plaintext(body);
        assert_eq!(input.receive(&[8; 10]), HEADER_LEN);
        assert_eq!(input.plaintext(), [7; 100]);
        input.consume_plaintext(60);
        assert_eq!(input.receive(&[8; 100]), 60);
        assert_eq!(input.plaintext(), [7; 40]);
        input.consume_plaintext(41);
        assert!(input.plaintext().is_empty());
        assert!(input.unopened().ends_with(&[8; 65]));
        let body = input.take_record(10).unwrap();
        input.keep_plaintext(body);
        input.consume_plaintext(usize::MAX);
        assert!(input.plaintext().is_empty());
        input.discard_unopened();
        assert!(input.bytes.is_empty());
    }
}
