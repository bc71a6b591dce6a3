//! The edge with real sockets, a real key server, real clients and small services: one behaviour a
//! file.

mod support;

mod admin;
mod byte_by_byte;
mod catalog_chains;
mod certificate_compression;
mod certificate_kinds;
mod client_certificates;
mod client_leaves;
mod config_errors;
mod connection_limit;
mod delegated_credentials;
mod early_data;
mod fleet;
mod forwarded_headers;
mod garbage;
mod graceful_stop;
mod handshake_records;
mod idle;
mod key_refused;
mod key_server_down;
mod key_server_killed;
mod last_resort;
mod misdirected;
mod requests;
mod resumption;
mod slow_client;
mod smuggling;
mod streaming;
mod tcp_mode;
mod trailers;
mod unknown_name;
mod upstream_down;
mod upstream_tls;
mod websocket;
