//! The protocol as a peer sees it: bytes.

mod examples;
mod properties;
mod specification;
