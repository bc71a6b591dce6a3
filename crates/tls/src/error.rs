//! Errors, split by who is at fault.

use std::fmt;

use keyward_wire::codec::DecodeError;
use keyward_wire::values::{AlertDescription, HandshakeType};

pub use peer_misbehaved::PeerMisbehaved;

use crate::needs::{NeedError, NeedKind};

mod peer_misbehaved;

/// Why a connection failed. The alert, if there is one, is in the output by the time that the caller
/// sees the error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent what does not parse.
    InvalidMessage(InvalidMessage),
    /// The peer broke the protocol.
    PeerMisbehaved(PeerMisbehaved),
    /// The peer and we have nothing in common in some respect.
    PeerIncompatible(PeerIncompatible),
    /// The peer ended the connection with an alert.
    AlertReceived(AlertDescription),
    /// A need was answered with an error.
    Need(NeedKind, NeedError),
    /// The key server's answer cannot be used; the client has seen nothing of it.
    KeyOperation(KeyOperationFault),
    /// A record that does not decrypt: tampered with, or under another key.
    DecryptError,
    /// The stream ended without a close_notify: truncated, or given up.
    PeerTruncated,
    /// The configuration cannot be used; the text says why.
    Config(&'static str),
    /// The caller ended the connection with [`abort`](crate::Connection::abort).
    Aborted(AlertDescription),
    /// The keys have protected as many records as the AEAD allows and the protocol version cannot
    /// change them (TLS 1.2).
    KeyExhausted,
    /// The engine or what it is built on failed; the text says where.
    Internal(&'static str),
}

impl Error {
    /// The alert that the peer gets, if any.
    pub fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::InvalidMessage(invalid) => Some(invalid.alert()),
            Self::PeerMisbehaved(misbehaved) => Some(misbehaved.alert()),
            Self::PeerIncompatible(incompatible) => Some(incompatible.alert()),
            Self::AlertReceived(_) | Self::PeerTruncated | Self::Config(_) => None,
            Self::Need(_, error) => Some(error.alert()),
            Self::DecryptError => Some(AlertDescription::BAD_RECORD_MAC),
            Self::Aborted(description) => Some(*description),
            Self::KeyOperation(_) | Self::KeyExhausted | Self::Internal(_) => {
                Some(AlertDescription::INTERNAL_ERROR)
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidMessage(invalid) => invalid.fmt(f),
            Self::PeerMisbehaved(misbehaved) => write!(f, "the peer misbehaved: {misbehaved}"),
            Self::PeerIncompatible(incompatible) => {
                write!(f, "the peer is incompatible: {incompatible}")
            }
            Self::AlertReceived(description) => write!(f, "the peer sent the alert {description}"),
            Self::Need(kind, error) => write!(f, "the {kind} need failed: {error}"),
            Self::KeyOperation(fault) => fault.fmt(f),
            Self::DecryptError => f.write_str("a record does not decrypt"),
            Self::PeerTruncated => f.write_str("the peer's stream ended without close_notify"),
            Self::Aborted(description) => write!(f, "aborted with the alert {description}"),
            Self::KeyExhausted => {
                f.write_str("the keys have protected as many records as their AEAD allows")
            }
            Self::Config(what) => write!(f, "the configuration cannot be used: {what}"),
            Self::Internal(what) => write!(f, "internal error: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<PeerMisbehaved> for Error {
    fn from(misbehaved: PeerMisbehaved) -> Self {
        Self::PeerMisbehaved(misbehaved)
    }
}

impl From<PeerIncompatible> for Error {
    fn from(incompatible: PeerIncompatible) -> Self {
        Self::PeerIncompatible(incompatible)
    }
}

impl From<InvalidMessage> for Error {
    fn from(invalid: InvalidMessage) -> Self {
        Self::InvalidMessage(invalid)
    }
}

/// What does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidMessage {
    /// The first bytes are no TLS record: another protocol, or noise.
    NotTls,
    /// A record announces more bytes than a record may have.
    RecordTooLarge,
    /// A record holds more than 2^14 bytes of plaintext.
    PlaintextTooLarge,
    /// A TLS 1.3 record of nothing but padding.
    NoContentType,
    /// A handshake message announces more than [`Limits::handshake_message`](crate::Limits).
    HandshakeMessageTooLarge(HandshakeType),
    /// An alert that is not two bytes.
    Alert,
    /// A change_cipher_spec that is not the one byte 1.
    ChangeCipherSpec,
    /// A handshake message whose content does not parse.
    Handshake(HandshakeType, DecodeError),
}

impl InvalidMessage {
    fn alert(&self) -> AlertDescription {
        match self {
            Self::NotTls => AlertDescription::PROTOCOL_VERSION,
            Self::RecordTooLarge | Self::PlaintextTooLarge => AlertDescription::RECORD_OVERFLOW,
            Self::NoContentType => AlertDescription::UNEXPECTED_MESSAGE,
            Self::HandshakeMessageTooLarge(_) => AlertDescription::ILLEGAL_PARAMETER,
            Self::ChangeCipherSpec => AlertDescription::UNEXPECTED_MESSAGE,
            Self::Alert => AlertDescription::DECODE_ERROR,
            Self::Handshake(_, error) => error.alert(),
        }
    }
}

impl fmt::Display for InvalidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("the peer does not speak TLS"),
            Self::RecordTooLarge => f.write_str("a record is longer than records may be"),
            Self::PlaintextTooLarge => {
                f.write_str("a record's plaintext is longer than 2^14 bytes")
            }
            Self::NoContentType => f.write_str("a record has no content type"),
            Self::HandshakeMessageTooLarge(typ) => write!(f, "the {typ} is larger than allowed"),
            Self::Alert => f.write_str("an alert is not two bytes long"),
            Self::ChangeCipherSpec => f.write_str("a change_cipher_spec is not the one byte 1"),
            Self::Handshake(typ, error) => write!(f, "the {typ} does not parse: {error}"),
        }
    }
}

