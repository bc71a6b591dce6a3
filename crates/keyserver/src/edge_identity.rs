//! Who an edge is: what its certificate says.

use std::fmt;

use keyward_keyop::KeyId;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::SpiffeId;

/// The identity that a verified client certificate gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeIdentity {
    /// The DNS names of its subjectAltName, in lower case.
    pub names: Vec<String>,
    /// The SPIFFE ID of its subjectAltName.
    pub spiffe: Option<SpiffeId>,
    /// The SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: KeyId,
}

impl EdgeIdentity {
    /// Of somebody of whom nothing is known.
    pub fn unknown() -> Self {
        Self {
            names: Vec::new(),
            spiffe: None,
            // Of no key: no SubjectPublicKeyInfo is empty.
            spki_sha256: KeyId::of_spki(&[]),
        }
    }

    /// From a certificate (DER) whose chain and possession the TLS handshake has proved. `None` if it does not parse.
    pub fn from_certificate(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut names = Vec::new();
        let mut uris = Vec::new();
        if let Some(extension) = certificate.subject_alternative_name().ok()? {
            for name in &extension.value.general_names {
                match name {
                    GeneralName::DNSName(name) => names.push(name.to_ascii_lowercase()),
                    GeneralName::URI(uri) => uris.push(*uri),
                    _ => {}
                }
            }
        }
        // X509-SVID §2: "An X.509 SVID MUST contain exactly one URI SAN, and by extension, exactly one SPIFFE ID."
        let spiffe = match uris[..] {
            [uri] => uri.parse().ok(),
            _ => None,
        };
        Some(Self {
            names,
            spiffe,
            spki_sha256: KeyId::of_spki(certificate.public_key().raw),
        })
    }
}

impl fmt::Display for EdgeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.names.first(), &self.spiffe) {
            (Some(name), _) => write!(f, "{}", name.escape_debug()),
            (None, Some(id)) => id.fmt(f),
            (None, None) => write!(f, "spki {}", self.spki_sha256),
        }
    }
}
