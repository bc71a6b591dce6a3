//! A sans-IO TLS 1.2 and 1.3 engine that asks for the private-key step instead of calling it.
//!
//! The engine does no I/O, reads no clock, calls nobody back and holds no private key. Bytes go in,
//! bytes come out, and what somebody else has to decide comes out as a [`Need`], an owned value that
//! may be answered later, once, from any thread.
//!
//! ```text
//!            receive(bytes)                 step(now)
//!  socket ────────────────▶ ┌──────────────────────┐ ─▶ Step::Need(need) ─▶ whoever knows
//!                           │      Connection      │                              │
//!  socket ◀──────────────── └──────────────────────┘ ◀─ answer(answer) ◀──────────┘
//!            output(), consume_output(n)   ▲     │
//!                                          │     ▼
//!                             send(plaintext)   read(buf)
//! ```
//!
//! The loop of a caller:
//!
//! 1. Give what the socket has to [`Connection::receive`], then call [`Connection::step`]
//!    until it returns [`Step::Blocked`] or [`Step::Closed`]. If not all was taken, do the same with the rest.
//! 2. Answer each [`Step::Need`] whenever its answer is known; then call `step` again.
//! 3. On [`Step::Data`], take the data with [`Connection::read`] before the next `step`; a client keeps
//!    what [`Step::SessionReceived`] gives, to resume with.
//! 4. Write [`Connection::output`] to the socket, also after an error: the alert is in it.
//!
//! # What is asked, and when
//!
//! Of a server, in the order of the handshake:
//!
//! | need | when | answer |
//! |---|---|---|
//! | [`CertificateNeed`] | after the ClientHello | for this name: the certificates, the policy, the ALPN protocols, and whether the client is asked for a certificate |
//! | [`SessionNeed`] | if the client offers to resume | the session, if it is known |
//! | [`EarlyDataNeed`] | if the client offers early data that could be taken | whether it is new |
//! | [`KeyOperationNeed`] | in a full handshake | the signature (or master secret) from the key's holder |
//! | [`PeerCertificateNeed`] | if the client presents a certificate, or resumes a session in which it did | whether it is to be trusted |
//! | [`NewSessionNeed`] | at the end | the ticket for the client |
//!
//! Of a client:
//!
//! | need | when | answer |
//! |---|---|---|
//! | [`OfferSessionNeed`] | before the ClientHello, unless resumption is off | a session to resume, if there is one |
//! | [`PeerCertificateNeed`] | before a session is offered, and in a full handshake | whether the server's certificate is to be trusted |
//! | [`ClientCertificateNeed`] | if the server asks for a certificate | the certificates that could be presented |
//! | [`KeyOperationNeed`] | if one of them is presented | the signature from the key's holder |
//!
//! When a [`PeerCertificateNeed`] is raised, the peer has shown that it has its certificate's key: the engine has
//! verified what it signed. The exception is a server with RSA key transport, whose Finished shows it later
//! ([`PeerCertificateNeed::is_key_transport`]). A session to be resumed is decided on again, so that a
//! certificate that was revoked meanwhile counts no longer ([`PeerCertificateNeed::is_resumed`]).
//!
//! While a need is open the handshake waits, and what the peer sends meanwhile waits in a bounded
//! buffer. The one exception is [`NewSessionNeed`] in TLS 1.3, which holds nothing up.
//!
//! # Where to find things
//!
//! `server/` and `client/` are the handshake: `server/tls13/mod.rs`, `client/tls13/mod.rs` and their
//! neighbours for TLS 1.2 list the legal order of messages, with one file a message beside each. What
//! both sides share is in `tls13/`, `tls12/` and `handshake/`; `record/` is the record layer, `needs/` the
//! yield points.

mod client;
mod common;
mod config;
mod connection;
mod credential;
mod delegated_credential;
mod error;
mod exporter;
mod grease;
mod handshake;
mod key_log;
mod key_schedule;
mod needs;
mod negotiated;
mod peer_name;
mod policy;
mod record;
#[cfg(test)]
mod rfc8448;
mod role;
mod server;
mod session;
mod signature_schemes;
mod signer;
mod suites;
pub mod tickets;
mod time;
mod tls12;
mod tls13;
mod trace;

pub use config::{ClientConfig, KeyShares, Limits, ServerConfig, VerifySignatures};
pub use connection::{ClientConnection, Connection, ServerConnection, Step};
pub use credential::{CertificateError, Credential, OcspResponse, SignedCertificateTimestampList};
pub use error::{
    Error, InvalidMessage, KeyOperationFault, Misuse, PeerIncompatible, PeerMisbehaved,
};
pub use key_log::KeyLogLine;
pub use needs::{
    Answer, CertificateAnswer, CertificateNeed, CertificateRejection, ClientAuthentication,
    ClientCertificateNeed, ClientCertificateRequest, EarlyDataNeed, KeyOperationNeed, Need,
    NeedError, NeedId, NeedKind, NewSessionKind, NewSessionNeed, OfferSessionNeed, OfferedSession,
    PeerCertificateNeed, PeerRole, SessionAnswer, SessionNeed,
};
pub use negotiated::{EarlyDataStatus, Negotiated, NoEarlyData};
pub use peer_name::PeerName;
pub use policy::Policy;
pub use role::{Client, Role, Server};
pub use session::{ClientSession, SessionState};
pub use time::UnixTime;
pub use trace::{TraceEvent, TraceItem};
