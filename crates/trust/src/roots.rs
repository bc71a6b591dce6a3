//! The certificates that are trusted to begin with.

use std::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::certificate::Certificate;

/// The certificates that are trusted to begin with: usually of CAs.
///
/// A server's own certificate may be among them: then it is trusted as it stands, for the names in
/// it and as long as it is valid.
#[derive(Clone, Default)]
pub struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    /// Those of them that may issue others. A trust anchor is a name and a key and no longer says what its certificate
    /// was for: a server's own certificate among them would be a CA for every name.
    anchors: Vec<TrustAnchor<'static>>,
}

/// Why a file of trusted certificates cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootsError {
    /// No certificate is in it.
    Empty,
    /// The PEM is damaged.
    Pem(String),
    /// A certificate does not parse; counted from 1.
    Certificate(usize, String),
    /// The system has no certificates, or they cannot be read.
    System(String),
}

impl Roots {
    /// From certificates as DER.
    ///
    /// # Errors
    ///
    /// [`RootsError::Empty`], [`RootsError::Certificate`].
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, RootsError> {
        if certificates.is_empty() {
            return Err(RootsError::Empty);
        }
        let mut anchors = Vec::with_capacity(certificates.len());
        for (index, certificate) in certificates.iter().enumerate() {
            let anchor =
                anchor(certificate).map_err(|cause| RootsError::Certificate(index + 1, cause))?;
            anchors.extend(anchor);
        }
        Ok(Self {
            certificates,
            anchors,
        })
    }

    /// From a file's content: certificates as PEM, or one as DER.
    ///
    /// # Errors
    ///
    /// [`RootsError::Empty`], [`RootsError::Pem`], [`RootsError::Certificate`].
    pub fn parse(content: &[u8]) -> Result<Self, RootsError> {
        let is_der = content.first() == Some(&0x30);
        let certificates = if is_der {
            vec![CertificateDer::from(content.to_vec())]
        } else {
            CertificateDer::pem_slice_iter(content)
                .collect::<Result<_, _>>()
                .map_err(|cause| RootsError::Pem(cause.to_string()))?
        };
        Self::new(certificates)
    }

    /// What the operating system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded). Single
    /// certificates that do not parse are left out.
    ///
    /// # Errors
    ///
    /// [`RootsError::System`] if none can be read.
    pub fn system() -> Result<Self, RootsError> {
        let found = rustls_native_certs::load_native_certs();
        let usable: Vec<_> = found
            .certs
            .into_iter()
            .filter(|certificate| anchor(certificate).is_ok())
            .collect();
        Self::new(usable).map_err(|error| {
            let causes: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            RootsError::System(match error {
                _ if !causes.is_empty() => causes.join("; "),
                RootsError::Empty => "the system has none installed".to_owned(),
                error => error.to_string(),
            })
        })
    }

    /// How many certificates they are.
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Whether nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// Whether exactly this certificate is one of them.
    pub(crate) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.iter().any(|root| root == certificate)
    }

    /// Those whose subject is this DER-encoded name.
    pub(crate) fn named<'a>(
        &'a self,
        subject: &'a [u8],
    ) -> impl Iterator<Item = Certificate<'a>> + 'a {
        self.certificates
            .iter()
            .filter_map(|root| Certificate::parse(root).ok())
            .filter(move |root| root.subject_der() == subject)
    }
}

/// The trust anchor of a certificate that may issue others; `None` for one that is trusted for itself alone.
fn anchor(certificate: &CertificateDer<'_>) -> Result<Option<TrustAnchor<'static>>, String> {
    let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(|e| e.to_string())?;
    let may_issue = Certificate::parse(certificate)?.may_issue();
    Ok(may_issue.then(|| anchor.to_owned()))
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots({})", self.len())
    }
}

impl fmt::Display for RootsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no certificate is in it"),
            Self::Pem(cause) => write!(f, "the PEM cannot be read: {cause}"),
            Self::Certificate(number, cause) => {
                write!(f, "certificate {number} in it cannot be used: {cause}")
            }
            Self::System(cause) => {
                write!(f, "no CA certificates of this system can be read: {cause}")
            }
        }
    }
}

impl std::error::Error for RootsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_version_1_may_issue() {
        let roots = Roots::parse(include_bytes!("../tests/data/v1-ca.pem")).unwrap();
        assert_eq!((roots.len(), roots.anchors().len()), (1, 1));
    }
}
