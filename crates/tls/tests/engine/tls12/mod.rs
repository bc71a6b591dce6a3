//! TLS 1.2.

mod downgrade;
mod extended_master_secret;
mod fragmentation;
mod full_handshake;
mod hand_client;
mod misbehaviour;
mod needs;
mod renegotiation;
mod resumption;
mod rsa_key_transport;

pub(crate) use hand_client::{HandClient, Session};

use crate::support::ClientOptions;

/// A rustls client of TLS 1.2 alone.
fn options() -> ClientOptions {
    ClientOptions {
        versions: vec![&rustls::version::TLS12],
        ..ClientOptions::default()
    }
}
