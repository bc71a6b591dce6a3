//! From shared secrets to traffic keys.

pub(crate) mod tls12;
pub(crate) mod tls13;
