//! Keys, certificates, and handshakes that are right in everything, for tests to break.

pub(crate) mod delegation;
pub(crate) mod identity;
pub(crate) mod rsa;
pub(crate) mod tls12_client;
pub(crate) mod tls12_ecdhe;
pub(crate) mod tls12_rsa;
pub(crate) mod tls13;
pub(crate) mod tls13_client;

use keyward_keyop::{CheckError, CheckedOperation, KeyRules, Operation, ServerNonce};
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::CipherSuite;

use identity::Identity;

pub(crate) const NONCE: [u8; 32] = [0x5a; 32];

pub(crate) fn nonce() -> ServerNonce {
    ServerNonce::from_bytes(NONCE)
}

/// A ClientHello with no extension.
pub(crate) fn client_hello(cipher_suites: &[CipherSuite]) -> ClientHello {
    ClientHello {
        legacy_version: keyward_wire::values::ProtocolVersion::TLS12,
        random: [0xc1; 32],
        session_id: vec![0x1d; 32],
        cipher_suites: cipher_suites.to_vec(),
        compression_methods: vec![keyward_wire::values::CompressionMethod::NULL],
        extensions: Default::default(),
    }
}

/// What the owner of a key allows.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) rsa_decryption: bool,
    pub(crate) rsa_signing: bool,
    pub(crate) legacy: bool,
    pub(crate) client: bool,
    pub(crate) transcript_hash: bool,
    pub(crate) raw_digest: bool,
    pub(crate) raw_rsa_decryption: bool,
    pub(crate) now: u64,
}

impl Default for Allowed {
    fn default() -> Self {
        Self {
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

impl Allowed {
    pub(crate) fn rules<'a>(&self, identity: &'a Identity) -> KeyRules<'a> {
        KeyRules {
            public_key: identity.key.public_key(),
            rsa_decryption: self.rsa_decryption,
            rsa_signing: self.rsa_signing,
            legacy: self.legacy,
            client: self.client,
            transcript_hash: self.transcript_hash,
            raw_digest: self.raw_digest,
            raw_rsa_decryption: self.raw_rsa_decryption,
            now: self.now,
        }
    }
}

/// An edit of the whole messages, after all else.
pub(crate) type EditMessages = fn(&mut Vec<Vec<u8>>);

/// Checks an operation and drops the proof.
pub(crate) fn check(operation: &Operation, rules: &KeyRules<'_>) -> Result<(), CheckError> {
    operation.check(rules).map(|_: CheckedOperation<'_>| ())
}
