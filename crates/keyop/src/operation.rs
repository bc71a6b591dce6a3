//! The operations as one type.

use core::fmt;
use core::str::FromStr;

use keyward_wire::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};

use crate::certificate_request::CertificateRequest;
use crate::checked::{CheckedOperation, Names};
use crate::checks::messages::Messages;
use crate::delegate_credential::DelegatedCredential;
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::tls12_client_certificate_verify::Tls12ClientCertificateVerify;
use crate::tls12_rsa_master_secret::Tls12RsaMasterSecret;
use crate::tls12_server_key_exchange::Tls12ServerKeyExchange;
use crate::tls13_client_certificate_verify::Tls13ClientCertificateVerify;
use crate::tls13_server_certificate_verify::Tls13ServerCertificateVerify;
use crate::tls13_transcript_hash::Tls13TranscriptHash;

/// The most bytes of handshake messages that an operation may carry.
///
/// Ten times what a handshake with a long certificate chain and a post-quantum key share has.
pub const MAX_MESSAGES_LEN: usize = 128 * 1024;

/// What an edge asks a key server to do.
#[derive(Debug)]
pub enum Operation {
    /// Signs the CertificateVerify of a TLS 1.3 server.
    Tls13ServerCertificateVerify(Tls13ServerCertificateVerify),
    /// Signs the ServerKeyExchange of a TLS 1.2 server.
    Tls12ServerKeyExchange(Tls12ServerKeyExchange),
    /// Decrypts the premaster secret of a TLS 1.2 handshake with RSA key transport.
    Tls12RsaMasterSecret(Tls12RsaMasterSecret),
    /// Signs the CertificateVerify of a TLS 1.3 client.
    Tls13ClientCertificateVerify(Tls13ClientCertificateVerify),
    /// Signs the CertificateVerify of a TLS 1.2 client.
    Tls12ClientCertificateVerify(Tls12ClientCertificateVerify),
    /// Signs a delegated credential.
    DelegatedCredential(DelegatedCredential),
    /// Signs a request for a certificate.
    CertificateRequest(CertificateRequest),
    /// Signs the CertificateVerify of a TLS 1.3 server by the hash of its transcript.
    Tls13TranscriptHash(Tls13TranscriptHash),
}

/// The same for whichever operation it is.
macro_rules! for_each {
    ($self:expr, $operation:ident => $do:expr) => {
        match $self {
            Self::Tls13ServerCertificateVerify($operation) => $do,
            Self::Tls12ServerKeyExchange($operation) => $do,
            Self::Tls12RsaMasterSecret($operation) => $do,
            Self::Tls13ClientCertificateVerify($operation) => $do,
            Self::Tls12ClientCertificateVerify($operation) => $do,
            Self::DelegatedCredential($operation) => $do,
            Self::CertificateRequest($operation) => $do,
            Self::Tls13TranscriptHash($operation) => $do,
        }
    };
}

