//! Who is let in, and what they may do: replaced as a whole while connections are open, which are asked again then.

use std::fmt;
use std::sync::Arc;

use keyward_protocol::RefusalReason;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, Error, ServerConfig};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::sync::watch;

use crate::config::PeerAddress;
use crate::edge_identity::EdgeIdentity;
use crate::policy::{EdgeGrant, Policy};
use crate::store::KeySet;

/// What decides about edges.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) tls: Arc<ServerConfig>,
    /// As the one in `tls`, but lists that are out of date count as well: of edges that are connected.
    pub(crate) verifier: Arc<dyn ClientCertVerifier>,
    pub(crate) policy: Arc<Policy>,
    /// For clients of the older protocol, if they are let in at all.
    pub(crate) gokeyless: Option<Gokeyless>,
    /// When the certificate that edges are shown ends.
    pub(crate) certificate_not_after: Option<i64>,
    /// What `policy` was resolved against.
    pub(crate) keys: Arc<KeySet>,
}

/// What decides about clients of the older protocol, beside the rules.
#[derive(Debug)]
pub(crate) struct Gokeyless {
    pub(crate) tls: Arc<ServerConfig>,
    /// As [`Access::verifier`].
    pub(crate) verifier: Arc<dyn ClientCertVerifier>,
}

/// By which listener somebody came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Keyward,
    Gokeyless,
}

impl Access {
    fn verifier(&self, door: Door) -> Option<&dyn ClientCertVerifier> {
        match door {
            Door::Keyward => Some(self.verifier.as_ref()),
            Door::Gokeyless => self.gokeyless.as_ref().map(|it| it.verifier.as_ref()),
        }
    }
}

/// What an edge has shown, and the access that it was let in by.
pub(crate) struct Standing {
    pub(crate) door: Door,
    /// Leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// When it showed that, and all of it was valid.
    pub(crate) since: UnixTime,
    pub(crate) identity: EdgeIdentity,
    pub(crate) from: PeerAddress,
    pub(crate) access: watch::Receiver<Arc<Access>>,
    /// What its grant is from.
    pub(crate) policy: Arc<Policy>,
}

/// Why an edge that was let in is not any more.
#[derive(Debug)]
pub(crate) enum Lost {
    Certificate(Error),
    Rules(RefusalReason),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(Error::InvalidCertificate(CertificateError::Revoked)) => {
                f.write_str("its certificate is revoked")
            }
            Self::Certificate(error) => {
                write!(f, "its certificate is not accepted any more: {error}")
            }
            Self::Rules(reason) => write!(f, "the rules have changed: {reason}"),
        }
    }
}

impl Standing {
    /// Waits until the edge is not to be here any more. Meanwhile keeps `grant` what it may do.
    pub(crate) async fn lost(&mut self, grant: &watch::Sender<Arc<EdgeGrant>>) -> Lost {
        while self.access.changed().await.is_ok() {
            let access = Arc::clone(&self.access.borrow_and_update());
            match self.review(&access) {
                Ok(_) if Arc::ptr_eq(&self.policy, &access.policy) => {}
                Ok(new) => {
                    self.policy = Arc::clone(&access.policy);
                    let counters = Arc::clone(grant.borrow().operations());
                    grant.send_replace(Arc::new(new.counted(counters)));
                }
                Err(lost) => return lost,
            }
        }
        // Nothing will change any more: the key server ends, and this connection with it.
        std::future::pending().await
    }

    fn review(&self, access: &Access) -> Result<EdgeGrant, Lost> {
        // Where there is no listener any more, nobody has come by it.
        let verifier = access.verifier(self.door);
        let verifier = verifier.ok_or(Lost::Rules(RefusalReason::Edge))?;
        if let Some(error) = refused(verifier, &self.chain, self.since) {
            return Err(Lost::Certificate(error));
        }
        let grant = access.policy.edge(&self.identity, self.from);
        grant.map_err(Lost::Rules)
    }
}

/// Why a chain (leaf first) that was valid `since` then is not to be let in any more.
///
/// It is verified as of that time: that a certificate has ended meanwhile must not hide that it is revoked.
fn refused(
    verifier: &dyn ClientCertVerifier,
    chain: &[CertificateDer<'_>],
    since: UnixTime,
) -> Option<Error> {
    let Some((leaf, intermediates)) = chain.split_first() else {
        return Some(Error::NoCertificatesPresented);
    };
    match verifier.verify_client_cert(leaf, intermediates, since) {
        // A list is missing. New connections are refused for it; one that was right when it began is not cut.
        Err(Error::InvalidCertificate(CertificateError::UnknownRevocationStatus)) | Ok(_) => None,
        Err(error) => Some(error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer,
        KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
    };
    use rustls::RootCertStore;
    use rustls::server::WebPkiClientVerifier;
    use time::OffsetDateTime;

    use super::*;
    use crate::channel::provider;

    #[test]
    fn a_certificate_that_has_ended_is_found_on_a_list() {
        let hour = time::Duration::HOUR;
        let now = OffsetDateTime::now_utc();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let mut edge = CertificateParams::new(["edge.example".to_owned()]).unwrap();
        edge.not_before = now - 3 * hour;
        edge.not_after = now - hour;
        edge.serial_number = Some(SerialNumber::from(7));
        let edge = edge
            .signed_by(&KeyPair::generate().unwrap(), &issuer)
            .unwrap();
        let since = UnixTime::since_unix_epoch(Duration::from_secs(
            u64::try_from((now - hour - hour).unix_timestamp()).unwrap(),
        ));
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let roots = Arc::new(roots);
        for (serial, revoked) in [(7, true), (8, false)] {
            let list = CertificateRevocationListParams {
                this_update: now,
                next_update: now + hour,
                crl_number: SerialNumber::from(1),
                issuing_distribution_point: None,
                revoked_certs: vec![RevokedCertParams {
                    serial_number: SerialNumber::from(serial),
                    revocation_time: now,
                    reason_code: None,
                    invalidity_date: None,
                }],
                key_identifier_method: KeyIdMethod::Sha256,
            };
            let list = list.signed_by(&issuer).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::clone(&roots),
                Arc::new(provider()),
            )
            .with_crls([list.der().clone()])
            .build()
            .unwrap();
            let error = refused(verifier.as_ref(), &[edge.der().clone()], since);
            let expected = revoked.then_some(CertificateError::Revoked);
            assert_eq!(error, expected.map(Error::InvalidCertificate));
        }
    }
}
