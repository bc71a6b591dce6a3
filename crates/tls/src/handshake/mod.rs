//! Handshake messages on their way in, and the hash over all of them.

mod joiner;
mod message;
mod transcript;

pub(crate) use joiner::Joiner;
pub(crate) use message::{HandshakeMessage, Incoming};
pub(crate) use transcript::Transcript;
