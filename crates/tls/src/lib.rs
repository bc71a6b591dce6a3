//! A sans-IO TLS 1.2 and 1.3 engine that asks for the private-key step instead of calling it.
//!
//! The engine does no I/O, reads no clock, calls nobody back and holds no private key. Bytes go in,
//! bytes come out, and what somebody else has to decide comes out as a [`Need`], an owned value that
//! may be answered later, once, from any thread.
//!
//! ```text
//!            receive(bytes)                 step(now)
//!  socket ────────────────▶ ┌──────────────────────┐ ─▶ Step::Need(need) ─▶ whoever knows
//!                           │   ServerConnection   │                              │
//!  socket ◀──────────────── └──────────────────────┘ ◀─ answer(answer) ◀──────────┘
//!            output(), consume_output(n)   ▲     │
//!                                          │     ▼
//!                             send(plaintext)   read(buf)
//! ```
//!
//! The loop of a caller:
//!
//! 1. Give what the socket has to [`ServerConnection::receive`], then call [`ServerConnection::step`]
//!    until it returns [`Step::Blocked`] or [`Step::Closed`].
//! 2. Answer each [`Step::Need`] whenever its answer is known; then call `step` again.
//! 3. On [`Step::Data`], take the data with [`ServerConnection::read`] before the next `step`.
//! 4. Write [`ServerConnection::output`] to the socket, also after an error: the alert is in it.
//!
//! # What is asked, and when
//!
//! | need | when | answer |
//! |---|---|---|
//! | [`CertificateNeed`] | after the ClientHello | the certificates, policy and ALPN protocols for this name |
//! | [`SessionNeed`] | if the client offers to resume | the session, if it is known |
//! | [`KeyOperationNeed`] | in a full handshake | the signature (or master secret) from the key's holder |
//! | [`NewSessionNeed`] | at the end | the ticket for the client |
//!
//! While a need is open the handshake waits, and what the peer sends meanwhile waits in a bounded
//! buffer. The one exception is [`NewSessionNeed`] in TLS 1.3, which holds nothing up.
//!
//! # Where to find things
//!
//! `server/` is the handshake: `server/tls13/mod.rs` and `server/tls12/mod.rs` list the legal order of
//! messages, with one file a message beside each. `record/` is the record layer, `needs/` the yield points.

mod common;
mod config;
mod credential;
mod error;
mod handshake;
mod key_schedule;
mod needs;
mod negotiated;
mod policy;
mod record;
mod server;
mod session;
mod suites;
pub mod tickets;
mod time;
mod trace;

pub use config::{Limits, ServerConfig, VerifySignatures};
pub use credential::{CertificateError, Credential, OcspResponse};
pub use error::{
    Error, InvalidMessage, KeyOperationFault, Misuse, PeerIncompatible, PeerMisbehaved,
};
pub use needs::{
    Answer, CertificateAnswer, CertificateNeed, KeyOperationNeed, Need, NeedError, NeedId,
    NeedKind, NewSessionKind, NewSessionNeed, OfferedSession, SessionAnswer, SessionNeed,
};
pub use negotiated::Negotiated;
pub use policy::Policy;
pub use server::{ServerConnection, Step};
pub use session::SessionState;
pub use time::UnixTime;
pub use trace::{TraceEvent, TraceItem};
