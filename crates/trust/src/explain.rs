//! webpki says what rule is broken; this finds out by which certificate.

use keyward_tls::UnixTime;
use webpki::Error;

use crate::certificate::Certificate;
use crate::crl;
use crate::leaf::check_strength;
use crate::presented::Peer;
use crate::rejection::Rejection;
use crate::roots::Roots;
use crate::signature::{SignatureFault, Signed};
use crate::trust::Trust;

/// In our words, about the certificate of the chain that breaks the rule.
pub(crate) fn explain(
    error: Error,
    trust: &Trust,
    peer: &Peer<'_>,
    chain: &[Certificate<'_>],
    now: UnixTime,
) -> Rejection {
    let path = named_path(chain);
    let leaf = &chain[0];
    match error {
        Error::CertExpired { not_after, .. } => {
            let not_after = UnixTime::from_secs(not_after.as_secs());
            Rejection::Expired {
                certificate: title_where(chain, |c| c.not_after() == not_after),
                not_after,
                now,
            }
        }
        Error::CertNotValidYet { not_before, .. } => {
            let not_before = UnixTime::from_secs(not_before.as_secs());
            Rejection::NotYetValid {
                certificate: title_where(chain, |c| c.not_before() == not_before),
                not_before,
                now,
            }
        }
        Error::UnknownIssuer => unknown_issuer(&path, &trust.roots),
        Error::InvalidSignatureForPublicKey
        | Error::SignatureAlgorithmMismatch
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            bad_signature(&path, &trust.roots)
        }
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            let needed = peer.extended_key_usage();
            let lacks = |c: &Certificate<'_>| {
                c.extended_key_usages()
                    .is_some_and(|present| !present.iter().any(|usage| usage == needed))
            };
            let culprit = path.iter().find(|c| lacks(c)).copied().unwrap_or(leaf);
            Rejection::ExtendedKeyUsage {
                certificate: culprit.title(),
                needed,
                present: culprit.extended_key_usages().unwrap_or_default(),
            }
        }
        Error::CaUsedAsEndEntity if leaf.is_self_issued() => Rejection::SelfSigned {
            certificate: leaf.title(),
        },
        Error::CaUsedAsEndEntity => Rejection::AuthorityAsPeer {
            certificate: leaf.title(),
        },
        Error::EndEntityUsedAsCa => {
            let may_not = |c: &&Certificate<'_>| c.is_authority() && !c.may_sign_certificates();
            match chain[1..].iter().find(may_not) {
                Some(authority) if chain[1..].iter().all(Certificate::is_authority) => {
                    Rejection::MayNotIssue {
                        certificate: authority.title(),
                        present: authority.key_usages(),
                    }
                }
                _ => Rejection::NotAnAuthority {
                    certificate: title_where(&chain[1..], |c| !c.is_authority()),
                },
            }
        }
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => {
            Rejection::PathTooLong {
                certificate: shortest_allowance(&path).unwrap_or(leaf).title(),
            }
        }
        Error::NameConstraintViolation => Rejection::NameConstraint {
            certificate: leaf.title(),
            names: leaf.names(),
        },
        Error::UnsupportedCriticalExtension => critical_extension(chain),
        Error::CertRevoked => {
            crl::find_revoked(&trust.lists, chain).unwrap_or_else(|| Rejection::Revoked {
                certificate: leaf.title(),
                source: crate::RevocationSource::List,
                since: None,
                reason: None,
            })
        }
        Error::UnknownRevocationStatus => {
            crl::find_uncovered(&trust.lists, chain).unwrap_or_else(|| {
                Rejection::NoRevocationList {
                    certificate: leaf.title(),
                    issuer: leaf.issuer(),
                    url: leaf.crl_url(),
                }
            })
        }
        Error::CrlExpired { next_update, .. } => {
            crl::expired(&trust.lists, UnixTime::from_secs(next_update.as_secs()))
        }
        Error::InvalidCrlSignatureForPublicKey
        | Error::IssuerNotCrlSigner
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            Rejection::RevocationList {
                what: match error {
                    Error::IssuerNotCrlSigner => {
                        "its CA may not sign lists (no key usage cRLSign)".to_owned()
                    }
                    _ => "its CA did not sign it".to_owned(),
                },
            }
        }
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => Rejection::TooComplex,
        other => Rejection::Malformed {
            position: 0,
            what: other.to_string(),
        },
    }
}

