//! Our client: against our server, against rustls as a server, and against a server by hand that misbehaves.

mod against_rustls;
mod any_order;
mod client_certificate;
mod early_data;
mod full_handshake;
mod grease;
mod hello_retry;
mod needs;
mod peer_certificate;
mod post_handshake;
mod record_size_limit;
mod resumption;
mod server_flight;
mod server_hello;
