//! Private CAs and certificates: for the channel between edges and key servers, for the demo and
//! for tests.
//!
//! ```
//! use keyward_pki::{Authority, KeyAlgorithm};
//!
//! let authority = Authority::new("My private CA")?;
//! let site = authority.issue_server(&["shop.example", "127.0.0.1"], KeyAlgorithm::P256)?;
//! assert!(site.chain_pem.starts_with("-----BEGIN CERTIFICATE-----"));
//! # Ok::<(), keyward_pki::PkiError>(())
//! ```
//!
//! A certificate that Keyward serves to the public comes from a public CA; what is made here is
//! what both ends of the channel show to each other, and what nobody else has to trust.

mod algorithm;
mod authority;
mod error;
mod files;
mod init;

pub use algorithm::{KeyAlgorithm, UnknownKeyAlgorithm, private_key_pem};
pub use authority::{Authority, Issued, Request, Usage};
pub use error::PkiError;
pub use files::{write_private, write_public};
pub use init::{InitOptions, init, init_with};