/// What a peer lacks that we need, or we lack that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerIncompatible {
    /// No version in common.
    NoVersion,
    /// No cipher suite in common.
    NoCipherSuite,
    /// No group in common.
    NoGroup,
    /// No finite field in common, or one without a name (RFC 7919 §3, §4).
    NoFiniteField,
    /// TLS 1.2 without the extended master secret, which the policy requires (RFC 7627 §5.2).
    NoExtendedMasterSecret,
    /// A TLS 1.2 client without the certificate that it must have (RFC 5246 §7.4.6).
    NoTls12ClientCertificate,
    /// No signature scheme that one of the certificates could serve.
    NoSignatureScheme,
    /// No ALPN protocol in common (RFC 7301 §3.2).
    NoApplicationProtocol,
    /// TLS 1.3 without `signature_algorithms` (RFC 9846 §9.2).
    MissingSignatureAlgorithms,
    /// TLS 1.3 without `supported_groups` (RFC 9846 §9.2).
    MissingSupportedGroups,
    /// TLS 1.3 without `key_share` (RFC 9846 §9.2).
    MissingKeyShare,
    /// The client has no certificate, and the site requires one (RFC 9846 §4.5.1.3).
    NoClientCertificate,
    /// An EC point format list without the uncompressed one (RFC 8422 §5.1.2).
    NoUncompressedPoints,
}

