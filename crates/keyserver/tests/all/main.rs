//! The key server over real sockets, most of it with the real client.

mod audit;
mod config_errors;
mod key_files;
mod lifecycle;
mod load;
mod named_operations;
mod operations;
mod policy;
mod raw_edge;
mod strangers;
mod support;
mod tickets;
