//! The engine as a whole, one behaviour a file: our server against rustls as a client, and against a
//! client by hand that misbehaves.

mod support;

mod alerts;
mod alpn;
mod any_course;
mod any_order;
mod attacks;
mod bad_input;
mod bulk;
mod candidates;
mod certificate_choice;
mod certificate_compression;
mod client;
mod client_authentication;
mod client_certificate_misbehaviour;
mod close;
mod delegated_credentials;
mod early_data;
mod early_data_taken;
mod exporters;
mod floods;
mod foreign_sessions;
mod fragmentation;
mod fresh_values;
mod full_handshake;
mod grease;
mod half_rtt;
mod hello_retry;
mod key_log;
mod key_update;
mod large_records;
mod misbehaviour;
mod needs;
mod performed_here;
mod rare_keys;
mod resumption;
mod server_flight;
mod server_name;
mod session_peer;
mod signature_check;
mod signature_contexts;
mod tls12;
mod trace;
#[cfg(target_os = "linux")]
mod wiped;
