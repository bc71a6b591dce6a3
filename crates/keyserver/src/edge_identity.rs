//! Who an edge is: what its certificate says.

use std::fmt;

use keyward_keyop::KeyId;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The identity that a verified client certificate gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeIdentity {
    /// The DNS names of its subjectAltName, in lower case.
    pub names: Vec<String>,
    /// The SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: KeyId,
}

impl EdgeIdentity {
    /// From a certificate (DER) whose chain and possession the TLS handshake has proved. `None` if it does not parse.
    pub fn from_certificate(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = match certificate.subject_alternative_name() {
            Ok(Some(extension)) => extension
                .value
                .general_names
                .iter()
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                    _ => None,
                })
                .collect(),
            Ok(None) => Vec::new(),
            Err(_) => return None,
        };
        Some(Self {
            names,
            spki_sha256: KeyId::of_spki(certificate.public_key().raw),
        })
    }
}

impl fmt::Display for EdgeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names.first() {
            Some(name) => write!(f, "{}", name.escape_debug()),
            None => write!(f, "spki {}", self.spki_sha256),
        }
    }
}
