//! A certificate chain of the edge's own, and what is shown beside it.

use std::sync::Arc;

use keyward_tls::{
    CertificateError, Credential, OcspResponse, SignedCertificateTimestampList, UnixTime,
};
use keyward_trust::Staple;

use crate::delegation::Delegation;

/// A chain, and what belongs to it for longer than a moment.
#[derive(Debug, Clone)]
pub(crate) struct OwnChain {
    /// The chain with nothing beside it.
    pub(crate) plain: Arc<Credential>,
    pub(crate) ocsp: Option<Arc<Ocsp>>,
    pub(crate) scts: Option<Arc<SignedCertificateTimestampList>>,
}

/// An OCSP response that was checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ocsp {
    pub(crate) response: Vec<u8>,
    pub(crate) staple: Staple,
}

/// A chain as clients get it at the moment, and what it was made of.
#[derive(Clone)]
pub(crate) struct Dressed {
    pub(crate) credential: Arc<Credential>,
    of: OwnChain,
    delegation: Option<Arc<Delegation>>,
}

impl OwnChain {
    /// A chain with nothing beside it.
    pub(crate) fn bare(plain: Arc<Credential>) -> Self {
        Self {
            plain,
            ocsp: None,
            scts: None,
        }
    }

    /// Whether it is the same, whoever read it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.plain.chain() == other.plain.chain()
            && self.ocsp == other.ocsp
            && self.scts == other.scts
    }

    /// With what is good of all that now. What was made before is kept where it would be made again: the
    /// engine keeps compressed forms with it.
    pub(crate) fn dress(
        &self,
        delegation: Option<&Arc<Delegation>>,
        before: &[Dressed],
        now: UnixTime,
    ) -> Result<Dressed, CertificateError> {
        let mut of = self.clone();
        of.ocsp = of.ocsp.filter(|ocsp| ocsp.staple.is_current(now));
        let delegation = delegation.filter(|delegation| delegation.is_current(now));
        let known = before.iter().find(|known| {
            let same = match (&known.delegation, delegation) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                (None, None) => true,
                _ => false,
            };
            same && known.of.is_same(&of)
        });
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let bare = of.ocsp.is_none() && of.scts.is_none() && delegation.is_none();
        let credential = if bare {
            of.plain.clone()
        } else {
            let mut credential = Credential::new(of.plain.chain().to_vec())?;
            if let Some(ocsp) = &of.ocsp {
                credential = credential.with_ocsp(OcspResponse(ocsp.response.clone()))?;
            }
            if let Some(scts) = &of.scts {
                credential = credential.with_scts((**scts).clone())?;
            }
            if let Some(delegation) = delegation {
                credential = credential.with_delegated(&delegation.credential)?;
            }
            Arc::new(credential)
        };
        Ok(Dressed {
            credential,
            of,
            delegation: delegation.cloned(),
        })
    }
}
