//! The private-key step of a TLS handshake as data: typed operations, their checks, and the bytes to
//! sign.
//!
//! A handshake uses the certificate's private key once. Here that step is a value, an
//! [`Operation`], which says what the edge is doing instead of what to sign: it carries the
//! handshake so far. The key server checks it and makes the bytes to be signed by itself.
//!
//! ```text
//!   edge                                   key server
//!   Operation ── encode ──▶ … ── decode ──▶ Operation
//!                                             │ check(&KeyRules) ── CheckError: which rule is broken
//!                                             ▼
//!                                           CheckedOperation      (policy: may this edge
//!                                             │ perform(&PrivateKey)  act for server_name()?)
//!                                             ▼
//!   OperationResult ◀── … ◀── encode ────── OperationResult
//! ```
//!
//! A key that is not in this process is asked instead: [`RemoteOperation`] is the same step in two halves, with a
//! [`KeyTask`] between them.
//!
//! [`CheckedOperation`] is a proof: only a passed check makes one, and only it can be performed.
//! What is to be signed is made by [`tls13`] and [`tls12`], and the engine checks the returned
//! signature over the bytes that the same functions make. Where key and engine are in one process, a
//! [`Performed`] takes the place of that check: a proof that the key signed those bytes.
//!
//! Why a stolen edge credential is worth little: it signs only over a ServerHello whose random
//! derives from a [`ServerNonce`] that is wiped after the handshake, and only for names that the
//! key server's policy gives to that edge. (In TLS 1.2 the name is the edge's word: RFC 5246 §7.4.3
//! signs two randoms and the parameters, and no name.)

mod certificate_request;
mod checked;
mod checks;
mod delegate_credential;
pub mod delegated_credential;
mod error;
mod fields;
mod key_id;
mod operation;
mod performed;
pub mod pkcs10;
mod raw;
mod remote;
mod result;
mod rules;
mod server_nonce;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tls12;
mod tls12_client_certificate_verify;
mod tls12_rsa_master_secret;
mod tls12_server_key_exchange;
pub mod tls13;
mod tls13_client_certificate_verify;
mod tls13_server_certificate_verify;
mod tls13_transcript_hash;

pub use certificate_request::{CertificateRequest, MAX_CERTIFICATE_NAMES};
pub use checked::{CheckedOperation, Names};
pub use delegate_credential::{DelegatedCredential, MAX_CREDENTIAL_SECONDS};
pub use error::{CheckError, PerformError};
pub use key_id::{InvalidKeyId, KeyId};
pub use operation::{MAX_MESSAGES_LEN, Operation, OperationKind, Role, UnknownOperation};
pub use performed::Performed;
pub use raw::{CheckedRawOperation, RawDigest, RawOperation, RawResult, RawRsaDecryption};
pub use remote::{KeyTask, RemoteOperation, decrypted_block};
pub use result::OperationResult;
pub use rules::KeyRules;
pub use server_nonce::{ServerNonce, TLS12_DOWNGRADE_SENTINEL};
pub use tls12_client_certificate_verify::Tls12ClientCertificateVerify;
pub use tls12_rsa_master_secret::Tls12RsaMasterSecret;
pub use tls12_server_key_exchange::Tls12ServerKeyExchange;
pub use tls13_client_certificate_verify::Tls13ClientCertificateVerify;
pub use tls13_server_certificate_verify::Tls13ServerCertificateVerify;
pub use tls13_transcript_hash::Tls13TranscriptHash;
