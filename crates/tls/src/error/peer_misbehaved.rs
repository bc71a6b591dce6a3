//! How a peer breaks the protocol, and the alert that it gets for that.

use std::fmt;

use keyward_compression::DecompressError;
use keyward_wire::values::{
    AlertDescription, CertificateCompressionAlgorithm, ContentType, ExtensionType, HandshakeType,
};

/// What a peer did that the protocol forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// A handshake message out of order.
    UnexpectedHandshake(HandshakeType),
    /// A record of a type that has no place here.
    UnexpectedRecord(ContentType),
    /// An unencrypted record where encryption is in force.
    PlaintextRecord,
    /// Another record between the pieces of a handshake message (RFC 9846 §5.1).
    InterleavedHandshake,
    /// A handshake message across a change of keys, or data behind one (RFC 9846 §5.1).
    HandshakeAcrossKeyChange,
    /// An empty record of a type that must not be empty (RFC 9846 §5.1).
    EmptyRecord,
    /// A flood of records without content.
    TooManyEmptyRecords,
    /// A flood of alerts at warning level.
    TooManyWarnings,
    /// A flood of KeyUpdates without data between them.
    TooManyKeyUpdates,
    /// More early data than the session allows, or than is skipped where it was refused.
    TooMuchEarlyData,
    /// `supported_versions` with a `legacy_version` other than 0x0303 (RFC 9846 §4.2.2).
    LegacyVersion,
    /// A compression method other than null is all that is offered, or one is in TLS 1.3.
    Compression,
    /// `pre_shared_key` without `psk_key_exchange_modes` (RFC 9846 §4.3.9).
    PskWithoutModes,
    /// A PSK binder that is not right.
    BadBinder,
    /// A Finished that is not right.
    BadFinished,
    /// A key share for a group that `supported_groups` lacks.
    KeyShareWithoutGroup,
    /// A key share that is no valid public value of its group.
    BadKeyShare,
    /// The second ClientHello differs from the first where it must not (RFC 9846 §4.2.2).
    SecondClientHelloDiffers,
    /// The second ClientHello has not the one key share that was asked for.
    SecondClientHelloKeyShare,
    /// The second ClientHello offers early data.
    EarlyDataAfterRetry,
    /// The peer resumes without the extended master secret that the session had, or with it though the
    /// session had it not (RFC 7627 §5.3).
    ResumedWithoutExtendedMasterSecret,
    /// `renegotiation_info` that is not empty in a first handshake, or not that of the handshake before
    /// in a renegotiation (RFC 5746 §3).
    BadRenegotiationInfo,
    /// A renegotiation that would change the name, the server's certificate or the application protocol,
    /// or give up the extended master secret or encrypt-then-MAC (RFC 7366 §3.1).
    ChangedByRenegotiation,
    /// A public value of finite-field Diffie-Hellman out of its range (RFC 7919 §3, §4).
    DhPublicOutOfRange,
    /// A server's certificate whose key the cipher suite cannot use (RFC 5246 §7.4.2).
    CertificateDoesNotFitSuite,
    /// A server's certificate whose Key Usage does not allow what the cipher suite does with the key (RFC
    /// 5246 §7.4.2).
    CertificateNotForSuite,
    /// The server returned a session id that names no session (RFC 5246 §7.4.1.3).
    UnofferedSession,
    /// The server resumes a session with another cipher suite than the session's (RFC 5246 §7.4.1.3).
    ResumedWithAnotherSuite,
    /// A second connection attempt at a lower version than the client could (RFC 7507).
    InappropriateFallback,
    /// A ClientKeyExchange that does not fit the negotiated key exchange.
    BadClientKeyExchange,
    /// A peer that goes on renegotiating after it was refused.
    Renegotiation,
    /// The server answers with an extension that was not offered (RFC 9846 §4.3).
    UnsolicitedExtension(ExtensionType),
    /// The server chose a version that was not offered (RFC 9846 §4.3.1).
    UnofferedVersion,
    /// The server says in its random that it could do better than it does (RFC 9846 §4.2.3): somebody has changed the ClientHello.
    Downgrade,
    /// The server has not returned the session id (RFC 9846 §4.2.3).
    SessionIdNotEchoed,
    /// The server chose a cipher suite that was not offered, or not for this version (RFC 9846 §4.2.3).
    UnofferedCipherSuite,
    /// The server chose a group that was not offered, or that it cannot ask for (RFC 9846 §4.2.4, §4.3.8).
    UnofferedGroup,
    /// The server chose a session that was not offered (RFC 9846 §4.3.11).
    UnofferedPsk,
    /// The server chose an ALPN protocol that was not offered (RFC 7301 §3.1).
    UnofferedProtocol,
    /// The peer signed with a scheme that was not offered, or that does not fit its key (RFC 9846 §4.5.2).
    UnofferedSignatureScheme,
    /// A HelloRetryRequest that would change nothing (RFC 9846 §4.2.4).
    PointlessRetry,
    /// A second HelloRetryRequest (RFC 9846 §4.2.4).
    SecondRetry,
    /// A ServerHello that does not keep to its HelloRetryRequest (RFC 9846 §4.2.4).
    ChangedAfterRetry,
    /// Early data is accepted with another session than the first, or with other parameters than the session's (RFC 9846 §4.3.10).
    EarlyDataWithoutSession,
    /// A certificate_request_context that is not empty in the handshake (RFC 9846 §4.4.2, §4.5.1).
    CertificateRequestContext,
    /// A server's Certificate without a certificate (RFC 9846 §4.5.1.3).
    NoCertificate,
    /// A leaf that is no certificate, or whose public key is of no kind that the engine knows.
    BadCertificate,
    /// A leaf whose Key Usage does not allow signatures (RFC 9846 §4.5.1.2).
    CertificateNotForSigning,
    /// A certificate compressed with an algorithm that was not offered (RFC 8879 §4).
    UnofferedCompression(CertificateCompressionAlgorithm),
    /// A compressed certificate that does not decompress to what it announces (RFC 8879 §4).
    CompressedCertificate(DecompressError),
    /// A delegated credential that was not asked for (RFC 9345 §4.1).
    UnaskedDelegatedCredential,
    /// A delegated credential that is not valid (RFC 9345 §4.1.3); the text says why.
    BadDelegatedCredential(&'static str),
    /// A signature over the handshake that is not the leaf's (RFC 9846 §4.5.2).
    BadSignature,
    /// A request for a certificate after the handshake, which was not offered (RFC 9846 §4.7.2).
    PostHandshakeAuthentication,
    /// The server chose TLS 1.2 although early data was sent (RFC 9846 §E.3).
    OldVersionAfterEarlyData,
    /// An extension that has no place in the message that it came in (RFC 9846 §4.3).
    ForbiddenExtension(ExtensionType),
}

