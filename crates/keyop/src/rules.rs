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
    /// TLS 1.2 as it was: cipher suites without AEAD, DHE in the finite fields of RFC 7919, and for clients
    /// connections without extended master secret.
    pub legacy: bool,
    /// The key is a client's: it makes the CertificateVerify of clients, and nothing that servers make. Another
    /// key makes nothing that clients make.
    ///
    /// What a TLS 1.2 client signs are bytes that its peer has a hand in, and that can be read as the two randoms
    /// and the parameters that a TLS 1.2 server signs. A key in both roles could be led from one to the other.
    pub client: bool,
    /// `Tls13TranscriptHash` is acceptable: the key's owner trusts the edge for what only messages could show.
    pub transcript_hash: bool,
    /// [`RawDigest`](crate::RawDigest) is acceptable: who may ask for it may have anything signed.
    pub raw_digest: bool,
    /// [`RawRsaDecryption`](crate::RawRsaDecryption) is acceptable: who may ask for it reads every premaster secret that was
    /// ever encrypted to the key.
    pub raw_rsa_decryption: bool,
    /// The time in seconds since 1970, by which the validity of a delegated credential is measured. With 0 none is signed.
    pub now: u64,
}

impl<'a> KeyRules<'a> {
    /// A server's key that signs, and nothing more.
    pub const fn signing(public_key: &'a PublicKey) -> Self {
        Self {
            public_key,
            rsa_decryption: false,
            rsa_signing: true,
            legacy: false,
            client: false,
            transcript_hash: false,
            raw_digest: false,
            raw_rsa_decryption: false,
            now: 0,
        }
    }
}
