//! Brotli streams that no encoder makes (RFC 7932).

/// Bits, the least significant of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: usize) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().unwrap();
            *last |= u8::from(value >> bit & 1 == 1) << (self.used % 8);
            self.used += 1;
        }
    }
}

/// The window that a stream asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Window {
    /// The largest of RFC 7932.
    Largest16MiB,
    /// The largest of "large window" Brotli.
    Large1GiB,
}

/// As many metablocks of one command each: a zero byte, and copies of it, together `length` bytes.
pub(crate) fn zeros(window: Window, metablocks: usize, length: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    // §9.1: WBITS.
    match window {
        Window::Largest16MiB => bits.put(0b1111, 4),
        Window::Large1GiB => {
            bits.put(0b001_0001, 7);
            bits.put(0, 1);
            bits.put(30, 6);
        }
    }
    for _ in 0..metablocks {
        metablock(&mut bits, window, length);
    }
    // ISLAST, ISLASTEMPTY.
    bits.put(0b11, 2);
    bits.bytes
}

/// §9.2, with prefix codes of one symbol, which takes no bits, throughout.
fn metablock(bits: &mut Bits, window: Window, length: u32) {
    // Not ISLAST, MNIBBLES as few as will do, MLEN - 1, not ISUNCOMPRESSED.
    let (nibbles, width) = if length <= 1 << 16 { (0, 16) } else { (2, 24) };
    bits.put(0, 1);
    bits.put(nibbles, 2);
    bits.put(length - 1, width);
    bits.put(0, 1);
    // One block type for each of the three categories; NPOSTFIX and NDIRECT 0; the context mode; one
    // tree for literals and one for distances.
    bits.put(0, 3);
    bits.put(0, 2 + 4);
    bits.put(0, 2);
    bits.put(0, 2);
    // Simple prefix codes of one symbol: the literal 0, insert 1 and copy 2118 or more, and distance 1
    // or 2.
    let distance_bits = match window {
        Window::Largest16MiB => 6,
        Window::Large1GiB => 8,
    };
    for (symbol, width) in [(0, 8), (384 + (1 << 3) + 7, 10), (16, distance_bits)] {
        bits.put(1, 2);
        bits.put(0, 2);
        bits.put(symbol, width);
    }
    // How much is copied; the distance 1.
    bits.put(length - 1 - 2118, 24);
    bits.put(0, 1);
}
