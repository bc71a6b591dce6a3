//! Revocation lists (RFC 5280 §5).

use keyward_tls::UnixTime;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::certificate::{Certificate, unix_time};
use crate::rejection::{Rejection, RevocationSource};
use crate::text::printable;

/// A CA's list of certificates that it revoked. Its signature is checked when it is used.
#[derive(Debug)]
pub struct RevocationList {
    pub(crate) list: CertRevocationList<'static>,
    issuer_der: Vec<u8>,
    issuer: String,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
}

impl RevocationList {
    /// From a file's content: lists as PEM, or one as DER.
    ///
    /// # Errors
    ///
    /// [`Rejection::RevocationList`]: it does not parse, or is of a kind that is not supported
    /// (delta and indirect lists, lists for some reasons only).
    pub fn parse(content: &[u8]) -> Result<Vec<Self>, Rejection> {
        if content.first() == Some(&0x30) {
            return Ok(vec![Self::from_der(content)?]);
        }
        let lists = CertificateRevocationListDer::pem_slice_iter(content)
            .map(|der| Self::from_der(&der.map_err(invalid)?))
            .collect::<Result<Vec<_>, _>>()?;
        if lists.is_empty() {
            return Err(invalid("no revocation list is in it"));
        }
        Ok(lists)
    }

    /// From DER.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn from_der(der: &[u8]) -> Result<Self, Rejection> {
        let list =
            OwnedCertRevocationList::from_der(der).map_err(|error| invalid(unusable(&error)))?;
        let (_, parsed) = CertificateRevocationList::from_der(der).map_err(invalid)?;
        Ok(Self {
            list: list.into(),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            issuer: printable(&parsed.issuer().to_string()),
            this_update: unix_time(parsed.last_update()),
            next_update: parsed.next_update().map(unix_time),
        })
    }

    /// The CA that issued it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// When it was issued.
    pub const fn this_update(&self) -> UnixTime {
        self.this_update
    }

    /// Until when the next one will be there.
    pub const fn next_update(&self) -> Option<UnixTime> {
        self.next_update
    }

    /// Whether it is of the CA that issued this certificate.
    fn covers(&self, certificate: &Certificate<'_>) -> bool {
        self.issuer_der == certificate.issuer_der()
    }

    /// The rejection for a certificate that this list revokes.
    fn revokes(&self, certificate: &Certificate<'_>) -> Option<Rejection> {
        if !self.covers(certificate) {
            return None;
        }
        let entry = self.list.find_serial(certificate.serial()).ok()??;
        Some(Rejection::Revoked {
            certificate: certificate.title(),
            source: RevocationSource::List,
            since: Some(UnixTime::from_secs(entry.revocation_date.as_secs())),
            reason: entry
                .reason_code
                .and_then(|reason| reason_name(reason as u8))
                .map(ToOwned::to_owned),
        })
    }
}

/// The newest first: path validation takes the first of a CA.
pub(crate) fn sort(lists: &mut [RevocationList]) {
    lists.sort_by_key(|list| std::cmp::Reverse(list.this_update.as_millis()));
}

/// Path validation says that one of these is revoked: which, since when and why.
pub(crate) fn find_revoked(
    lists: &[RevocationList],
    chain: &[Certificate<'_>],
) -> Option<Rejection> {
    chain
        .iter()
        .find_map(|certificate| lists.iter().find_map(|list| list.revokes(certificate)))
}

/// Path validation says that for one of these no list is there: which.
pub(crate) fn find_uncovered(
    lists: &[RevocationList],
    chain: &[Certificate<'_>],
) -> Option<Rejection> {
    chain
        .iter()
        .filter(|certificate| !certificate.is_self_issued())
        .find(|certificate| !lists.iter().any(|list| list.covers(certificate)))
        .map(|certificate| Rejection::NoRevocationList {
            certificate: certificate.title(),
            issuer: certificate.issuer(),
            url: certificate.crl_url(),
        })
}

/// Path validation says that a list which is good until this time is out of date.
pub(crate) fn expired(lists: &[RevocationList], next_update: UnixTime) -> Rejection {
    let issuer = lists
        .iter()
        .find(|list| list.next_update == Some(next_update))
        .map_or("a CA", |list| &list.issuer);
    Rejection::RevocationListExpired {
        issuer: issuer.to_owned(),
        next_update,
    }
}

/// Why a list is not used, in words.
fn unusable(error: &webpki::Error) -> String {
    use webpki::Error;
    match error {
        Error::UnsupportedCrlVersion => "it is of version 1, which has no extensions".to_owned(),
        Error::UnsupportedDeltaCrl => "it is a delta list, and the whole one is needed".to_owned(),
        Error::UnsupportedIndirectCrl => {
            "it is an indirect list, of certificates that others issued".to_owned()
        }
        Error::UnsupportedRevocationReasonsPartitioning => {
            "it is for some reasons of revocation only".to_owned()
        }
        // RFC 5280 §5.2: authority key identifier and CRL number are mandatory.
        Error::MalformedExtensions => {
            "its extensions are malformed, or it has no authority key identifier or CRL number"
                .to_owned()
        }
        error => error.to_string(),
    }
}

fn invalid(what: impl ToString) -> Rejection {
    Rejection::RevocationList {
        what: what.to_string(),
    }
}

/// A reason code of RFC 5280 §5.3.1 in words; "unspecified" says nothing.
pub(crate) const fn reason_name(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "key compromise",
        2 => "CA compromise",
        3 => "affiliation changed",
        4 => "superseded",
        5 => "cessation of operation",
        6 => "certificate hold",
        8 => "removed from the list",
        9 => "privilege withdrawn",
        10 => "attribute authority compromise",
        _ => return None,
    })
}
