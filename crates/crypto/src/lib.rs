//! AWS-LC as Keyward uses it: AEAD, hash, HKDF and PRF, key exchange, signatures, raw RSA and constant-time unpadding.
//!
//! No primitive is written here. Each module gives one job of TLS the shape that the protocol's text has, over
//! [`aws_lc_rs`]; where that crate has no call for it (RSA decryption without padding, Diffie-Hellman in a finite field), or
//! one that allocates or copies for each handshake, `raw` reaches AWS-LC's C interface. `raw` is the only `unsafe` of Keyward.
//!
//! | module | what it gives | defined in |
//! |---|---|---|
//! | [`hash`], [`hmac`] | transcripts, Finished | FIPS 180-4, RFC 2104 |
//! | [`hkdf`] | TLS 1.3 key schedule | RFC 5869, RFC 9846 §7.1 |
//! | [`prf`] | TLS 1.2 key derivation | RFC 5246 §5 |
//! | [`aead`] | record protection, tickets | RFC 5116, RFC 8439 |
//! | [`cbc`] | record protection of TLS 1.2's older suites | RFC 5246 §6.2.3.2, RFC 7366 |
//! | [`key_exchange`] | ECDHE, its post-quantum hybrid, DHE | RFC 8422, RFC 7748, FIPS 203, RFC 7919 |
//! | [`signature`], [`private_key`] | certificates' keys, both halves | RFC 8017, RFC 6979, RFC 8032 |
//! | [`certificate`] | what TLS asks of a certificate beside its key | RFC 5280, RFC 9345 |
//! | [`rsa_kex`] | RSA key transport: encryption and unpadding | RFC 5246 §7.4.7.1 |
//! | [`random`] | where nonces and keys come from | — |
//!
//! Secrets have their own types here: wiped when dropped, and their `Debug` shows a length at most.

pub mod aead;
pub mod cbc;
pub mod certificate;
mod der;
mod error;
pub mod hash;
pub mod hkdf;
pub mod hmac;
pub mod key_exchange;
pub mod prf;
pub mod private_key;
pub mod random;
mod raw;
pub mod rsa_kex;
mod rsa_pss;
pub mod signature;

pub use error::CryptoError;
