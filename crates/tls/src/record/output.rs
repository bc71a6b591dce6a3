/// Room for the first flight of a server with a short chain, so that it does not grow record by record.
const FIRST: usize = 2048;

/// Bytes that wait to be sent. Records are sealed where they lie.
#[derive(Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    start: usize,
}

impl Output {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn consume(&mut self, n: usize) {
        self.start = self.bytes.len().min(self.start + n);
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Where the next record goes, with room for `n` bytes.
    pub(super) fn tail(&mut self, n: usize) -> &mut Vec<u8> {
        // Rather move what is left than grow, once most has been sent.
        if self.start > self.bytes.len() / 2 && self.bytes.len() + n > self.bytes.capacity() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.capacity() == 0 {
            // A flight is several records, each of a kind of its own.
            self.bytes.reserve(n.max(FIRST));
        }
        self.bytes.reserve(n);
        &mut self.bytes
    }

    /// Gives memory back that is not in use.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }
}
