//! Reading: a cursor over borrowed bytes that knows where it is in the whole input.

use std::ops::RangeInclusive;

use super::{Decode, DecodeError, DecodeErrorKind};

/// A cursor over `'a` bytes. The reader of a vector inside is another `Reader`, whose errors still count from the start
/// of the outermost input.
///
/// `what`, everywhere, is the name of the field that an error will carry.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
        }
    }

    /// Where the next byte is, counted from the start of the outermost input.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error about `what` at the current offset.
    pub const fn error(&self, what: &'static str, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            what,
            kind,
            offset: self.offset,
        }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, what: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.error(what, DecodeErrorKind::Truncated));
        };
        self.rest = rest;
        self.offset += len;
        Ok(taken)
    }

    /// All that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        self.offset += rest.len();
        rest
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.error(what, DecodeErrorKind::Truncated));
        };
        self.rest = rest;
        self.offset += N;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// Three bytes, big-endian.
    pub fn u24(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let [a, b, c] = self.array(what)?;
        Ok(u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// A vector with a one-byte length, which must be in `bytes` (the RFC's `<floor..ceiling>`), as a reader.
    pub fn vector_u8(
        &mut self,
        what: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Self, DecodeError> {
        self.vector(what, bytes, |reader| reader.u8(what).map(usize::from))
    }

    /// A vector with a two-byte length, which must be in `bytes`, as a reader.
    pub fn vector_u16(
        &mut self,
        what: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Self, DecodeError> {
        self.vector(what, bytes, |reader| reader.u16(what).map(usize::from))
    }

    /// A vector with a three-byte length, which must be in `bytes`, as a reader.
    pub fn vector_u24(
        &mut self,
        what: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Self, DecodeError> {
        self.vector(what, bytes, |reader| {
            let [a, b, c] = reader.array(what)?;
            Ok(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
        })
    }

    /// The content of a vector of bytes with a one-byte length, which must be in `bytes`.
    pub fn opaque_u8(
        &mut self,
        what: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<&'a [u8], DecodeError> {
        self.vector_u8(what, bytes).map(|vector| vector.rest)
    }

    /// The content of a vector of bytes with a two-byte length, which must be in `bytes`.
    pub fn opaque_u16(
        &mut self,
        what: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<&'a [u8], DecodeError> {
        self.vector_u16(what, bytes).map(|vector| vector.rest)
    }

    /// The content of a vector of bytes with a three-byte length, which must be in `bytes`.
    pub fn opaque_u24(
        &mut self,
        what: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<&'a [u8], DecodeError> {
        self.vector_u24(what, bytes).map(|vector| vector.rest)
    }

    /// Values of one type until the end. For values of a fixed size; [`Reader::items`] also bounds how many there are.
    pub fn all<T: Decode<'a>>(&mut self) -> Result<Vec<T>, DecodeError> {
        // Lists are of numbers mostly: as many as fit, but for what is long.
        let mut values = Vec::with_capacity(self.rest.len().min(64) / size_of::<T>().max(1));
        while !self.is_empty() {
            values.push(T::decode(self)?);
        }
        Ok(values)
    }

    /// At most `max` items until the end, each read by `item`.
    pub fn items<T>(
        &mut self,
        what: &'static str,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut items = Vec::new();
        while !self.is_empty() {
            if items.len() == max {
                return Err(self.error(what, DecodeErrorKind::TooMany));
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Nothing may be left.
    pub fn expect_end(&self, what: &'static str) -> Result<(), DecodeError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error(what, DecodeErrorKind::Trailing))
        }
    }

    fn vector(
        &mut self,
        what: &'static str,
        bytes: RangeInclusive<usize>,
        length: impl FnOnce(&mut Self) -> Result<usize, DecodeError>,
    ) -> Result<Self, DecodeError> {
        let start = self.offset;
        let length = length(self)?;
        if !bytes.contains(&length) {
            return Err(DecodeError {
                what,
                kind: DecodeErrorKind::IllegalLength,
                offset: start,
            });
        }
        let offset = self.offset;
        let rest = self.take(what, length)?;
        Ok(Self { rest, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const W: &str = "field";

    fn error(kind: DecodeErrorKind, offset: usize) -> DecodeError {
        DecodeError {
            what: W,
            kind,
            offset,
        }
    }

    #[test]
    fn numbers_are_big_endian() {
        let bytes: Vec<u8> = (1..=18).collect();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(W), Ok(0x01));
        assert_eq!(reader.u16(W), Ok(0x0203));
        assert_eq!(reader.u24(W), Ok(0x0004_0506));
        assert_eq!(reader.u32(W), Ok(0x0708_090a));
        assert_eq!(reader.u64(W), Ok(0x0b0c_0d0e_0f10_1112));
        assert!(reader.is_empty());
        assert_eq!(reader.offset(), 18);
        assert_eq!(reader.u8(W), Err(error(DecodeErrorKind::Truncated, 18)));
    }

    #[test]
    fn a_number_that_is_cut_is_truncated_where_it_starts() {
        for (len, read) in [
            (1, (|r| r.u16(W).map(drop)) as fn(&mut Reader<'_>) -> _),
            (2, |r| r.u24(W).map(drop)),
            (3, |r| r.u32(W).map(drop)),
            (7, |r| r.u64(W).map(drop)),
        ] {
            let mut reader = Reader::new(&[0; 7][..len]);
            assert_eq!(
                read(&mut reader),
                Err(error(DecodeErrorKind::Truncated, 0)),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn offsets_inside_nested_vectors_count_from_the_outermost_input() {
        let bytes = [9, 0, 4, 2, 7, 8, 5];
        let mut reader = Reader::new(&bytes);
        reader.u8(W).unwrap();
        let mut outer = reader.vector_u16(W, 0..=9).unwrap();
        let mut inner = outer.vector_u8(W, 2..=2).unwrap();
        assert_eq!(inner.take(W, 2), Ok(&[7, 8][..]));
        assert_eq!(inner.u8(W), Err(error(DecodeErrorKind::Truncated, 6)));
        assert_eq!(
            outer.expect_end(W),
            Err(error(DecodeErrorKind::Trailing, 6))
        );
        assert_eq!(reader.expect_end(W), Ok(()));
    }

    #[test]
    fn vector_lengths_are_held_to_the_range_before_the_content_is_looked_at() {
        let mut reader = Reader::new(&[3, 1, 2, 3]);
        assert_eq!(
            reader.clone().opaque_u8(W, 0..=2),
            Err(error(DecodeErrorKind::IllegalLength, 0))
        );
        assert_eq!(
            reader.clone().opaque_u8(W, 4..=5),
            Err(error(DecodeErrorKind::IllegalLength, 0))
        );
        assert_eq!(reader.opaque_u8(W, 3..=3), Ok(&[1, 2, 3][..]));
        let mut reader = Reader::new(&[0, 0, 4, 1, 2, 3]);
        assert_eq!(
            reader.opaque_u24(W, 0..=0xff_ffff),
            Err(error(DecodeErrorKind::Truncated, 3))
        );
    }

    #[test]
    fn items_stop_at_the_limit() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.clone().items(W, 3, |r| r.u8(W)), Ok(vec![1, 2, 3]));
        assert_eq!(
            reader.items(W, 2, |r| r.u8(W)),
            Err(error(DecodeErrorKind::TooMany, 2))
        );
    }
}
