//! What would mend a rejection.

use crate::presented::KeyUse;
use crate::rejection::Rejection;

impl Rejection {
    /// What would mend it, if anything but another certificate can; a clause without a full stop.
    pub fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::NoCertificate => return None,
            Self::Malformed { .. } => {
                "the peer has to send its certificates as DER, its own first".to_owned()
            }
            Self::NotYetValid { .. } => {
                "wait, or set the clock of this machine if it is slow".to_owned()
            }
            Self::Expired { .. } => {
                "the peer has to renew it, or the clock of this machine is fast".to_owned()
            }
            Self::NameMismatch { asked, .. } | Self::CommonNameOnly { asked, .. } => format!(
                "connect by a name that it is for, or issue it with the subject alternative name \
                 {asked}"
            ),
            Self::UnknownIssuer { issuer_url, .. } => match issuer_url {
                Some(url) => format!(
                    "the peer has to send its issuer's certificate too (it is at {url}), or that \
                     issuer has to be trusted"
                ),
                None => "the peer has to send its issuer's certificate too, or that issuer has to \
                         be trusted"
                    .to_owned(),
            },
            Self::UntrustedRoot { root } => {
                format!("trust the certificate of {root} if you know that it is right")
            }
            Self::SelfSigned { .. } => {
                "trust this very certificate if you know that it is right, or let a CA issue one"
                    .to_owned()
            }
            Self::BadSignature { .. } => {
                "the chain was put together from certificates that do not belong together, or \
                 somebody altered it"
                    .to_owned()
            }
            Self::SignatureAlgorithm { .. } => {
                "have it issued again with SHA-256 or better".to_owned()
            }
            Self::WeakKey { .. } => {
                "have it issued for an ECDSA key, or for RSA with 2048 bits or more".to_owned()
            }
            Self::MayNotIssue { .. } => {
                "have the CA's certificate issued again with the key usage keyCertSign".to_owned()
            }
            Self::ExtendedKeyUsage { needed, .. } => {
                format!("have one issued with the extended key usage {needed}")
            }
            Self::KeyUsage { key_use, .. } => format!(
                "have one issued with the key usage {}",
                match key_use {
                    KeyUse::Signs => "digitalSignature",
                    KeyUse::Decrypts =>
                        "keyEncipherment, or negotiate a key exchange with forward secrecy",
                }
            ),
            Self::NotAnAuthority { .. } => {
                "if it is a CA, its certificate has to say so (basicConstraints CA:TRUE)".to_owned()
            }
            Self::AuthorityAsPeer { .. } => {
                "let that CA issue a certificate for the peer, with CA:FALSE".to_owned()
            }
            Self::PathTooLong { .. } => {
                "issue from that CA directly, or renew it with a larger pathLenConstraint"
                    .to_owned()
            }
            Self::NameConstraint { .. } => {
                "let a CA issue that is permitted these names".to_owned()
            }
            Self::CriticalExtension { .. } => "have it issued without".to_owned(),
            Self::TooComplex => "the peer has to send only the certificates of its path".to_owned(),
            Self::Revoked { .. } => {
                "the peer has to use a new certificate with a new key".to_owned()
            }
            Self::NoRevocationList { url, .. } => match url {
                Some(url) => format!("get it from {url}"),
                None => "get it from the issuer".to_owned(),
            },
            Self::RevocationListExpired { .. } => "get the present one".to_owned(),
            Self::RevocationList { .. } => "get it from the issuer again".to_owned(),
            Self::NoStatus { .. } => {
                "switch OCSP stapling on in the server, and ask for it in the client".to_owned()
            }
            Self::Status(fault) => fault.remedy().to_owned(),
        })
    }
}
