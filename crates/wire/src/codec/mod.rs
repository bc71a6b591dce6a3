//! The presentation language itself (RFC 9846 §3): numbers, vectors with a length in front, and the two traits that
//! every structure implements.

mod error;
mod reader;
mod writer;

pub use error::{DecodeError, DecodeErrorKind};
pub use reader::Reader;
pub use writer::Put;

/// The most items that a list may have whose items are allocated one by one (extensions, ALPN protocols, PSK
/// identities, key shares, certificates).
///
/// An item of two bytes on the wire can cost some forty in memory; the limit keeps that factor from being used against
/// us, and makes looking for duplicates one by one cheap. No RFC names a number; real peers send a tenth of this.
pub const MAX_LIST_ITEMS: usize = 256;

/// A value that has a form on the wire.
pub trait Encode {
    /// Appends the wire form to `out`.
    ///
    /// # Panics
    ///
    /// When a vector is longer than its length prefix can say (a 256-byte `session_id`, a certificate of 16 MiB). That
    /// is a mistake of whoever built the value: a decoded value always fits.
    fn encode(&self, out: &mut Vec<u8>);

    /// The wire form as bytes of its own. Panics as [`Encode::encode`] does.
    fn to_bytes(&self) -> Vec<u8> {
        // Room for what is short, which would grow from nothing byte by byte.
        let mut out = Vec::with_capacity(64);
        self.encode(&mut out);
        out
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut Vec<u8>) {
        (**self).encode(out);
    }
}

/// Bytes are their own wire form, without a length.
impl Encode for [u8] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

/// A value that can be read from the wire. Values own what they keep, or borrow from the input for `'a`.
pub trait Decode<'a>: Sized {
    /// What errors call this structure.
    const NAME: &'static str = "input";

    /// Reads one value, and leaves what follows it in `reader`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the field and its offset in the input of the outermost reader. `reader` is then somewhere
    /// in the middle and of no further use.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;

    /// Reads the value that `bytes` hold from the first byte to the last.
    ///
    /// # Errors
    ///
    /// As [`Decode::decode`], and [`DecodeErrorKind::Trailing`] when bytes are left.
    fn from_bytes(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.expect_end(Self::NAME)?;
        Ok(value)
    }
}