impl Operation {
    /// Which operation it is.
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Tls13ServerCertificateVerify(_) => OperationKind::Tls13ServerCertificateVerify,
            Self::Tls12ServerKeyExchange(_) => OperationKind::Tls12ServerKeyExchange,
            Self::Tls12RsaMasterSecret(_) => OperationKind::Tls12RsaMasterSecret,
            Self::Tls13ClientCertificateVerify(_) => OperationKind::Tls13ClientCertificateVerify,
            Self::Tls12ClientCertificateVerify(_) => OperationKind::Tls12ClientCertificateVerify,
            Self::DelegatedCredential(_) => OperationKind::DelegatedCredential,
            Self::CertificateRequest(_) => OperationKind::CertificateRequest,
            Self::Tls13TranscriptHash(_) => OperationKind::Tls13TranscriptHash,
        }
    }

    /// The key that it wants to use.
    pub fn key(&self) -> KeyId {
        for_each!(self, operation => operation.key)
    }

    /// How many bytes of handshake, or of what it has in its place, it keeps in memory.
    pub fn payload_len(&self) -> usize {
        for_each!(self, operation => operation.payload_len())
    }

    /// The names that it seems to act for, after a glance: nothing is checked. `None` where they cannot be read. What
    /// [`Operation::check`] finds is what counts.
    pub fn claimed_names(&self) -> Option<Names> {
        let messages = match self {
            Self::Tls13ServerCertificateVerify(operation) => &operation.messages,
            Self::Tls12ServerKeyExchange(operation) => &operation.messages,
            Self::Tls12RsaMasterSecret(operation) => &operation.messages,
            Self::Tls13ClientCertificateVerify(operation) => &operation.messages,
            Self::Tls12ClientCertificateVerify(operation) => &operation.messages,
            Self::DelegatedCredential(_) => return None,
            Self::CertificateRequest(operation) => {
                return Some(Names::Each(operation.names.clone()));
            }
            Self::Tls13TranscriptHash(_) => return Some(Names::Any),
        };
        let client_hello = Messages::new(messages).ok()?.take("ClientHello").ok()?;
        Some(Names::of_client_hello(&client_hello))
    }

    /// Checks everything that the operation itself can show: for a handshake that it is one of a client that lives, at the
    /// point where TLS uses the private key, and that the key is the one. What it cannot show, whether this edge may use
    /// this key for these names, is the key server's policy.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check<'a>(&'a self, rules: &KeyRules<'a>) -> Result<CheckedOperation<'a>, CheckError> {
        if self.key() != KeyId::of_public_key(rules.public_key) {
            return Err(CheckError::WrongKey);
        }
        match (self.kind().role(), rules.client) {
            (Some(Role::Client), false) => return Err(CheckError::NotAClientKey),
            (Some(Role::Server), true) => return Err(CheckError::ClientKey),
            _ => {}
        }
        for_each!(self, operation => operation.check(rules))
    }
}

/// `uint8 kind`, then the fields of the operation.
impl Encode for Operation {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind().code());
        for_each!(self, operation => operation.encode(out));
    }
}

impl<'a> Decode<'a> for Operation {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match OperationKind::decode(reader)? {
            OperationKind::Tls13ServerCertificateVerify => {
                Self::Tls13ServerCertificateVerify(Decode::decode(reader)?)
            }
            OperationKind::Tls12ServerKeyExchange => {
                Self::Tls12ServerKeyExchange(Decode::decode(reader)?)
            }
            OperationKind::Tls12RsaMasterSecret => {
                Self::Tls12RsaMasterSecret(Decode::decode(reader)?)
            }
            OperationKind::Tls13ClientCertificateVerify => {
                Self::Tls13ClientCertificateVerify(Decode::decode(reader)?)
            }
            OperationKind::Tls12ClientCertificateVerify => {
                Self::Tls12ClientCertificateVerify(Decode::decode(reader)?)
            }
            OperationKind::DelegatedCredential => {
                Self::DelegatedCredential(Decode::decode(reader)?)
            }
            OperationKind::CertificateRequest => Self::CertificateRequest(Decode::decode(reader)?),
            OperationKind::Tls13TranscriptHash => {
                Self::Tls13TranscriptHash(Decode::decode(reader)?)
            }
            OperationKind::RawDigest | OperationKind::RawRsaDecryption => {
                return Err(reader.error("OperationKind", DecodeErrorKind::IllegalValue));
            }
        })
    }
}

/// An operation without its content, for permissions, metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OperationKind {
    /// `tls13-server-certificate-verify`
    Tls13ServerCertificateVerify,
    /// `tls12-server-key-exchange`
    Tls12ServerKeyExchange,
    /// `tls12-rsa-master-secret`
    Tls12RsaMasterSecret,
    /// `tls13-client-certificate-verify`
    Tls13ClientCertificateVerify,
    /// `tls12-client-certificate-verify`
    Tls12ClientCertificateVerify,
    /// `delegated-credential`
    DelegatedCredential,
    /// `certificate-request`
    CertificateRequest,
    /// `tls13-transcript-hash`
    Tls13TranscriptHash,
    /// `raw-digest`: a [`RawDigest`](crate::RawDigest), from the listener for gokeyless clients alone.
    RawDigest,
    /// `raw-rsa-decryption`: a [`RawRsaDecryption`](crate::RawRsaDecryption), from the listener for gokeyless clients alone.
    RawRsaDecryption,
}

