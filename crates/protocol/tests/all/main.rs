//! The protocol as a peer sees it: bytes.

mod examples;
mod gokeyless;
mod properties;
mod specification;
