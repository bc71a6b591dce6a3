//! Certificate chains from PEM files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use keyward_config::NamePattern;
use keyward_crypto::signature::KeyKind;
use keyward_tls::{CertificateError, Credential, SignedCertificateTimestampList, UnixTime};
use keyward_trust::{OcspFault, Rejection, Staple};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tracing::warn;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::own_chain::{Ocsp, OwnChain};

/// Reads the certificates of a PEM file, in the file's order, at least one.
///
/// # Errors
///
/// The file cannot be read, holds no certificate, or holds a private key.
pub(crate) fn read_chain(
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateFileError> {
    let fail = |kind| CertificateFileError {
        file: file.to_owned(),
        kind,
    };
    let text = std::fs::read(file).map_err(|error| fail(Kind::Unreadable(error)))?;
    // The point of an edge is that it has none: a stolen one must cost no certificate. Encrypted
    // keys and kinds that the reader below does not know count as well.
    if text.windows(16).any(|part| part == b"PRIVATE KEY-----") {
        return Err(fail(Kind::PrivateKey));
    }
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| fail(Kind::Malformed(error.to_string())))?;
    if chain.is_empty() {
        return Err(fail(Kind::Empty));
    }
    Ok(chain)
}

/// Reads the chain that a site shows, leaf first.
///
/// # Errors
///
/// As [`read_chain`], or the leaf cannot be used for a server.
pub(crate) fn read_server_certificate(file: &Path) -> Result<Credential, CertificateFileError> {
    Credential::new(read_chain(file)?).map_err(|error| CertificateFileError {
        file: file.to_owned(),
        kind: Kind::Unusable(error),
    })
}

/// Reads the OCSP response for a chain's leaf; `None`, with a warning, if it is out of date.
///
/// # Errors
///
/// The file cannot be read, or what is in it is no response that a client would take.
pub(crate) fn read_ocsp(file: &Path, own: &OwnChain) -> Result<Option<Ocsp>, CertificateFileError> {
    let fail = |kind| CertificateFileError {
        file: file.to_owned(),
        kind,
    };
    let response = std::fs::read(file).map_err(|error| fail(Kind::Unreadable(error)))?;
    if response.len() > Credential::MAX_OCSP_LEN {
        return Err(fail(Kind::TooLong(Credential::MAX_OCSP_LEN)));
    }
    match Staple::check(own.plain.chain(), &response, UnixTime::now()) {
        Ok(staple) => Ok(Some(Ocsp { response, staple })),
        Err(cause @ Rejection::Status(OcspFault::Expired { .. })) => {
            warn!(file = %file.display(), cause = cause.why(), "an OCSP response is not stapled");
            Ok(None)
        }
        Err(cause) => Err(fail(Kind::Ocsp(Box::new(cause)))),
    }
}

/// Reads the certificate transparency timestamps for a chain's leaf.
///
/// # Errors
///
/// The file cannot be read, or holds no list of timestamps.
pub(crate) fn read_scts(
    file: &Path,
    own: &OwnChain,
) -> Result<SignedCertificateTimestampList, CertificateFileError> {
    let fail = |kind| CertificateFileError {
        file: file.to_owned(),
        kind,
    };
    let list = std::fs::read(file).map_err(|error| fail(Kind::Unreadable(error)))?;
    let list = SignedCertificateTimestampList(list);
    Credential::new(own.plain.chain().to_vec())
        .and_then(|credential| credential.with_scts(list.clone()))
        .map_err(|_| fail(Kind::Scts))?;
    Ok(list)
}

/// The DNS names that a certificate is for.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<NamePattern> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let Ok(Some(names)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => name.parse().ok(),
            _ => None,
        })
        .collect()
}

/// Whether the certificate's time is over, or has not come yet, at `now` (seconds since 1970).
/// When it ends, in seconds since 1970.
pub(crate) fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

pub(crate) fn validity_problem(certificate: &CertificateDer<'_>, now: i64) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let validity = parsed.validity();
    if validity.not_after.timestamp() < now {
        Some(format!("it expired at {}", validity.not_after))
    } else if validity.not_before.timestamp() > now {
        Some(format!("it is valid only from {}", validity.not_before))
    } else {
        None
    }
}

/// The order in which chains are offered: ECDSA costs the key server least and keeps the flight
/// small, RSA is there for clients that take nothing else.
pub(crate) fn preference(certificate: &Credential) -> u8 {
    match certificate.public_key().kind() {
        KeyKind::EcP256 => 0,
        KeyKind::EcP384 => 1,
        KeyKind::EcP521 => 2,
        KeyKind::Ed25519 => 3,
        KeyKind::Rsa { .. } => 4,
        KeyKind::RsaPss { .. } => 5,
        // Large, and no client asks for nothing else yet.
        KeyKind::MlDsa44 | KeyKind::MlDsa65 | KeyKind::MlDsa87 => 6,
    }
}

/// Why a file gives no certificates.
#[derive(Debug)]
pub(crate) struct CertificateFileError {
    file: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unreadable(io::Error),
    Malformed(String),
    Empty,
    PrivateKey,
    Unusable(CertificateError),
    TooLong(usize),
    Ocsp(Box<Rejection>),
    Scts,
}

impl CertificateFileError {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match &self.kind {
            Kind::Unreadable(_) => {
                "paths are relative to the folder of this file; check the path and its permissions"
            }
            Kind::Malformed(_) | Kind::Empty => {
                "give a PEM file with the chain, the site's own certificate first"
            }
            Kind::PrivateKey => {
                "move the key to the key server and leave only the certificates in this file"
            }
            Kind::Ocsp(cause) if matches!(**cause, Rejection::UnknownIssuer { .. }) => {
                "add the certificate of the CA to the chain's file: its key signs the responses"
            }
            Kind::TooLong(_) | Kind::Ocsp(_) => {
                "get a new one from the certificate's CA, for example with `openssl ocsp -respout`, in DER"
            }
            Kind::Scts => {
                "give a SignedCertificateTimestampList (RFC 6962 §3.3): two bytes of length, then each \
                 timestamp with two bytes of length before it"
            }
            Kind::Unusable(_) => {
                "have a certificate issued with an RSA (2048 bits or more), ECDSA \
                                  or Ed25519 key"
            }
        }
    }
}

impl fmt::Display for CertificateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.kind {
            Kind::Unreadable(error) => write!(f, "cannot read {file}: {error}"),
            Kind::Malformed(error) => write!(f, "{file} is no valid PEM: {error}"),
            Kind::Empty => write!(f, "{file} holds no certificate"),
            Kind::PrivateKey => {
                write!(f, "{file} holds a private key, which an edge must not have")
            }
            Kind::TooLong(limit) => write!(f, "{file} has more than {limit} bytes"),
            Kind::Ocsp(cause) => write!(f, "{file} cannot be stapled: {}", cause.why()),
            Kind::Scts => write!(f, "{file} holds no list of signed certificate timestamps"),
            Kind::Unusable(error) => write!(f, "{file} cannot be used: {error}"),
        }
    }
}

impl std::error::Error for CertificateFileError {}