/// Which side of a handshake does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The side that is connected to.
    Server,
    /// The side that connects.
    Client,
}

impl OperationKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Tls13ServerCertificateVerify,
        Self::Tls12ServerKeyExchange,
        Self::Tls12RsaMasterSecret,
        Self::Tls13ClientCertificateVerify,
        Self::Tls12ClientCertificateVerify,
        Self::DelegatedCredential,
        Self::CertificateRequest,
        Self::Tls13TranscriptHash,
        Self::RawDigest,
        Self::RawRsaDecryption,
    ];

    /// Those of an [`Operation`]: what an edge can ask for.
    pub const TYPED: [Self; 8] = [
        Self::Tls13ServerCertificateVerify,
        Self::Tls12ServerKeyExchange,
        Self::Tls12RsaMasterSecret,
        Self::Tls13ClientCertificateVerify,
        Self::Tls12ClientCertificateVerify,
        Self::DelegatedCredential,
        Self::CertificateRequest,
        Self::Tls13TranscriptHash,
    ];

    /// Whether it is one of [`TYPED`](Self::TYPED).
    pub const fn is_typed(self) -> bool {
        !matches!(self, Self::RawDigest | Self::RawRsaDecryption)
    }

    /// The code on the wire. It never changes its meaning. Raw operations are on no wire of Keyward's: theirs are not
    /// understood by anybody.
    pub const fn code(self) -> u8 {
        match self {
            Self::RawDigest => 0xfe,
            Self::RawRsaDecryption => 0xff,
            Self::Tls13ServerCertificateVerify => 1,
            Self::Tls12ServerKeyExchange => 2,
            Self::Tls12RsaMasterSecret => 3,
            Self::Tls13ClientCertificateVerify => 4,
            Self::Tls12ClientCertificateVerify => 5,
            Self::DelegatedCredential => 6,
            Self::CertificateRequest => 7,
            Self::Tls13TranscriptHash => 8,
        }
    }

    /// The operation with this code, if it is known and typed.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::TYPED.into_iter().find(|kind| kind.code() == code)
    }

    /// The name in configuration, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls13ServerCertificateVerify => "tls13-server-certificate-verify",
            Self::Tls12ServerKeyExchange => "tls12-server-key-exchange",
            Self::Tls12RsaMasterSecret => "tls12-rsa-master-secret",
            Self::Tls13ClientCertificateVerify => "tls13-client-certificate-verify",
            Self::Tls12ClientCertificateVerify => "tls12-client-certificate-verify",
            Self::DelegatedCredential => "delegated-credential",
            Self::CertificateRequest => "certificate-request",
            Self::Tls13TranscriptHash => "tls13-transcript-hash",
            Self::RawDigest => "raw-digest",
            Self::RawRsaDecryption => "raw-rsa-decryption",
        }
    }

    /// Which side does it with its key (see [`KeyRules::client`]). A certificate is asked for by both.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Tls13ServerCertificateVerify
            | Self::Tls12ServerKeyExchange
            | Self::Tls12RsaMasterSecret
            | Self::DelegatedCredential
            | Self::Tls13TranscriptHash
            | Self::RawDigest
            | Self::RawRsaDecryption => Some(Role::Server),
            Self::Tls13ClientCertificateVerify | Self::Tls12ClientCertificateVerify => {
                Some(Role::Client)
            }
            Self::CertificateRequest => None,
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OperationKind {
    type Err = UnknownOperation;

    fn from_str(name: &str) -> Result<Self, UnknownOperation> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or(UnknownOperation)
    }
}

/// No operation has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownOperation;

impl fmt::Display for UnknownOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown operation; known are ")?;
        for (i, kind) in OperationKind::ALL.into_iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{kind}")?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownOperation {}

impl Encode for OperationKind {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.code());
    }
}

impl<'a> Decode<'a> for OperationKind {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let code = reader.u8("OperationKind")?;
        Self::from_code(code)
            .ok_or_else(|| reader.error("OperationKind", DecodeErrorKind::IllegalValue))
    }
}
