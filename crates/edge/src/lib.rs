//! The edge: it faces clients, holds certificates and session state, and has no private key.
//!
//! ```text
//!  accept ─▶ stream (TLS, by the engine) ─▶ sites ─┬▶ http ─▶ service, HTTP/1.1
//!                │ needs                           └▶ tcp ──▶ service, bytes
//!                ├─ certificate ─▶ sites           (by the name that the client asks for)
//!                ├─ session ─────▶ resumption      (ticket keys, cache)
//!                └─ key operation ▶ keyclient ─▶ key server
//! ```
//!
//! [`Config`] is the checked configuration file, [`Edge::start`] makes a [`RunningEdge`] of it.
//!
//! # Where to find things
//!
//! `delegation` has the edge's delegated credentials. `chains` has the certificates that a site shows, `client_auth` those that it asks for, `site_files` reads both
//! again; `early_data/` is what comes before the handshake's end. `listener` accepts, within the connection limit; `connection` is the life of one connection;
//! `stream` drives the TLS engine and `needs` answers it; `http/` forwards requests and `tcp` bytes.

mod activity;
mod catalog;
mod certificates;
mod chains;
mod client_auth;
pub mod config;
mod connection;
mod counters;
mod delegation;
mod early_data;
mod edge;
mod http;
mod last_resort;
mod listener;
mod measured;
mod needs;
mod own_chain;
mod record;
mod resumption;
mod shared_tickets;
mod site_files;
mod sites;
mod status;
mod stream;
mod tcp;
mod tunnel;
mod upstream;

pub use config::{Config, ConfigError};
pub use counters::{Counts, FailureCause};
pub use edge::{Edge, Reloaded, RunningEdge, StartError, UpstreamCause};
pub use keyward_config::NamePattern;