/// A certificate does not even parse as far as a path needs it.
pub(crate) fn unreadable(error: &Error, position: usize, chain: &[Certificate<'_>]) -> Rejection {
    match error {
        Error::UnsupportedCriticalExtension => critical_extension(chain),
        error => Rejection::Malformed {
            position,
            what: error.to_string(),
        },
    }
}

/// From the peer's certificate to its issuer, and so on, by name, as far as the chain reaches.
fn named_path<'c, 'a>(chain: &'c [Certificate<'a>]) -> Vec<&'c Certificate<'a>> {
    let mut path = vec![&chain[0]];
    while path.len() < chain.len() {
        let last = path[path.len() - 1];
        if last.is_self_issued() {
            break;
        }
        let issuer = chain.iter().find(|candidate| {
            candidate.subject_der() == last.issuer_der()
                && !path.iter().any(|seen| seen.der == candidate.der)
        });
        match issuer {
            Some(issuer) => path.push(issuer),
            None => break,
        }
    }
    path
}

fn unknown_issuer(path: &[&Certificate<'_>], roots: &Roots) -> Rejection {
    let last = path[path.len() - 1];
    // Who issued it is trusted, but not to issue.
    let issuer = roots.named(last.issuer_der()).find(|c| !c.may_issue());
    if let Some(issuer) = issuer.filter(|_| !last.is_self_issued()) {
        return Rejection::NotAnAuthority {
            certificate: issuer.title(),
        };
    }
    match (last.is_self_issued(), path.len()) {
        (true, 1) => Rejection::SelfSigned {
            certificate: last.title(),
        },
        (true, _) => Rejection::UntrustedRoot { root: last.title() },
        (false, _) => Rejection::UnknownIssuer {
            certificate: last.title(),
            issuer: last.issuer(),
            issuer_url: last.issuer_url(),
        },
    }
}

/// The first link of the path that does not hold, and why.
fn bad_signature(path: &[&Certificate<'_>], roots: &Roots) -> Rejection {
    for (index, certificate) in path.iter().enumerate() {
        let Ok(signed) = Signed::parse(certificate.der) else {
            continue;
        };
        let trusted: Vec<Certificate<'_>> = roots.named(certificate.issuer_der()).collect();
        let issuers: Vec<&Certificate<'_>> = path
            .get(index + 1)
            .copied()
            .into_iter()
            .chain(&trusted)
            .collect();
        let faults: Vec<SignatureFault> = issuers
            .iter()
            .filter_map(|issuer| signed.verify(&issuer.public_key_info()).err())
            .collect();
        if issuers.is_empty() || faults.len() < issuers.len() {
            continue;
        }
        if faults.contains(&SignatureFault::Algorithm) {
            return Rejection::SignatureAlgorithm {
                certificate: certificate.title(),
                algorithm: certificate.signature_algorithm(),
            };
        }
        let weak = issuers
            .iter()
            .find_map(|issuer| check_strength(issuer).err());
        return weak.unwrap_or_else(|| Rejection::BadSignature {
            certificate: certificate.title(),
            issuer: certificate.issuer(),
        });
    }
    let leaf = path[0];
    Rejection::BadSignature {
        certificate: leaf.title(),
        issuer: leaf.issuer(),
    }
}

/// The CA that has more CAs below itself than it allows.
fn shortest_allowance<'c, 'a>(path: &[&'c Certificate<'a>]) -> Option<&'c Certificate<'a>> {
    path.iter()
        .enumerate()
        .skip(1)
        // The peer's own certificate does not count.
        .find(|(index, ca)| ca.path_length().is_some_and(|allowed| allowed < index - 1))
        .map(|(_, ca)| *ca)
}

fn critical_extension(chain: &[Certificate<'_>]) -> Rejection {
    chain
        .iter()
        .find_map(|certificate| {
            Some(Rejection::CriticalExtension {
                certificate: certificate.title(),
                extension: certificate.unknown_critical_extension()?,
            })
        })
        .unwrap_or_else(|| Rejection::CriticalExtension {
            certificate: chain[0].title(),
            extension: "(of a known kind, with content that is not supported)".to_owned(),
        })
}

fn title_where(chain: &[Certificate<'_>], is_it: impl Fn(&Certificate<'_>) -> bool) -> String {
    chain
        .iter()
        .find(|certificate| is_it(certificate))
        .or(chain.first())
        .map_or_else(|| "a CA".to_owned(), Certificate::title)
}
