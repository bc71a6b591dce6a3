//! Lists of edges' certificates that are revoked (RFC 5280 §5).

use std::cmp::Reverse;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use keyward_config::Problem;
use rustls::RootCertStore;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::config::Config;

/// No list is larger. One of a hundred thousand certificates has four million bytes.
const MAX_LEN: u64 = 64 * 1024 * 1024;

/// Reads the lists of a file, PEM or DER.
pub(crate) fn read(
    config: &Config,
    field: &str,
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Problem> {
    let wrong = |cause: String| {
        config.problem(
            field,
            format!("cannot read {}: {cause}", path.display()),
            "it is a revocation list of the authority in `client_ca`, as PEM or DER",
        )
    };
    let length = std::fs::metadata(path).map(|metadata| metadata.len());
    if length.is_ok_and(|length| length > MAX_LEN) {
        return Err(wrong(format!("it has more than {MAX_LEN} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut lists = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if lists.is_empty() {
        lists.push(bytes.into());
    }
    for list in &lists {
        match CertificateRevocationList::from_der(list) {
            Ok(([], _)) => {}
            _ => return Err(wrong("this is no revocation list".to_owned())),
        }
    }
    Ok(lists)
}

/// Of several lists of one authority, the verifier looks at the first: that is to be the newest.
pub(crate) fn newest_first(lists: &mut [CertificateRevocationListDer<'_>]) {
    lists.sort_by_cached_key(|list| {
        let issued = CertificateRevocationList::from_der(list)
            .map(|(_, list)| list.last_update().timestamp());
        Reverse(issued.unwrap_or(i64::MIN))
    });
}

/// What is right in form and still refuses edges: lists that are out of date, authorities without one. The key server starts with
/// that all the same, but does not do what the configuration says.
pub(crate) fn warnings(
    config: &Config,
    field: &str,
    roots: &RootCertStore,
    lists: &[CertificateRevocationListDer<'_>],
) -> Vec<Problem> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    });
    let mut warnings = Vec::new();
    let mut issuers = Vec::new();
    for list in lists {
        let Ok((_, list)) = CertificateRevocationList::from_der(list) else {
            continue;
        };
        let expired = list.next_update().filter(|next| next.timestamp() < now);
        if let Some(next) = expired {
            let consequence = match config.accept_expired_crl {
                true => "it is used all the same, as `accept_expired_crl` says",
                false => "its edges are refused until there is a newer one",
            };
            let problem = config.problem(
                field,
                format!(
                    "the revocation list of {} ended {next}: {consequence}",
                    list.issuer()
                ),
                "have the authority issue its list again, sooner than the list ends",
            );
            warnings.push(match config.accept_expired_crl {
                true => problem.warning(),
                false => problem,
            });
        }
        issuers.push(list.issuer().as_raw().to_owned());
    }
    for root in &roots.roots {
        // webpki keeps what is in the SEQUENCE, x509-parser all of it.
        let subject = root.subject.as_ref();
        if !lists.is_empty() && !issuers.iter().any(|issuer| issuer.ends_with(subject)) {
            warnings.push(config.problem(
                field,
                "an authority in `client_ca` has no revocation list here: all its edges are refused",
                "add its list, which may be empty",
            ));
        }
    }
    warnings
}
