//! The engine's question, as what a peer presented.

use std::convert::Infallible;

use keyward_tls::{CertificateRejection, NeedError, PeerCertificateNeed, PeerName};
use rustls_pki_types::ServerName;

use crate::presented::{KeyUse, Peer, Presented};
use crate::rejection::Rejection;

/// What the engine asks about.
impl<'a> TryFrom<&'a PeerCertificateNeed> for Presented<'a> {
    type Error = Rejection;

    /// # Errors
    ///
    /// [`Rejection::NameMismatch`] for a name that no certificate can have.
    fn try_from(need: &'a PeerCertificateNeed) -> Result<Self, Rejection> {
        let peer = match need.name() {
            Some(name) => Peer::Server(server_name(name)?),
            // Clients have no name, and only they.
            None => Peer::Client,
        };
        Ok(Self {
            chain: need.chain(),
            ocsp: need.ocsp(),
            peer,
            key_use: match need.is_key_transport() {
                true => KeyUse::Decrypts,
                false => KeyUse::Signs,
            },
        })
    }
}

fn server_name(name: &PeerName) -> Result<ServerName<'_>, Rejection> {
    match name {
        PeerName::Ip(address) => Ok((*address).into()),
        PeerName::Dns(name) => {
            ServerName::try_from(name.as_str()).map_err(|_| Rejection::NameMismatch {
                asked: name.as_str().to_owned(),
                names: Vec::new(),
            })
        }
    }
}

impl From<&Rejection> for CertificateRejection {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::NoCertificate => Self::Required,
            Rejection::NotYetValid { .. } | Rejection::Expired { .. } => Self::Expired,
            Rejection::NameMismatch { .. } | Rejection::CommonNameOnly { .. } => Self::NameMismatch,
            Rejection::UnknownIssuer { .. }
            | Rejection::UntrustedRoot { .. }
            | Rejection::SelfSigned { .. } => Self::UnknownAuthority,
            Rejection::ExtendedKeyUsage { .. }
            | Rejection::KeyUsage { .. }
            | Rejection::CriticalExtension { .. } => Self::Unsupported,
            Rejection::Revoked { .. } => Self::Revoked,
            Rejection::NoRevocationList { .. }
            | Rejection::RevocationListExpired { .. }
            | Rejection::RevocationList { .. } => Self::Unknown,
            Rejection::NoStatus { .. } | Rejection::Status(_) => Self::BadStatusResponse,
            Rejection::Malformed { .. }
            | Rejection::BadSignature { .. }
            | Rejection::SignatureAlgorithm { .. }
            | Rejection::WeakKey { .. }
            | Rejection::NotAnAuthority { .. }
            | Rejection::MayNotIssue { .. }
            | Rejection::AuthorityAsPeer { .. }
            | Rejection::PathTooLong { .. }
            | Rejection::NameConstraint { .. }
            | Rejection::TooComplex => Self::Bad,
        }
    }
}

impl From<&Rejection> for NeedError {
    fn from(rejection: &Rejection) -> Self {
        Self::Certificate(rejection.into())
    }
}

impl From<Rejection> for NeedError {
    fn from(rejection: Rejection) -> Self {
        (&rejection).into()
    }
}

/// What is presented already cannot fail to be.
impl From<Infallible> for Rejection {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
