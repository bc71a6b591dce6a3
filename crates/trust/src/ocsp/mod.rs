//! Stapled OCSP responses (RFC 6960).

mod check;
mod fault;
mod response;

pub use fault::OcspFault;

pub(crate) use check::{OcspStatus, check};
