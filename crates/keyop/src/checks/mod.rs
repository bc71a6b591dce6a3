//! The checks that operations share, one idea a file.

pub(crate) mod certificate;
pub(crate) mod dh_params;
pub(crate) mod ecdh_params;
pub(crate) mod hello_retry;
pub(crate) mod messages;
pub(crate) mod names;
pub(crate) mod scheme;
pub(crate) mod server_hello;
pub(crate) mod signing_key;
pub(crate) mod tls12_suite;
pub(crate) mod tls13_hellos;
