//! The listener for clients of the older protocol: off unless the configuration has `[gokeyless]`.
//!
//! ```text
//!  client ──mutual TLS──▶ greeting ─▶ connection ─▶ request: opcode, key ─▶ dispatch, as any request
//! ```
//!
//! From `dispatch` on, a request is one like any other, with the same rules, rates, lanes, deadlines and records; only its operation
//! is a raw one, which shows nothing that could be checked, and its answer goes out in the dialect that it came in.

mod connection;
mod greeting;
mod keys;
mod request;
mod risk;

pub(crate) use connection::serve;
pub(crate) use greeting::{Greeted, greet};
pub(crate) use keys::KeysBySki;
pub(crate) use risk::warnings;