impl PeerIncompatible {
    fn alert(&self) -> AlertDescription {
        match self {
            Self::NoVersion => AlertDescription::PROTOCOL_VERSION,
            Self::NoCipherSuite
            | Self::NoGroup
            | Self::NoSignatureScheme
            | Self::NoExtendedMasterSecret
            | Self::NoTls12ClientCertificate => AlertDescription::HANDSHAKE_FAILURE,
            Self::NoClientCertificate => AlertDescription::CERTIFICATE_REQUIRED,
            Self::NoFiniteField => AlertDescription::INSUFFICIENT_SECURITY,
            Self::NoApplicationProtocol => AlertDescription::NO_APPLICATION_PROTOCOL,
            Self::MissingSignatureAlgorithms
            | Self::MissingSupportedGroups
            | Self::MissingKeyShare => AlertDescription::MISSING_EXTENSION,
            Self::NoUncompressedPoints => AlertDescription::ILLEGAL_PARAMETER,
        }
    }
}

impl fmt::Display for PeerIncompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoVersion => "no protocol version in common",
            Self::NoCipherSuite => "no cipher suite in common",
            Self::NoGroup => "no key exchange group in common",
            Self::NoFiniteField => "no finite field of RFC 7919 in common",
            Self::NoExtendedMasterSecret => "no extended master secret",
            Self::NoSignatureScheme => "no signature scheme that a certificate of ours could serve",
            Self::NoApplicationProtocol => "no ALPN protocol in common",
            Self::MissingSignatureAlgorithms => "no signature_algorithms extension",
            Self::MissingSupportedGroups => "no supported_groups extension",
            Self::MissingKeyShare => "no key_share extension",
            Self::NoClientCertificate | Self::NoTls12ClientCertificate => {
                "the client has no certificate, and must have one"
            }
            Self::NoUncompressedPoints => "no uncompressed point format",
        })
    }
}

/// Why the result of a key operation cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyOperationFault {
    /// The signature is not the leaf's over this handshake.
    WrongSignature,
    /// A signature where a master secret was asked for, or the reverse.
    WrongResult,
}

impl fmt::Display for KeyOperationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongSignature => {
                "the key server's signature does not verify with the certificate's public key"
            }
            Self::WrongResult => "the key server answered another operation than was asked",
        })
    }
}

/// The caller used the API in a way that has no meaning here. The connection is unharmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// The answer is to a need of another connection.
    OtherConnection,
    /// No such need is open: never raised, answered and used already, or overtaken by the end of the
    /// connection.
    UnknownNeed,
    /// The need has its answer already.
    AnsweredTwice,
    /// The need is of another kind than the answer.
    WrongKind,
    /// Not before the handshake is complete.
    HandshakeIncomplete,
    /// The version has no KeyUpdate, or as many have been sent as may be (RFC 9846 §4.7.3).
    NoKeyUpdate,
    /// The connection cannot be renegotiated: the policy does not allow it, the client or the version
    /// does not know how, or it has been done too often.
    NoRenegotiation,
    /// Our side of the connection is closed.
    Closed,
    /// The exporter label is empty, longer than 249 bytes, or one that TLS itself derives with.
    ExporterLabel,
    /// More keying material than 255 digests, or a context of more than 65535 bytes.
    ExporterLength,
    /// The TLS 1.2 session lacks the extended master secret, without which its keying material is not
    /// bound to the connection (RFC 7627 §5.4).
    NotExportable,
    /// There is no early data now.
    NoEarlyData,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherConnection => "the answer is for another connection",
            Self::UnknownNeed => "no such need is open",
            Self::AnsweredTwice => "the need has been answered already",
            Self::WrongKind => "the answer is of another kind than the need",
            Self::HandshakeIncomplete => "the handshake is not complete",
            Self::NoKeyUpdate => "this version of TLS has no KeyUpdate, or no further one",
            Self::NoRenegotiation => "the connection cannot be renegotiated",
            Self::Closed => "our side of the connection is closed",
            Self::ExporterLabel => {
                "an exporter label has 1 to 249 bytes, and is none that TLS itself derives with"
            }
            Self::ExporterLength => "too much keying material, or too long a context",
            Self::NotExportable => "the session lacks the extended master secret",
            Self::NoEarlyData => "there is no early data now",
        })
    }
}

impl std::error::Error for Misuse {}
