//! What a key may be used for.

use keyward_crypto::signature::PublicKey;

/// The key that an operation names, and what its owner allows it.
///
/// An RSA key that decrypts and signs is one padding oracle away from forged signatures, so the two
/// uses are switched apart, and both are on only where the operator says so. RFC 8446 Appendix E.8: "if
/// TLS 1.3 servers also support static RSA in the context of previous versions of TLS, then it may
/// be possible to impersonate the server for TLS 1.3 connections".
#[derive(Clone, Copy, Debug)]
pub struct KeyRules<'a> {
    /// The public half.
    pub public_key: &'a PublicKey,
    /// An RSA key may be used for `Tls12RsaMasterSecret`.
    pub rsa_decryption: bool,
    /// An RSA key may sign. Other kinds of key can do nothing else and are not asked.
    pub rsa_signing: bool,
    /// TLS 1.2 cipher suites without AEAD are acceptable.
    pub legacy: bool,
}
