//! Drivers of real TLS peers, and the stand that they shake hands with.
//!
//! A test in `tests/` starts a [`Stand`] (key server, edge and a small service, on free loopback ports), runs a peer
//! against it, and compares three reports of the same handshake: what the test asked for, what the peer says it
//! negotiated, and what the edge recorded.
//!
//! ```no_run
//! use keyward_peers::{openssl::SClient, peer_or_skip, stand::{Site, Stand}};
//!
//! let openssl = peer_or_skip!("openssl");
//! let stand = Stand::start();
//! let host = stand.host(Site::Ecdsa);
//! let outcome = SClient::new(&openssl, &stand, &host).arg("-tls1_3").get("/");
//! assert_eq!(outcome.session().version, "TLSv1.3");
//! ```
//!
//! A peer that is not installed makes its test skip, saying so, on a newcomer's machine, and fail where `CI=true`,
//! because there `.ci/run` has installed it. Drivers panic with the peer's whole output: they are called by tests alone.

pub mod chromium;
pub mod curl;
pub mod gnutls;
pub mod matrix;
pub mod nss;
pub mod openssl;
pub mod process;
pub mod python;
pub mod rustls_client;
pub mod stand;

pub use stand::{Site, Stand};
