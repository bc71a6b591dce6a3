//! Writing: numbers and vectors appended to a `Vec<u8>`.

/// What [`Encode`](super::Encode) implementations write with: the presentation language over a `Vec<u8>`.
///
/// ```
/// use keyward_wire::Put;
///
/// let mut out = Vec::new();
/// out.put_u16(0x0303);
/// out.put_vector_u16(|out| {
///     out.put_opaque_u8(b"h2");
///     out.put_opaque_u8(b"http/1.1");
/// });
/// assert_eq!(out, b"\x03\x03\x00\x0c\x02h2\x08http/1.1");
/// ```
///
/// The vector writers panic when the content does not fit its length prefix; see [`Encode`](super::Encode::encode).
pub trait Put {
    /// One byte.
    fn put_u8(&mut self, value: u8);
    /// Two bytes, big-endian.
    fn put_u16(&mut self, value: u16);
    /// Three bytes, big-endian. Panics above 2^24-1.
    fn put_u24(&mut self, value: u32);
    /// Four bytes, big-endian.
    fn put_u32(&mut self, value: u32);
    /// Eight bytes, big-endian.
    fn put_u64(&mut self, value: u64);
    /// Bytes without a length.
    fn put_bytes(&mut self, bytes: &[u8]);
    /// What `content` writes, with a one-byte length in front.
    fn put_vector_u8(&mut self, content: impl FnOnce(&mut Self));
    /// What `content` writes, with a two-byte length in front.
    fn put_vector_u16(&mut self, content: impl FnOnce(&mut Self));
    /// What `content` writes, with a three-byte length in front.
    fn put_vector_u24(&mut self, content: impl FnOnce(&mut Self));

    /// Bytes with a one-byte length in front.
    fn put_opaque_u8(&mut self, bytes: &[u8]) {
        self.put_vector_u8(|out| out.put_bytes(bytes));
    }

    /// Bytes with a two-byte length in front.
    fn put_opaque_u16(&mut self, bytes: &[u8]) {
        self.put_vector_u16(|out| out.put_bytes(bytes));
    }

    /// Bytes with a three-byte length in front.
    fn put_opaque_u24(&mut self, bytes: &[u8]) {
        self.put_vector_u24(|out| out.put_bytes(bytes));
    }
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }

    fn put_u16(&mut self, value: u16) {
        self.put_bytes(&value.to_be_bytes());
    }

    fn put_u24(&mut self, value: u32) {
        let [0, rest @ ..] = value.to_be_bytes() else {
            panic!("{value} does not fit a uint24");
        };
        self.put_bytes(&rest);
    }

    fn put_u32(&mut self, value: u32) {
        self.put_bytes(&value.to_be_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.put_bytes(&value.to_be_bytes());
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn put_vector_u8(&mut self, content: impl FnOnce(&mut Self)) {
        vector::<1>(self, content);
    }

    fn put_vector_u16(&mut self, content: impl FnOnce(&mut Self)) {
        vector::<2>(self, content);
    }

    fn put_vector_u24(&mut self, content: impl FnOnce(&mut Self)) {
        vector::<3>(self, content);
    }
}

/// Leaves room for a length of `N` bytes, writes the content, fills the length in.
fn vector<const N: usize>(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; N]);
    content(out);
    let length = out.len() - start - N;
    let bytes = (length as u64).to_be_bytes();
    let (overflow, prefix) = bytes.split_at(bytes.len() - N);
    assert!(
        overflow.iter().all(|byte| *byte == 0),
        "a vector of {length} bytes does not fit its {N}-byte length"
    );
    out[start..start + N].copy_from_slice(prefix);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian() {
        let mut out = Vec::new();
        out.put_u8(0x01);
        out.put_u16(0x0203);
        out.put_u24(0x0004_0506);
        out.put_u32(0x0708_090a);
        out.put_u64(0x0b0c_0d0e_0f10_1112);
        assert_eq!(out, (1..=18).collect::<Vec<u8>>());
    }

    #[test]
    fn vectors_nest() {
        let mut out = vec![0xee];
        out.put_vector_u24(|out| {
            out.put_vector_u16(|out| out.put_opaque_u8(&[1, 2]));
            out.put_opaque_u16(&[]);
        });
        assert_eq!(out, [0xee, 0, 0, 7, 0, 3, 2, 1, 2, 0, 0]);
    }

    #[test]
    fn the_longest_vectors_fit() {
        let mut out = Vec::new();
        out.put_opaque_u8(&[0; 0xff]);
        out.put_opaque_u16(&[0; 0xffff]);
        assert_eq!(out[0], 0xff);
        assert_eq!(out[0x100..0x102], [0xff, 0xff]);
    }

    #[test]
    #[should_panic(expected = "a vector of 256 bytes does not fit its 1-byte length")]
    fn a_vector_too_long_is_a_panic_not_a_wrong_length() {
        Vec::new().put_opaque_u8(&[0; 0x100]);
    }

    #[test]
    #[should_panic(expected = "16777216 does not fit a uint24")]
    fn a_number_too_large_is_a_panic_not_a_wrong_number() {
        Vec::new().put_u24(1 << 24);
    }
}
