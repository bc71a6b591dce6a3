//! The older protocol, of gokeyless: messages in, messages out, without I/O. `docs/gokeyless.md` says what it is good for.
//!
//! ```text
//!  message   uint8 major = 1; uint8 minor = 0; uint16 length; uint32 id; item items[length]
//!  item      uint8 tag; uint16 length; opaque data[length]
//! ```
//!
//! Its clients send digests and RSA ciphertexts rather than handshakes, so that a key server can check nothing but the key.
//! A request's id belongs to its client: several in flight may have the same, and each is answered once, with its own.

mod decoder;
mod error;
mod items;
mod message;
mod opcode;

pub use decoder::Decoder;
pub use error::{ErrorCode, Malformed};
pub use items::{DIGEST_LEN, SKI_LEN};
pub use message::{EncodedMessage, Message, Reply, Request, TooLong};
pub use opcode::{Digest, Opcode};

/// The TCP port that its servers listen on.
pub const DEFAULT_PORT: u16 = 2407;

/// The one major version.
pub const MAJOR: u8 = 1;

/// The minor version that is sent. Whatever comes is taken.
pub const MINOR: u8 = 0;

/// Bytes in front of a message's body.
pub const HEADER_LEN: usize = 8;

/// The most that a body's length can say.
pub const MAX_BODY_LEN: usize = 0xffff;

/// Messages are made to look alike by padding those that are shorter than this.
const PADDED_LEN: usize = 1024;
