//! The edge's client to key servers: which of them an operation goes to, and what happens when one is slow or gone.
//!
//! ```no_run
//! # async fn example(operation: keyward_keyop::Operation) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use keyward_keyclient::{KeyClient, KeyClientConfig};
//!
//! let config = KeyClientConfig::from_files(
//!     "home.example:2410".parse::<keyward_keyclient::Target>()?,
//!     "keyserver",
//!     "ca.pem".as_ref(),
//!     "edge.pem".as_ref(),
//!     "edge.key".as_ref(),
//! )?;
//! let client = KeyClient::start(config)?;
//! let performed = client.perform(operation, Duration::from_secs(2)).await?;
//! println!("{} µs on the key server", performed.work_us);
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!  KeyClient ─▶ race: one operation ──choice──▶ fleet ─▶ server ─▶ connection ─▶ the key server
//!               ask, hedge, go elsewhere         │         │           │
//!                    │        │            pick, breaker  dialer     vitals: alive, silent or dead
//!                 budget   quantile              │         │
//!                                        latency, condition│
//!                         resolve: names ────────┴─────────┘
//! ```
//!
//! - A name in the configuration is resolved again and again (`resolve`); each address is a key server (`server`) of the `fleet`.
//! - For each connection a task (`dialer`) connects with growing pauses, sooner when somebody asks for an operation, and opens the next
//!   one when the key server says that it stops.
//! - An operation goes to the better of two key servers (`pick`) that list its key (`listing`): the one that will probably be done
//!   sooner, by what it took lately (`latency`) and what it has to do (`condition`).
//! - If the answer takes longer than 95 of 100 lately (`quantile`), a second key server is asked, within a `budget`; who answers first
//!   wins, the other is told that it need not.
//! - Where a key server fails, the operation goes elsewhere: its connection is lost, it is overloaded, it falls silent (`vitals`). One
//!   that fails again and again is left alone and probed (`breaker`). What it refuses is refused.

mod backoff;
mod breaker;
mod budget;
mod changes;
mod channel;
mod client;
mod condition;
mod config;
mod connection;
mod dialer;
mod error;
mod fleet;
mod gokeyless;
mod kind;
mod latency;
mod listing;
mod pending;
mod pick;
mod quantile;
mod race;
mod random;
mod resolve;
mod route;
mod server;
mod state;
mod status;
mod target;
mod vitals;

pub use client::{KeyClient, Performed};
pub use config::{Dns, KeyClientConfig, KeyClientConfigError, KeyServerAt, Timings};
pub use error::{KeyClientError, Trouble};
pub use gokeyless::{GokeylessClient, GokeylessConfig};
pub use keyward_protocol::{
    Address, AddressError, Catalog, CatalogEntry, RefusalReason, TenantTicketKeys, TicketKeys,
};
pub use route::Route;
pub use state::ConnectionState;
pub use status::{ClientCounts, ServerStatus};
pub use target::{Target, TargetError};
