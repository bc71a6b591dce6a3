//! Why a need has no answer, and the alert that the peer gets for it.

use std::fmt;

use keyward_wire::values::AlertDescription;

/// Why a need has no answer. An error for a [`SessionNeed`](crate::SessionNeed) or
/// [`OfferSessionNeed`](crate::OfferSessionNeed) leads to a full handshake, one for a
/// [`NewSessionNeed`](crate::NewSessionNeed) to no ticket, one for an
/// [`EarlyDataNeed`](crate::EarlyDataNeed) to a handshake without early data, one for a
/// [`PeerCertificateNeed`](crate::PeerCertificateNeed) about a session to be resumed to a full handshake; the others
/// end the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NeedError {
    /// No certificate for this name: alert `unrecognized_name` (RFC 6066 §3).
    UnrecognizedName,
    /// The peer's certificate is not trusted: the alert says why.
    Certificate(CertificateRejection),
    /// Whoever was asked refuses: alert `access_denied`.
    Refused,
    /// Nobody to ask is in reach: alert `internal_error`.
    Unavailable,
    /// Whoever was asked has too much to do: alert `internal_error`.
    Overloaded,
    /// The answer did not come in time: alert `internal_error`.
    Expired,
    /// Something else failed: alert `internal_error`.
    Internal,
}

impl NeedError {
    /// The alert that the peer gets.
    pub const fn alert(self) -> AlertDescription {
        match self {
            Self::UnrecognizedName => AlertDescription::UNRECOGNIZED_NAME,
            Self::Certificate(rejection) => rejection.alert(),
            Self::Refused => AlertDescription::ACCESS_DENIED,
            Self::Unavailable | Self::Overloaded | Self::Expired | Self::Internal => {
                AlertDescription::INTERNAL_ERROR
            }
        }
    }
}

impl fmt::Display for NeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate(rejection) => return rejection.fmt(f),
            Self::UnrecognizedName => "the name is not known",
            Self::Refused => "refused",
            Self::Unavailable => "nobody to ask is in reach",
            Self::Overloaded => "whoever was asked is overloaded",
            Self::Expired => "the answer came too late",
            Self::Internal => "internal error",
        })
    }
}

impl std::error::Error for NeedError {}

/// What is wrong with a peer's certificate, as the alerts of RFC 9846 §6.2 tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateRejection {
    /// It is corrupt, or a signature in the chain is wrong: alert `bad_certificate`.
    Bad,
    /// It is of a kind that is not supported, or not made for this use: alert
    /// `unsupported_certificate`.
    Unsupported,
    /// Its issuer has revoked it: alert `certificate_revoked`.
    Revoked,
    /// It has expired, or is not valid yet: alert `certificate_expired`.
    Expired,
    /// Something else: alert `certificate_unknown`.
    Unknown,
    /// The chain leads to no authority that is trusted: alert `unknown_ca`.
    UnknownAuthority,
    /// The stapled OCSP response is missing or wrong: alert `bad_certificate_status_response`.
    BadStatusResponse,
    /// It is another's certificate: alert `bad_certificate`.
    NameMismatch,
    /// The peer has none, and must have one: alert `certificate_required`, in TLS 1.2
    /// `handshake_failure`.
    Required,
}

impl CertificateRejection {
    /// The alert that the peer gets, in TLS 1.3.
    pub const fn alert(self) -> AlertDescription {
        match self {
            Self::Bad | Self::NameMismatch => AlertDescription::BAD_CERTIFICATE,
            Self::Unsupported => AlertDescription::UNSUPPORTED_CERTIFICATE,
            Self::Revoked => AlertDescription::CERTIFICATE_REVOKED,
            Self::Expired => AlertDescription::CERTIFICATE_EXPIRED,
            Self::Unknown => AlertDescription::CERTIFICATE_UNKNOWN,
            Self::UnknownAuthority => AlertDescription::UNKNOWN_CA,
            Self::BadStatusResponse => AlertDescription::BAD_CERTIFICATE_STATUS_RESPONSE,
            Self::Required => AlertDescription::CERTIFICATE_REQUIRED,
        }
    }
}

impl fmt::Display for CertificateRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bad => "the certificate is bad",
            Self::Unsupported => "the certificate is of a kind that is not supported here",
            Self::Revoked => "the certificate has been revoked",
            Self::Expired => "the certificate has expired or is not valid yet",
            Self::Unknown => "the certificate is not acceptable",
            Self::UnknownAuthority => "the certificate's authority is not trusted",
            Self::BadStatusResponse => "the stapled OCSP response is missing or wrong",
            Self::NameMismatch => "the certificate is not for this name",
            Self::Required => "a certificate is required",
        })
    }
}
