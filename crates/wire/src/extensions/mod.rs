//! Extensions (RFC 9846 §4.3): one file each for what is in them, and [`blocks`] for which message may carry which.
//!
//! An extension that has no type here is kept raw in the block's `unknown`, in the order of the wire; so are GREASE
//! (RFC 8701) and extensions that we know and have no use for (`padding`, `status_request_v2`, …).

pub mod blocks;

mod alpn;
mod block;
mod certificate_authorities;
mod compress_certificate;
mod cookie;
mod delegated_credential;
mod early_data;
mod ec_point_formats;
mod flag;
mod key_share;
mod max_fragment_length;
mod oid_filters;
mod pre_shared_key;
mod psk_key_exchange_modes;
mod record_size_limit;
mod renegotiation_info;
mod server_name;
mod session_ticket;
mod signature_algorithms;
mod signed_certificate_timestamp;
mod status_request;
mod supported_groups;
mod supported_versions;

pub use blocks::{
    CertificateEntryExtensions, CertificateRequestExtensions, ClientHelloExtensions,
    EncryptedExtensions, NewSessionTicketExtensions, ServerHelloExtensions,
};
pub use certificate_authorities::MAX_DISTINGUISHED_NAMES;
pub(crate) use certificate_authorities::{decode_names, encode_names};
pub use delegated_credential::DelegatedCredential;
pub use key_share::{KeyShareEntry, ServerKeyShare};
pub use max_fragment_length::MaxFragmentLength;
pub use oid_filters::OidFilter;
pub use pre_shared_key::{PreSharedKeys, PskIdentity};
pub use server_name::{InvalidServerName, ServerName};
pub(crate) use status_request::{decode_status, encode_status};
