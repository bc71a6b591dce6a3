//! Why a peer is not trusted.

use std::fmt;

use keyward_tls::{CertificateRejection, UnixTime};
use keyward_wire::AlertDescription;

use crate::ocsp::OcspFault;
use crate::presented::KeyUse;
use crate::text::{List, date, span};

/// Why a peer is not trusted. `Display` says it in a sentence, and what would mend it.
///
/// `certificate` is what people call the certificate in question: its common name, or the first
/// name that it is for. Text from certificates has its control characters written out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// An empty chain.
    NoCertificate,
    /// A certificate does not parse.
    Malformed {
        /// Its place in the chain, from 0.
        position: usize,
        /// What is wrong.
        what: String,
    },
    /// A certificate is not valid yet.
    NotYetValid {
        /// Which.
        certificate: String,
        /// When it will be.
        not_before: UnixTime,
        /// What the time is.
        now: UnixTime,
    },
    /// A certificate has expired.
    Expired {
        /// Which.
        certificate: String,
        /// When it did.
        not_after: UnixTime,
        /// What the time is.
        now: UnixTime,
    },
    /// The server's certificate is for other names.
    NameMismatch {
        /// The name or address that was asked for.
        asked: String,
        /// The names and addresses that it is for.
        names: Vec<String>,
    },
    /// The name stands only in the subject's common name, which does not count (RFC 9525 §2).
    CommonNameOnly {
        /// The name or address that was asked for.
        asked: String,
        /// The subject's common name.
        common_name: String,
    },
    /// The path ends at a certificate whose issuer is neither trusted nor in the chain.
    UnknownIssuer {
        /// The last certificate of the path.
        certificate: String,
        /// Its issuer's name.
        issuer: String,
        /// Where the issuer's certificate can be fetched, as the certificate says.
        issuer_url: Option<String>,
    },
    /// The path ends at a CA that signed itself and is not trusted.
    UntrustedRoot {
        /// The CA.
        root: String,
    },
    /// The peer's certificate is signed by itself and not trusted.
    SelfSigned {
        /// Which.
        certificate: String,
    },
    /// A signature was not made by the key of the issuer.
    BadSignature {
        /// The certificate with the signature.
        certificate: String,
        /// Its issuer.
        issuer: String,
    },
    /// A signature uses an algorithm that is broken, such as SHA-1, or unknown.
    SignatureAlgorithm {
        /// The certificate with the signature.
        certificate: String,
        /// The algorithm.
        algorithm: String,
    },
    /// A key is too short.
    WeakKey {
        /// The certificate with the key.
        certificate: String,
        /// Such as `RSA 1024`.
        key: String,
    },
    /// A certificate is not for this purpose (extended key usage).
    ExtendedKeyUsage {
        /// Which.
        certificate: String,
        /// The usage that it lacks.
        needed: &'static str,
        /// Those that it has.
        present: Vec<String>,
    },
    /// The key must not be used as the handshake did (key usage).
    KeyUsage {
        /// Which.
        certificate: String,
        /// What the handshake did.
        key_use: KeyUse,
        /// The usages that it has.
        present: Vec<&'static str>,
    },
    /// A certificate that is no CA's issued another one.
    NotAnAuthority {
        /// Which.
        certificate: String,
    },
    /// A CA issued a certificate of the chain, and its key usage does not allow that.
    MayNotIssue {
        /// Which.
        certificate: String,
        /// The usages that it has.
        present: Vec<&'static str>,
    },
    /// The peer's own certificate is that of a CA.
    AuthorityAsPeer {
        /// Which.
        certificate: String,
    },
    /// More CAs follow than a CA in the path allows below itself.
    PathTooLong {
        /// That CA.
        certificate: String,
    },
    /// A CA in the path may not issue for these names.
    NameConstraint {
        /// The certificate with the names.
        certificate: String,
        /// The names.
        names: Vec<String>,
    },
    /// A certificate has a critical extension that nobody here knows.
    CriticalExtension {
        /// Which.
        certificate: String,
        /// The extension's object identifier.
        extension: String,
    },
    /// Finding a path would take more work than a peer may ask for.
    TooComplex,
    /// A certificate is revoked.
    Revoked {
        /// Which.
        certificate: String,
        /// Who says so.
        source: RevocationSource,
        /// Since when.
        since: Option<UnixTime>,
        /// Why, in RFC 5280's words.
        reason: Option<String>,
    },
    /// No revocation list is there for the issuer of a certificate.
    NoRevocationList {
        /// The certificate.
        certificate: String,
        /// Its issuer.
        issuer: String,
        /// Where the list can be fetched, as the certificate says.
        url: Option<String>,
    },
    /// The newest revocation list of an issuer is out of date.
    RevocationListExpired {
        /// The issuer.
        issuer: String,
        /// Until when it was good.
        next_update: UnixTime,
    },
    /// A revocation list cannot be used.
    RevocationList {
        /// What is wrong.
        what: String,
    },
    /// No OCSP response came, and one is required.
    NoStatus {
        /// The certificate.
        certificate: String,
        /// It says so itself (RFC 7633); otherwise the caller requires it.
        must_staple: bool,
    },
    /// The stapled OCSP response is not good.
    Status(OcspFault),
}

/// Who says that a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationSource {
    /// A revocation list.
    List,
    /// A stapled OCSP response.
    Ocsp,
}

impl Rejection {
    /// The alert that tells the peer (RFC 9846 §6.2).
    pub fn alert(&self) -> AlertDescription {
        CertificateRejection::from(self).alert()
    }