impl PeerMisbehaved {
    pub(super) fn alert(&self) -> AlertDescription {
        match self {
            Self::UnexpectedHandshake(_)
            | Self::UnexpectedRecord(_)
            | Self::PlaintextRecord
            | Self::InterleavedHandshake
            | Self::HandshakeAcrossKeyChange
            | Self::EmptyRecord
            | Self::TooManyEmptyRecords
            | Self::TooManyWarnings
            | Self::TooManyKeyUpdates
            | Self::TooMuchEarlyData
            | Self::Renegotiation
            | Self::UnaskedDelegatedCredential
            | Self::SecondRetry
            | Self::PostHandshakeAuthentication => AlertDescription::UNEXPECTED_MESSAGE,
            Self::UnsolicitedExtension(_) => AlertDescription::UNSUPPORTED_EXTENSION,
            Self::PskWithoutModes => AlertDescription::MISSING_EXTENSION,
            Self::BadBinder | Self::BadFinished | Self::BadSignature => {
                AlertDescription::DECRYPT_ERROR
            }
            Self::ResumedWithoutExtendedMasterSecret
            | Self::BadRenegotiationInfo
            | Self::ChangedByRenegotiation
            | Self::DhPublicOutOfRange => AlertDescription::HANDSHAKE_FAILURE,
            Self::LegacyVersion | Self::OldVersionAfterEarlyData => {
                AlertDescription::PROTOCOL_VERSION
            }
            Self::ForbiddenExtension(_) => AlertDescription::ILLEGAL_PARAMETER,
            Self::InappropriateFallback => AlertDescription::INAPPROPRIATE_FALLBACK,
            Self::BadClientKeyExchange | Self::NoCertificate => AlertDescription::DECODE_ERROR,
            // RFC 8879 §4: "If the received CompressedCertificate message cannot be decompressed, the
            // connection MUST be terminated with the "bad_certificate" alert."
            Self::BadCertificate | Self::CompressedCertificate(_) => {
                AlertDescription::BAD_CERTIFICATE
            }
            Self::CertificateNotForSigning | Self::CertificateNotForSuite => {
                AlertDescription::UNSUPPORTED_CERTIFICATE
            }
            Self::Compression
            | Self::KeyShareWithoutGroup
            | Self::BadKeyShare
            | Self::SecondClientHelloDiffers
            | Self::SecondClientHelloKeyShare
            | Self::EarlyDataAfterRetry
            | Self::CertificateDoesNotFitSuite
            | Self::UnofferedSession
            | Self::ResumedWithAnotherSuite
            | Self::UnofferedVersion
            | Self::Downgrade
            | Self::SessionIdNotEchoed
            | Self::UnofferedCipherSuite
            | Self::UnofferedGroup
            | Self::UnofferedPsk
            | Self::UnofferedProtocol
            | Self::UnofferedSignatureScheme
            | Self::PointlessRetry
            | Self::ChangedAfterRetry
            | Self::EarlyDataWithoutSession
            | Self::UnofferedCompression(_)
            | Self::BadDelegatedCredential(_)
            | Self::CertificateRequestContext => AlertDescription::ILLEGAL_PARAMETER,
        }
    }
}

