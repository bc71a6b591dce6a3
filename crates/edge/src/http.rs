//! HTTP mode: requests of clients, over HTTP/1.1 or HTTP/2, go to the service over HTTP/1.1.
//!
//! Bodies stream both ways; nothing is held back beyond the buffers of one connection.

mod body;
mod client_certificate;
mod forward;
mod headers;
mod host;
mod pool;
mod refusal;
mod serve;
mod service_connection;
mod upgrade;

pub(crate) use client_certificate::ClientCertificate;
pub(crate) use pool::HttpService;
pub(crate) use serve::{Client, Ended, Load, Overdue, Protocol, serve};