    /// Why, without what would mend it.
    pub fn why(&self) -> String {
        Why(self).to_string()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Why(self).fmt(f)?;
        match self.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

struct Why<'a>(&'a Rejection);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rejection::NoCertificate => f.write_str("the peer presented no certificate"),
            Rejection::Malformed { position, what } => {
                write!(
                    f,
                    "certificate {} of the chain does not parse: {what}",
                    position + 1
                )
            }
            Rejection::NotYetValid {
                certificate,
                not_before,
                now,
            } => write!(
                f,
                "the certificate of {certificate} is not valid before {}, in {}",
                date(*not_before),
                span(not_before.since(*now).unwrap_or_default())
            ),
            Rejection::Expired {
                certificate,
                not_after,
                now,
            } => write!(
                f,
                "the certificate of {certificate} expired on {}, {} ago",
                date(*not_after),
                span(now.since(*not_after).unwrap_or_default())
            ),
            Rejection::NameMismatch { asked, names } if names.is_empty() => {
                write!(
                    f,
                    "the certificate is for no name at all, and {asked} was asked for"
                )
            }
            Rejection::NameMismatch { asked, names } => {
                write!(f, "the certificate is for {}, not for {asked}", List(names))
            }
            Rejection::CommonNameOnly { asked, common_name } => write!(
                f,
                "the certificate says {common_name} only in its common name, and has no subject \
                 alternative name for {asked}"
            ),
            Rejection::UnknownIssuer {
                certificate,
                issuer,
                ..
            } => write!(
                f,
                "the certificate of {certificate} was issued by {issuer}, which is neither trusted \
                 nor among the certificates that the peer sent"
            ),
            Rejection::UntrustedRoot { root } => {
                write!(f, "the chain ends at {root}, a CA that is not trusted")
            }
            Rejection::SelfSigned { certificate } => {
                write!(
                    f,
                    "the certificate of {certificate} is signed by nobody but itself"
                )
            }
            Rejection::BadSignature {
                certificate,
                issuer,
            } => write!(
                f,
                "the signature on the certificate of {certificate} was not made by {issuer}"
            ),
            Rejection::SignatureAlgorithm {
                certificate,
                algorithm,
            } => write!(
                f,
                "the certificate of {certificate} is signed with {algorithm}, which proves nothing"
            ),
            Rejection::WeakKey { certificate, key } => {
                write!(f, "the key of {certificate} is too short: {key}")
            }
            Rejection::ExtendedKeyUsage {
                certificate,
                needed,
                present,
            } => write!(
                f,
                "the certificate of {certificate} is not for {needed} but for {}",
                List(present)
            ),
            Rejection::KeyUsage {
                certificate,
                key_use,
                present,
            } => write!(
                f,
                "the key of {certificate} may not be used to {}: its key usage is {}",
                match key_use {
                    KeyUse::Signs => "sign a handshake (digitalSignature)",
                    KeyUse::Decrypts => "decrypt a premaster secret (keyEncipherment)",
                },
                if present.is_empty() {
                    "empty".to_owned()
                } else {
                    List(present).to_string()
                }
            ),
            Rejection::NotAnAuthority { certificate } => write!(
                f,
                "{certificate} issued a certificate of the chain and is no certificate authority"
            ),
            Rejection::MayNotIssue {
                certificate,
                present,
            } => write!(
                f,
                "{certificate} issued a certificate of the chain, and its key must not sign certificates \
                 (keyCertSign): its key usage is {}",
                if present.is_empty() {
                    "empty".to_owned()
                } else {
                    List(present).to_string()
                }
            ),
            Rejection::AuthorityAsPeer { certificate } => {
                write!(
                    f,
                    "the certificate of {certificate} is that of a certificate authority"
                )
            }
            Rejection::PathTooLong { certificate } => {
                write!(f, "more CAs stand below {certificate} than it allows")
            }
            Rejection::NameConstraint { certificate, names } => write!(
                f,
                "a CA of the chain may not issue for a name of {certificate} ({})",
                List(names)
            ),
            Rejection::CriticalExtension {
                certificate,
                extension,
            } => write!(
                f,
                "the certificate of {certificate} has the critical extension {extension}, whose \
                 meaning is not known here"
            ),
            Rejection::TooComplex => {
                f.write_str("the certificates allow so many paths that not all can be tried")
            }
            Rejection::Revoked {
                certificate,
                source,
                since,
                reason,
            } => {
                write!(f, "the certificate of {certificate} is revoked")?;
                if let Some(since) = since {
                    write!(f, " since {}", date(*since))?;
                }
                if let Some(reason) = reason {
                    write!(f, " ({reason})")?;
                }
                f.write_str(match source {
                    RevocationSource::List => ", as its issuer's revocation list says",
                    RevocationSource::Ocsp => ", as the stapled OCSP response says",
                })
            }
            Rejection::NoRevocationList {
                certificate,
                issuer,
                ..
            } => write!(
                f,
                "whether the certificate of {certificate} is revoked cannot be said: no revocation \
                 list of {issuer} is here"
            ),
            Rejection::RevocationListExpired {
                issuer,
                next_update,
            } => write!(
                f,
                "the revocation list of {issuer} was good until {}",
                date(*next_update)
            ),
            Rejection::RevocationList { what } => {
                write!(f, "a revocation list cannot be used: {what}")
            }
            Rejection::NoStatus {
                certificate,
                must_staple: true,
            } => write!(
                f,
                "the certificate of {certificate} demands a stapled OCSP response, and none came"
            ),
            Rejection::NoStatus { certificate, .. } => write!(
                f,
                "no OCSP response for the certificate of {certificate} was stapled"
            ),
            Rejection::Status(fault) => write!(f, "the stapled OCSP response {fault}"),
        }
    }
}