impl fmt::Display for PeerMisbehaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedHandshake(typ) => return write!(f, "a {typ} has no place here"),
            Self::UnexpectedRecord(typ) => {
                return write!(f, "a record of type {typ} has no place here");
            }
            Self::UnsolicitedExtension(extension) => {
                return write!(f, "the extension {extension} was not offered");
            }
            Self::PlaintextRecord => "a record is not encrypted",
            Self::InterleavedHandshake => "a record interrupts a handshake message",
            Self::HandshakeAcrossKeyChange => "handshake data goes on across a change of keys",
            Self::EmptyRecord => "a record is empty",
            Self::TooManyEmptyRecords => "too many records without content",
            Self::TooManyWarnings => "too many warning alerts",
            Self::TooManyKeyUpdates => "too many KeyUpdates without data",
            Self::TooMuchEarlyData => "more early data than allowed",
            Self::LegacyVersion => "supported_versions with a legacy_version that is not 0x0303",
            Self::Compression => "the compression methods are not null alone",
            Self::PskWithoutModes => "pre_shared_key without psk_key_exchange_modes",
            Self::BadBinder => "the PSK binder is wrong",
            Self::BadFinished => "the Finished is wrong",
            Self::KeyShareWithoutGroup => "a key share for a group that is not in supported_groups",
            Self::BadKeyShare => "the key share is no valid public value",
            Self::SecondClientHelloDiffers => "the second ClientHello differs from the first",
            Self::SecondClientHelloKeyShare => {
                "the second ClientHello has not the key share that was asked for"
            }
            Self::EarlyDataAfterRetry => "early data in the second ClientHello",
            Self::ResumedWithoutExtendedMasterSecret => {
                "resumption without the extended master secret of the session"
            }
            Self::BadRenegotiationInfo => "renegotiation_info is not that of the handshake before",
            Self::ChangedByRenegotiation => "a renegotiation would change what must stay as it is",
            Self::DhPublicOutOfRange => "the Diffie-Hellman public value is out of its range",
            Self::CertificateDoesNotFitSuite => {
                "the cipher suite cannot use the key of the server's certificate"
            }
            Self::CertificateNotForSuite => {
                "the Key Usage of the server's certificate does not allow what the cipher suite does"
            }
            Self::UnofferedSession => "the server returned a session id that names no session",
            Self::ResumedWithAnotherSuite => {
                "the server resumes a session with another cipher suite"
            }
            Self::InappropriateFallback => "a fallback to a version lower than the best in common",
            Self::BadClientKeyExchange => "the ClientKeyExchange does not fit the key exchange",
            Self::Renegotiation => "renegotiation after it was refused",
            Self::UnofferedVersion => "the server chose a version that was not offered",
            Self::Downgrade => "the server's random tells of a downgrade",
            Self::SessionIdNotEchoed => "the server has not returned our session id",
            Self::UnofferedCipherSuite => {
                "the server chose a cipher suite that was not offered for the version"
            }
            Self::UnofferedGroup => "the server chose a group that was not offered",
            Self::UnofferedPsk => "the server chose a session that was not offered",
            Self::UnofferedProtocol => {
                "the server chose an application protocol that was not offered"
            }
            Self::UnofferedSignatureScheme => {
                "the peer signed with a scheme that was not offered or does not fit its key"
            }
            Self::PointlessRetry => "a HelloRetryRequest would change nothing",
            Self::SecondRetry => "a second HelloRetryRequest",
            Self::ChangedAfterRetry => "the ServerHello does not keep to the HelloRetryRequest",
            Self::EarlyDataWithoutSession => "early data is accepted without what it depends on",
            Self::CertificateRequestContext => {
                "a certificate_request_context is not empty in the handshake"
            }
            Self::NoCertificate => "the server's Certificate is empty",
            Self::BadCertificate => "the leaf does not parse, or its key is of an unknown kind or too short",
            Self::CertificateNotForSigning => "the leaf's Key Usage does not allow signatures",
            Self::UnofferedCompression(algorithm) => {
                return write!(f, "the certificate compression {algorithm} was not offered");
            }
            Self::CompressedCertificate(error) => return error.fmt(f),
            Self::UnaskedDelegatedCredential => "a delegated credential that was not asked for",
            Self::BadDelegatedCredential(why) => {
                return write!(f, "the delegated credential is not valid: {why}");
            }
            Self::BadSignature => "the peer's signature over the handshake is wrong",
            Self::PostHandshakeAuthentication => "a CertificateRequest after the handshake",
            Self::OldVersionAfterEarlyData => "TLS 1.2 was chosen although early data was sent",
            Self::ForbiddenExtension(extension) => {
                return write!(f, "the extension {extension} has no place here");
            }
        })
    }
}
