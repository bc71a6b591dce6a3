//! Two peers in memory. [`Pair`] is a rustls client and our server; [`HandClient`] is a client whose
//! every byte a test decides.

mod hand_client;
mod identity;
mod pair;
mod site;

pub(crate) use hand_client::HandClient;
pub(crate) use identity::{Identity, client_identity, identity, roots};
pub(crate) use keyward_pki::KeyAlgorithm;
pub(crate) use pair::{ClientOptions, Failure, Pair, client_config};
pub(crate) use site::Site;

use keyward_tls::UnixTime;

/// When the tests happen: now, since rustls looks at certificates with the system's clock.
pub(crate) fn now() -> UnixTime {
    UnixTime::now()
}
