//! The wire between edge and key server, without I/O: frames in, frames out.
//!
//! The specification is `docs/protocol.md`; this crate is one implementation of it. A [`Decoder`] takes bytes in pieces of
//! any size and yields [`Frame`]s; [`Frame::encode`] makes the bytes of one. The same types serve both ends.
//!
//! ```text
//!   edge                                        key server
//!    │ ── hello (versions, capabilities) ─────────▶ │
//!    │ ◀───────── hello (versions, capabilities) ── │
//!    │ ◀────────────────────── catalog (id 0) ───── │  keys and chains this edge may use
//!    │ ── request 1 ──────────────────────────────▶ │
//!    │ ── request 2 ──────────────────────────────▶ │
//!    │ ◀───────────────────────────── reply 2 ───── │  any order
//!    │ ◀───────────────────────────── reply 1 ───── │
//! ```

mod address;
mod catalog;
mod decoder;
mod error;
mod frame;
mod going_away;
pub mod gokeyless;
mod hello;
#[cfg(feature = "tokio")]
pub mod io;
mod request;
mod ticket_keys;

pub use address::{Address, AddressError};
pub use catalog::{Catalog, CatalogCollector, CatalogEntry, CatalogPart, CatalogTooLarge};
pub use decoder::Decoder;
pub use error::{ErrorCode, ErrorReply, RefusalReason};
pub use frame::{
    EncodedFrame, Frame, FrameError, FrameKind, FrameTooLarge, HEADER_LEN, MAX_FRAME_LEN,
    encode_request,
};
pub use going_away::GoingAway;
pub use hello::{Capability, Hello, VersionMismatch};
pub use request::{Reply, Request};
pub use ticket_keys::{TICKET_KEY_LEN, TenantTicketKeys, TicketKey, TicketKeys};

/// The protocol's name in ALPN. A connection that did not negotiate it carries no frames.
pub const ALPN: &[u8] = b"keyward/1";

/// The one version of the frames that this build speaks.
pub const VERSION: u16 = 1;

/// The TCP port that the documentation's examples use.
pub const DEFAULT_PORT: u16 = 2410;
