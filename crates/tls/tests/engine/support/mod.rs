//! Two peers in memory. [`Pair`] is a rustls client and our server, [`Duo`] our client and our server;
//! [`HandClient`] and [`HandServer`] are peers whose every byte a test decides. [`Site`] answers what a server
//! asks, [`Visitor`] what a client asks.

mod duo;
mod hand_client;
mod hand_server;
mod identity;
mod keys;
mod pair;
mod site;
mod visitor;

pub(crate) use duo::{Duo, Failed};
pub(crate) use hand_client::HandClient;
pub(crate) use hand_server::HandServer;
pub(crate) use identity::{Identity, client_identity, identity, roots, with_unreadable_key_usage};
pub(crate) use keys::plain;
pub(crate) use keyward_pki::KeyAlgorithm;
pub(crate) use pair::{ClientOptions, Failure, Pair, client_config};
pub(crate) use site::Site;
pub(crate) use visitor::Visitor;

use keyward_tls::{CertificateRejection, NeedError, UnixTime};

/// What is answered to who was trusted once.
pub(crate) fn revoked() -> NeedError {
    NeedError::Certificate(CertificateRejection::Revoked)
}

/// When the tests happen: now, since rustls looks at certificates with the system's clock.
pub(crate) fn now() -> UnixTime {
    UnixTime::now()
}
