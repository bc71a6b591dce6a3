//! What the tests share: a PKI, a key server, an edge, clients and services.

mod client;
mod clients;
mod home;
mod log;
mod relay;
mod service;

pub(crate) use client::{Client, Http, alert_of, bytes_of};
pub(crate) use clients::{Clients, revocations};
pub(crate) use home::{Home, Site, pki};
pub(crate) use log::Log;
pub(crate) use relay::Relay;
pub(crate) use service::{Boxed, Service, Steps, full};

use std::future::Future;
use std::time::Duration;

/// Far longer than anything takes, so that a hang is a failure and not a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that has to happen.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    soon(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
