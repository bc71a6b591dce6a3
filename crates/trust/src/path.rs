//! A path from the peer's certificate to one that is trusted, found and checked by rustls-webpki.

use std::time::Duration;

use keyward_tls::UnixTime;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, RevocationOptions,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};

use crate::algorithms;
use crate::certificate::Certificate;
use crate::explain::explain;
use crate::presented::{Peer, Presented};
use crate::rejection::Rejection;
use crate::trust::Trust;

/// A path that was verified.
pub(crate) struct Path {
    /// Positions in the chain, the peer's own certificate (0) first.
    pub(crate) positions: Vec<usize>,
    /// The key of who issued the peer's certificate; `None` if that is trusted as it stands.
    pub(crate) issuer_key: Option<SubjectPublicKeyInfoDer<'static>>,
}

/// Finds a path for `leaf`, the first certificate of the chain.
pub(crate) fn find(
    trust: &Trust,
    presented: &Presented<'_>,
    leaf: &EndEntityCert<'_>,
    chain: &[Certificate<'_>],
    now: UnixTime,
) -> Result<Path, Rejection> {
    let usage = match presented.peer {
        Peer::Server(_) => KeyUsage::server_auth(),
        Peer::Client => KeyUsage::client_auth(),
    };
    let lists: Vec<&CertRevocationList<'_>> = trust.lists.iter().map(|list| &list.list).collect();
    let verified = leaf.verify_for_usage(
        algorithms::accepted(),
        trust.roots.anchors(),
        &presented.chain[1..],
        webpki_time(now),
        usage,
        revocation(trust, &lists),
        Some(&may_issue),
    );
    match verified {
        Ok(path) => {
            let issuers = path.intermediate_certificates().filter_map(|issuer| {
                presented
                    .chain
                    .iter()
                    .position(|certificate| *certificate == issuer.der())
            });
            Ok(Path {
                positions: std::iter::once(0).chain(issuers).collect(),
                issuer_key: Some(path.issuer_spki().into_owned()),
            })
        }
        // RFC 5280 §6.1 leaves out of a path what is trusted to begin with, so a certificate that
        // is trusted itself has an empty path, which webpki does not know. One that is no CA is no trust
        // anchor either.
        Err(Error::UnknownIssuer | Error::CaUsedAsEndEntity)
            if trust.roots.contains(&presented.chain[0]) =>
        {
            check_pinned(&chain[0], &presented.peer, now)?;
            Ok(Path {
                positions: vec![0],
                issuer_key: None,
            })
        }
        Err(error) => Err(explain(error, trust, &presented.peer, chain, now)),
    }
}

/// What rustls-webpki leaves out: the key usage of the CAs below the root.
fn may_issue(path: &VerifiedPath<'_>) -> Result<(), Error> {
    let may = |der| Certificate::parse(&der).is_ok_and(|ca| ca.may_sign_certificates());
    if path.intermediate_certificates().all(|ca| may(ca.der())) {
        Ok(())
    } else {
        Err(Error::EndEntityUsedAsCa)
    }
}

pub(crate) fn revocation<'a>(
    trust: &Trust,
    lists: &'a [&'a CertRevocationList<'a>],
) -> Option<RevocationOptions<'a>> {
    // An error is an empty list: nothing to check.
    let options = RevocationOptionsBuilder::new(lists).ok()?;
    Some(
        options
            .with_status_policy(if trust.uncovered_accepted {
                UnknownStatusPolicy::Allow
            } else {
                UnknownStatusPolicy::Deny
            })
            .with_expiration_policy(if trust.expired_lists_accepted {
                ExpirationPolicy::Ignore
            } else {
                ExpirationPolicy::Enforce
            })
            .build(),
    )
}

/// A certificate that is trusted as it stands still has its validity and its purposes.
fn check_pinned(leaf: &Certificate<'_>, peer: &Peer<'_>, now: UnixTime) -> Result<(), Rejection> {
    let seconds = |time: UnixTime| time.as_millis() / 1000;
    let certificate = leaf.title();
    if seconds(now) < seconds(leaf.not_before()) {
        return Err(Rejection::NotYetValid {
            certificate,
            not_before: leaf.not_before(),
            now,
        });
    }
    if seconds(now) > seconds(leaf.not_after()) {
        return Err(Rejection::Expired {
            certificate,
            not_after: leaf.not_after(),
            now,
        });
    }
    let needed = peer.extended_key_usage();
    let present = leaf.extended_key_usages();
    if let Some(present) = present
        && !present.iter().any(|usage| usage == needed)
    {
        return Err(Rejection::ExtendedKeyUsage {
            certificate,
            needed,
            present,
        });
    }
    if let Some(extension) = leaf.unknown_critical_extension() {
        return Err(Rejection::CriticalExtension {
            certificate,
            extension,
        });
    }
    Ok(())
}

pub(crate) fn webpki_time(time: UnixTime) -> rustls_pki_types::UnixTime {
    rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_millis(time.as_millis()))
}
