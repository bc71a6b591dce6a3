//! Whether a peer's certificate is to be trusted: the answer to the engine's
//! [`PeerCertificateNeed`](keyward_tls::PeerCertificateNeed) that an application can put its own in
//! place of.
//!
//! The engine has checked that the peer *has* the key of the certificate. This crate decides
//! whether the certificate means what the caller needs it to mean:
//!
//! | rule | where | by |
//! |---|---|---|
//! | a path of good signatures to a certificate that is trusted; validity; who may issue; name constraints; path length; extended key usage | `path.rs` | rustls-webpki |
//! | the name that was asked for is among the subject alternative names | `names.rs` | rustls-webpki |
//! | every CA below the root may sign certificates by its key usage | `path.rs` | RFC 5280 §6.1.4 |
//! | the key may do what the handshake did with it, and is strong enough | `leaf.rs` | RFC 5280 §4.2.1.3 |
//! | not revoked, by revocation lists | `crl.rs` | rustls-webpki |
//! | not revoked, by a stapled OCSP response whose responder is not revoked either; one is there where it must be | `ocsp/` | RFC 6960, RFC 7633 |
//!
//! Every refusal is a [`Rejection`] that says why in words and what would mend it.
//!
//! ```
//! use keyward_tls::{Answer, PeerCertificateNeed, UnixTime};
//! use keyward_trust::Trust;
//!
//! fn answer(trust: &Trust, need: PeerCertificateNeed) -> Answer {
//!     let verdict = trust.verify(&need, UnixTime::now());
//!     need.answer(verdict.map_err(Into::into))
//! }
//! ```
//!
//! What comes from elsewhere is judged in the same way:
//!
//! ```
//! use keyward_tls::UnixTime;
//! use keyward_trust::{Presented, Roots, Trust};
//!
//! let trust = Trust::new(Roots::default());
//! let rejection = trust
//!     .verify(Presented::by_server(&[], "shop.example".try_into()?), UnixTime::now())
//!     .unwrap_err();
//! assert_eq!(rejection.to_string(), "the peer presented no certificate");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithms;
mod certificate;
mod crl;
mod explain;
mod leaf;
mod names;
mod need;
mod ocsp;
mod path;
mod presented;
mod rejection;
mod remedy;
mod report;
mod roots;
mod signature;
mod staple;
mod text;
mod trust;

pub use certificate::distinguished_name;
pub use crl::RevocationList;
pub use ocsp::OcspFault;
pub use presented::{KeyUse, Peer, Presented};
pub use rejection::{Rejection, RevocationSource};
pub use report::{ChainReport, Link, Place, Signer, Status};
pub use roots::{Roots, RootsError};
pub use staple::Staple;
pub use trust::Trust;
