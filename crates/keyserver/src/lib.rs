//! The key server: holds private keys and performs typed operations for the edges it knows.
//!
//! ```text
//!  edge ──mutual TLS 1.3──▶ listener ─▶ connection ─▶ dispatch ─▶ queue ─▶ worker ─▶ writer
//!                                                        │        light, heavy │
//!                                               policy: this edge?     operation's own checks,
//!                                               this key? this         policy: this name?
//!                                               operation?             then the private key
//! ```
//!
//! [`Config::load`] reads a configuration, [`Config::check`] says all that is wrong with it, [`Config::explain`] what its rules
//! say of a request, and [`KeyServer::start`] runs it.
//! The frames are `keyward-protocol`'s, the checks `keyward-keyop`'s.

mod access;
mod audit;
mod catalog;
mod channel;
mod check;
mod config;
mod connected;
mod connection;
mod crl;
mod dialect;
mod dispatch;
mod edge_identity;
mod error;
mod gokeyless;
mod greeting;
mod in_flight;
mod lane;
mod listener;
mod metrics;
mod places;
mod policy;
mod queue;
mod read_ahead;
mod refusals;
mod reload;
mod remote_work;
mod server;
mod status;
pub mod store;
mod threads;
pub mod tickets;
mod work;
mod worker;
mod writer;

pub use check::{KeySummary, Report};
pub use config::{
    AuditConfig, AuditMode, Config, DirectoryConfig, EdgeConfig, GokeylessConfig, InvalidNetwork,
    InvalidPkcs11Uri, InvalidSpiffeId, KeySelector, KeysConfig, Limits, NameSelector, Network,
    PassphraseSource, PeerAddress, Pkcs11Config, Pkcs11Uri, Rate, SpiffeId, SpiffeSelector,
    StoreConfig,
};
pub use edge_identity::EdgeIdentity;
pub use error::StartError;
pub use keyward_config::{AdminConfig, ConfigError, Problem, Problems};
pub use keyward_protocol::Address;
pub use metrics::MetricsSnapshot;
pub use policy::{EdgeGrant, Explanation, Policy, Question, Refusal};
pub use server::{KeyServer, RunningKeyServer};
