/// Room for the first flight of a server with a short chain, so that it does not grow record by record.
const FIRST: usize = 2048;

/// Bytes that wait to be sent. Records are sealed where they lie.
#[derive(Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    start: usize,
    /// Memory is given back once all that waits is sent.
    to_be_released: bool,
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
            if self.to_be_released {
                self.bytes = Vec::new();
                self.to_be_released = false;
            }
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

    /// Gives memory back that is not in use, now and when what waits has been sent.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.to_be_released = !self.bytes.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_now_or_when_the_rest_is_sent() {
        let mut output = Output::default();
        output.tail(5000).extend_from_slice(&[1; 5000]);
        output.shrink();
        output.consume(4999);
        assert_eq!(output.pending(), [1]);
        output.consume(1);
        assert_eq!(output.bytes.capacity(), 0);

        // Once: what comes later is another matter.
        output.tail(5000).extend_from_slice(&[2; 5000]);
        output.consume(5000);
        assert!(output.bytes.capacity() >= 5000);
        output.shrink();
        assert_eq!(output.bytes.capacity(), 0);
    }
}
