//! The key server over real sockets, most of it with the real client.

mod admin;
mod audit;
mod bounds;
mod config_errors;
mod gokeyless;
mod identities;
mod key_files;
mod key_formats;
mod key_reload;
mod lifecycle;
mod load;
mod named_operations;
mod older_client;
mod operations;
mod pkcs11;
mod policy;
mod rates;
mod raw_edge;
mod remote_store;
mod revocation;
mod strangers;
mod support;
mod tickets;
