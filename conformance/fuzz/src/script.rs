//! Decisions out of a fuzzer's bytes. When they run out, every decision is 0.

use arbitrary::Unstructured;

use crate::peer::Edit;

/// A reader of decisions.
pub struct Script<'a>(Unstructured<'a>);

impl<'a> Script<'a> {
    /// Of these bytes.
    pub fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    /// Whether all has been decided.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// Two bytes.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Up to 255 bytes as they are.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        self.0.bytes(length).unwrap_or_default()
    }

    /// A change of a message.
    pub fn edit(&mut self) -> Edit {
        Edit {
            at: self.word(),
            how: self.byte(),
            byte: self.byte(),
        }
    }

    /// Those of `all` whose bits are set; with no bit set, the first `usual`.
    pub fn some<T: Clone>(&mut self, all: &[T], usual: usize) -> Vec<T> {
        let bits = self.word();
        if bits == 0 {
            return all[..usual].to_vec();
        }
        let chosen = all.iter().enumerate();
        chosen
            .filter(|(at, _)| bits & (1 << (at % 16)) != 0)
            .map(|(_, item)| item.clone())
            .collect()
    }
}
