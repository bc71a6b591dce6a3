//! The rules of one application, and their application to what a peer presented.

use keyward_tls::UnixTime;
use webpki::EndEntityCert;

use crate::certificate::Certificate;
use crate::crl::{self, RevocationList};
use crate::explain::unreadable;
use crate::ocsp::{self, OcspStatus};
use crate::path::{self, Path};
use crate::presented::{Peer, Presented};
use crate::rejection::Rejection;
use crate::roots::Roots;
use crate::{leaf, names};

/// Whom to trust, and how strictly.
///
/// Without anything said: paths to the roots, names, usages and key strengths are checked, a stapled
/// OCSP response has to be good if there is one, and there has to be one if the certificate says so
/// (RFC 7633). Revocation lists count once there are some; then every certificate of a path needs a
/// list of its issuer that is not out of date. They count for a responder to which a CA delegated its OCSP
/// responses, too, unless its certificate has `id-pkix-ocsp-nocheck`; without lists one without that is
/// trusted only if its certificate lives for seven days at most.
#[derive(Debug)]
pub struct Trust {
    pub(crate) roots: Roots,
    /// The newest first.
    pub(crate) lists: Vec<RevocationList>,
    pub(crate) uncovered_accepted: bool,
    pub(crate) expired_lists_accepted: bool,
    status_required: bool,
}

/// What the checks found out. The first rejection is what a peer is told.
pub(crate) struct Judgement {
    pub(crate) path: Option<Path>,
    pub(crate) status: Option<OcspStatus>,
    pub(crate) rejections: Vec<Rejection>,
}

impl Trust {
    /// Trusts what leads to these certificates.
    pub const fn new(roots: Roots) -> Self {
        Self {
            roots,
            lists: Vec::new(),
            uncovered_accepted: false,
            expired_lists_accepted: false,
            status_required: false,
        }
    }

    /// Checks paths against these revocation lists. Of several lists of a CA the newest counts.
    #[must_use]
    pub fn with_revocation_lists(mut self, lists: Vec<RevocationList>) -> Self {
        self.lists = lists;
        crl::sort(&mut self.lists);
        self
    }

    /// Accepts certificates of issuers that no revocation list is there of.
    #[must_use]
    pub const fn accept_uncovered(mut self) -> Self {
        self.uncovered_accepted = true;
        self
    }

    /// Goes on using revocation lists that are out of date.
    #[must_use]
    pub const fn accept_expired_lists(mut self) -> Self {
        self.expired_lists_accepted = true;
        self
    }

    /// Demands an OCSP response with every certificate.
    #[must_use]
    pub const fn require_status(mut self) -> Self {
        self.status_required = true;
        self
    }

    /// Whether the peer is to be trusted. Takes a [`Presented`], or a
    /// [`&PeerCertificateNeed`](keyward_tls::PeerCertificateNeed) as the engine asks it.
    ///
    /// # Errors
    ///
    /// A [`Rejection`], which says why not.
    pub fn verify<'a, P>(&self, presented: P, now: UnixTime) -> Result<(), Rejection>
    where
        P: TryInto<Presented<'a>>,
        Rejection: From<P::Error>,
    {
        let presented = presented.try_into()?;
        let chain = read_chain(&presented)?;
        let mut rejections = self.judge(&presented, &chain, now).rejections.into_iter();
        rejections.next().map_or(Ok(()), Err)
    }

    /// Applies every rule, also when one is broken already.
    pub(crate) fn judge(
        &self,
        presented: &Presented<'_>,
        chain: &[Certificate<'_>],
        now: UnixTime,
    ) -> Judgement {
        let mut judgement = Judgement {
            path: None,
            status: None,
            rejections: Vec::new(),
        };
        let content = &chain[0];
        let end_entity = match EndEntityCert::try_from(&presented.chain[0]) {
            Ok(end_entity) => end_entity,
            Err(error) => {
                judgement.rejections.push(unreadable(&error, 0, chain));
                return judgement;
            }
        };
        match path::find(self, presented, &end_entity, chain, now) {
            Ok(path) => judgement.path = Some(path),
            Err(rejection) => judgement.rejections.push(rejection),
        }
        if let Peer::Server(asked) = &presented.peer {
            judgement
                .rejections
                .extend(names::check(&end_entity, content, asked).err());
        }
        judgement
            .rejections
            .extend(leaf::check_key_usage(content, presented.key_use).err());
        judgement
            .rejections
            .extend(leaf::check_strength(content).err());
        if let Some(path) = &judgement.path {
            match self.status(presented, content, path, now) {
                Ok(status) => judgement.status = status,
                Err(rejection) => judgement.rejections.push(rejection),
            }
        }
        judgement
    }

    /// The stapled OCSP response, or that there has to be one. A certificate that is trusted as it
    /// stands has no issuer who could revoke it.
    fn status(
        &self,
        presented: &Presented<'_>,
        content: &Certificate<'_>,
        path: &Path,
        now: UnixTime,
    ) -> Result<Option<OcspStatus>, Rejection> {
        let Some(issuer_key) = &path.issuer_key else {
            return Ok(None);
        };
        match presented.ocsp {
            Some(response) => ocsp::check(response, content, issuer_key, Some(self), now).map(Some),
            // Only servers staple to every client that asks.
            None if matches!(presented.peer, Peer::Client) => Ok(None),
            None if self.status_required || content.must_staple() => Err(Rejection::NoStatus {
                certificate: content.title(),
                must_staple: content.must_staple(),
            }),
            None => Ok(None),
        }
    }
}

/// Every certificate of a chain has to parse, used or not; there is at least one.
pub(crate) fn read_chain<'a>(presented: &Presented<'a>) -> Result<Vec<Certificate<'a>>, Rejection> {
    if presented.chain.is_empty() {
        return Err(Rejection::NoCertificate);
    }
    presented
        .chain
        .iter()
        .enumerate()
        .map(|(position, certificate)| {
            Certificate::parse(certificate).map_err(|what| Rejection::Malformed { position, what })
        })
        .collect()
}
