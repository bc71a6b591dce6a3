//! The engine as a whole, one behaviour a file: our server against rustls as a client, and against a
//! client by hand that misbehaves.

mod support;

mod alerts;
mod alpn;
mod any_order;
mod bad_input;
mod bulk;
mod certificate_choice;
mod close;
mod early_data;
mod floods;
mod foreign_sessions;
mod fragmentation;
mod full_handshake;
mod grease;
mod hello_retry;
mod key_update;
mod misbehaviour;
mod needs;
mod resumption;
mod server_flight;
mod server_name;
mod signature_check;
mod tls12;
mod trace;
#[cfg(target_os = "linux")]
mod wiped;
