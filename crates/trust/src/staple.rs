//! OCSP responses for certificates of one's own, before they are stapled.

use keyward_tls::UnixTime;
use rustls_pki_types::CertificateDer;

use crate::ocsp;
use crate::presented::Presented;
use crate::rejection::Rejection;
use crate::trust::read_chain;

/// An OCSP response that a client will take for the leaf of a chain, until it is out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staple {
    /// When it was made.
    pub this_update: UnixTime,
    /// Until when it is believed: by its `nextUpdate`, or, without one, ten days.
    pub good_until: UnixTime,
}

impl Staple {
    /// Checks a response for the leaf of a server's chain as a client will.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownIssuer`]: the chain does not have the leaf's issuer, whose key signs responses.
    /// Otherwise what is wrong with the response, or [`Rejection::Revoked`].
    pub fn check(
        chain: &[CertificateDer<'_>],
        response: &[u8],
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        let chain = read_chain(&Presented::by_client(chain))?;
        let leaf = &chain[0];
        let issuer = chain[1..]
            .iter()
            .find(|issuer| issuer.subject_der() == leaf.issuer_der())
            .ok_or_else(|| Rejection::UnknownIssuer {
                certificate: leaf.title(),
                issuer: leaf.issuer(),
                issuer_url: None,
            })?;
        let status = ocsp::check(response, leaf, &issuer.public_key_info(), None, now)?;
        Ok(Self {
            this_update: status.this_update,
            good_until: status.good_until(),
        })
    }

    /// Whether clients take it at this time.
    pub fn is_current(&self, now: UnixTime) -> bool {
        now <= self.good_until
    }
}
