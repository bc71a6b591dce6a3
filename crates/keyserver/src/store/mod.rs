//! Where keys live. A store finds and holds them; who may use them is the policy's.
//!
//! There are two kinds of key. One that is in this process, from a file, a worker uses in place. One that is elsewhere, in a
//! device or behind a service, is asked: that is what [`RemoteStore`] is for.

mod chain;
mod directory;
mod elsewhere;
pub(crate) mod files;
mod key;
mod loading;
mod passphrase;
mod pkcs11;
mod remote;

pub use chain::Chain;
pub(crate) use chain::not_after;
pub(crate) use elsewhere::{Elsewhere, Gate};
pub(crate) use key::Custody;
pub use key::{KeySet, Origin, StoredKey};
pub use keyward_keyop::KeyTask;
pub(crate) use loading::{Opened, gates, open, paths};
pub use pkcs11::Pkcs11Store;
pub(crate) use remote::Answer;
pub use remote::{KeyUse, RemoteKey, RemoteStore, StoreError};
