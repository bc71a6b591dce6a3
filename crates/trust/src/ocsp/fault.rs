//! Why an OCSP response is not good.

use std::fmt;

use keyward_tls::UnixTime;

use crate::text::date;

/// Why a stapled OCSP response is not good. A response that says "revoked" is
/// [`Rejection::Revoked`](crate::Rejection::Revoked).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OcspFault {
    /// It does not parse, or is of a kind that is not known.
    Malformed(String),
    /// It is an error of the responder's, such as `try later`.
    Responder(&'static str),
    /// It is about another certificate.
    OtherCertificate,
    /// Nobody signed it who may: neither the issuer of the certificate nor a responder that the
    /// issuer gave the extended key usage OCSPSigning.
    Unauthorized(String),
    /// It is from the future.
    NotYetValid {
        /// Its `thisUpdate`.
        this_update: UnixTime,
    },
    /// It is out of date.
    Expired {
        /// Its `nextUpdate`, or when it is too old to be believed without one.
        next_update: UnixTime,
    },
    /// The responder does not know the certificate.
    UnknownCertificate,
}

impl OcspFault {
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::OtherCertificate => {
                "the server has to staple the response for the certificate that it shows"
            }
            Self::Responder(_) => "the server has to ask the responder again",
            Self::Unauthorized(_) => "the server has to staple a response of its CA's responder",
            Self::NotYetValid { .. } => "wait, or set the clock of this machine if it is slow",
            Self::Expired { .. } => {
                "the server has to fetch a new one, or the clock of this machine is fast"
            }
            Self::UnknownCertificate => "ask the CA whether it issued this certificate",
        }
    }
}

impl fmt::Display for OcspFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "does not parse: {what}"),
            Self::Responder(what) => write!(f, "is an error of the responder's: {what}"),
            Self::OtherCertificate => f.write_str("is about another certificate"),
            Self::Unauthorized(what) => write!(f, "was signed by nobody who may: {what}"),
            Self::NotYetValid { this_update } => {
                write!(f, "is not good before {}", date(*this_update))
            }
            Self::Expired { next_update } => write!(f, "was good until {}", date(*next_update)),
            Self::UnknownCertificate => {
                f.write_str("says that its responder does not know the certificate")
            }
        }
    }
}
