//! TLS 1.2.

mod cbc_records;
mod client_authentication;
mod client_resumption;
mod downgrade;
mod encrypt_then_mac;
mod extended_master_secret;
mod finite_field;
mod flight;
mod fragmentation;
mod full_handshake;
mod hand_client;
mod misbehaviour;
mod needs;
mod record_size_limit;
mod renegotiation;
mod resumption;
mod rsa_key_transport;
mod rsa_padding_catalogue;
mod rustls_server;
mod server_misbehaviour;
mod suites;

pub(crate) use hand_client::{HandClient, Session};

use crate::support::ClientOptions;

/// A rustls client of TLS 1.2 alone.
fn options() -> ClientOptions {
    ClientOptions {
        versions: vec![&rustls::version::TLS12],
        ..ClientOptions::default()
    }
}
