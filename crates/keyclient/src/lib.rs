//! The edge's client to a key server: one connection, many operations in flight on it.
//!
//! ```no_run
//! # async fn example(operation: keyward_keyop::Operation) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use keyward_keyclient::{KeyClient, KeyClientConfig};
//!
//! let config = KeyClientConfig::from_files(
//!     "home.example:2410".parse()?,
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
//! A task in the background keeps the connection: it dials with growing pauses, at once when somebody asks for an operation,
//! notices a dead connection by pings, and opens the next one when the key server says that it stops. An operation whose connection
//! dies is sent once more on the next one: doing it twice does no harm.

mod backoff;
mod channel;
mod client;
mod config;
mod connection;
mod dialer;
mod error;
mod pending;
mod state;

pub use client::{KeyClient, Performed};
pub use config::{KeyClientConfig, KeyClientConfigError, Timings};
pub use error::KeyClientError;
pub use keyward_protocol::{
    Address, AddressError, Catalog, CatalogEntry, RefusalReason, TenantTicketKeys, TicketKeys,
};
pub use state::ConnectionState;
