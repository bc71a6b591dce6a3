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

/// What decides about edges.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) tls: Arc<ServerConfig>,
    /// The one in `tls`.
    pub(crate) verifier: Arc<dyn ClientCertVerifier>,
    pub(crate) policy: Arc<Policy>,
}

/// What an edge has shown, and the access that it was let in by.
pub(crate) struct Standing {
    /// Leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
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
                    grant.send_replace(Arc::new(new));
                }
                Err(lost) => return lost,
            }
        }
        // Nothing will change any more: the key server ends, and this connection with it.
        std::future::pending().await
    }

    fn review(&self, access: &Access) -> Result<EdgeGrant, Lost> {
        let (leaf, intermediates) = self
            .chain
            .split_first()
            .ok_or(Lost::Rules(RefusalReason::Edge))?;
        let verified = access
            .verifier
            .verify_client_cert(leaf, intermediates, UnixTime::now());
        match verified {
            Err(error) if !is_about_time(&error) => return Err(Lost::Certificate(error)),
            _ => {}
        }
        let grant = access.policy.edge(&self.identity, self.from);
        grant.map_err(Lost::Rules)
    }
}

/// Whether what is wrong is that time has passed, or that a list is missing. New connections are refused for it; one that was
/// right when it began is not cut.
fn is_about_time(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::ExpiredRevocationList
                | CertificateError::ExpiredRevocationListContext { .. }
                | CertificateError::UnknownRevocationStatus
        )
    )
}
