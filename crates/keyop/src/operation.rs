//! The operations as one type.

use core::fmt;
use core::str::FromStr;

use keyward_wire::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};

use crate::checked::CheckedOperation;
use crate::error::CheckError;
use crate::key_id::KeyId;
use crate::rules::KeyRules;
use crate::tls12_client_certificate_verify::Tls12ClientCertificateVerify;
use crate::tls12_rsa_master_secret::Tls12RsaMasterSecret;
use crate::tls12_server_key_exchange::Tls12ServerKeyExchange;
use crate::tls13_client_certificate_verify::Tls13ClientCertificateVerify;
use crate::tls13_server_certificate_verify::Tls13ServerCertificateVerify;

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
        }
    }

    /// The key that it wants to use.
    pub fn key(&self) -> KeyId {
        match self {
            Self::Tls13ServerCertificateVerify(operation) => operation.key,
            Self::Tls12ServerKeyExchange(operation) => operation.key,
            Self::Tls12RsaMasterSecret(operation) => operation.key,
            Self::Tls13ClientCertificateVerify(operation) => operation.key,
            Self::Tls12ClientCertificateVerify(operation) => operation.key,
        }
    }

    /// Checks everything that the operation itself can show: that it is a live handshake of a client,
    /// at the point where TLS uses the private key, and that the key is the one. What it cannot show,
    /// whether this edge may use this key for this name, is the key server's policy.
    pub fn check<'a>(&'a self, rules: &KeyRules<'a>) -> Result<CheckedOperation<'a>, CheckError> {
        if self.key() != KeyId::of_public_key(rules.public_key) {
            return Err(CheckError::WrongKey);
        }
        match (self.kind().is_of_client(), rules.client) {
            (true, false) => return Err(CheckError::NotAClientKey),
            (false, true) => return Err(CheckError::ClientKey),
            (true, true) | (false, false) => {}
        }
        match self {
            Self::Tls13ServerCertificateVerify(operation) => operation.check(rules),
            Self::Tls12ServerKeyExchange(operation) => operation.check(rules),
            Self::Tls12RsaMasterSecret(operation) => operation.check(rules),
            Self::Tls13ClientCertificateVerify(operation) => operation.check(rules),
            Self::Tls12ClientCertificateVerify(operation) => operation.check(rules),
        }
    }
}

/// `uint8 kind`, then the fields of the operation.
impl Encode for Operation {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind().code());
        match self {
            Self::Tls13ServerCertificateVerify(operation) => operation.encode(out),
            Self::Tls12ServerKeyExchange(operation) => operation.encode(out),
            Self::Tls12RsaMasterSecret(operation) => operation.encode(out),
            Self::Tls13ClientCertificateVerify(operation) => operation.encode(out),
            Self::Tls12ClientCertificateVerify(operation) => operation.encode(out),
        }
    }
}

impl<'a> Decode<'a> for Operation {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match OperationKind::decode(reader)? {
            OperationKind::Tls13ServerCertificateVerify => {
                Decode::decode(reader).map(Self::Tls13ServerCertificateVerify)
            }
            OperationKind::Tls12ServerKeyExchange => {
                Decode::decode(reader).map(Self::Tls12ServerKeyExchange)
            }
            OperationKind::Tls12RsaMasterSecret => {
                Decode::decode(reader).map(Self::Tls12RsaMasterSecret)
            }
            OperationKind::Tls13ClientCertificateVerify => {
                Decode::decode(reader).map(Self::Tls13ClientCertificateVerify)
            }
            OperationKind::Tls12ClientCertificateVerify => {
                Decode::decode(reader).map(Self::Tls12ClientCertificateVerify)
            }
        }
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
}

impl OperationKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Tls13ServerCertificateVerify,
        Self::Tls12ServerKeyExchange,
        Self::Tls12RsaMasterSecret,
        Self::Tls13ClientCertificateVerify,
        Self::Tls12ClientCertificateVerify,
    ];

    /// The code on the wire. It never changes its meaning.
    pub const fn code(self) -> u8 {
        match self {
            Self::Tls13ServerCertificateVerify => 1,
            Self::Tls12ServerKeyExchange => 2,
            Self::Tls12RsaMasterSecret => 3,
            Self::Tls13ClientCertificateVerify => 4,
            Self::Tls12ClientCertificateVerify => 5,
        }
    }

    /// The operation with this code, if it is known.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The name in configuration, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls13ServerCertificateVerify => "tls13-server-certificate-verify",
            Self::Tls12ServerKeyExchange => "tls12-server-key-exchange",
            Self::Tls12RsaMasterSecret => "tls12-rsa-master-secret",
            Self::Tls13ClientCertificateVerify => "tls13-client-certificate-verify",
            Self::Tls12ClientCertificateVerify => "tls12-client-certificate-verify",
        }
    }

    /// Whether it is what clients do with their key, which servers' keys must not (see [`KeyRules::client`]).
    pub const fn is_of_client(self) -> bool {
        matches!(
            self,
            Self::Tls13ClientCertificateVerify | Self::Tls12ClientCertificateVerify
        )
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
