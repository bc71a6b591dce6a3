//! A site's files, read again while the edge runs: chains, clients' CAs and their revocation lists.
//!
//! All or nothing for a site: a chain that is there and a revocation list that is half written yet leave the
//! site as it was, and the next look tries again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tracing::warn;

use crate::certificates::{self, CertificateFileError};
use crate::client_auth::{ClientAuth, ClientAuthError};
use crate::config::{CertificateFile, ClientAuthConfig, SiteConfig};
use crate::own_chain::OwnChain;

/// Where a site's files are, and how they were when they were last looked at.
pub(crate) struct SiteFiles {
    certificates: Vec<CertificateFile>,
    client_auth: Option<ClientAuthConfig>,
    /// `None` until the first look: a file may have changed between the edge's configuration and its start.
    seen: Mutex<Option<Vec<Stamp>>>,
}

/// By what a file that has changed is told. `None`: it is not there.
type Stamp = Option<(SystemTime, u64, u64)>;

/// What was read from all of them.
pub(crate) struct Loaded {
    pub(crate) certificates: Vec<OwnChain>,
    pub(crate) client_auth: Option<Arc<ClientAuth>>,
}

impl SiteFiles {
    pub(crate) fn new(config: &SiteConfig) -> Self {
        Self {
            certificates: config.certificates.clone(),
            client_auth: config.client_auth.clone(),
            seen: Mutex::new(None),
        }
    }

    /// Reads them all if any has changed since the last look, even if that failed: it would fail again.
    pub(crate) fn load_if_changed(&self) -> Result<Option<Loaded>, ReloadError> {
        // Before they are read: what changes meanwhile is seen next time.
        let now: Vec<Stamp> = self.paths().map(stamp).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref() == Some(&now) {
            return Ok(None);
        }
        *seen = Some(now);
        self.load().map(Some)
    }

    fn load(&self) -> Result<Loaded, ReloadError> {
        let certificates = self
            .certificates
            .iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(ReloadError::Certificate)?;
        let client_auth = self
            .client_auth
            .as_ref()
            .map(|config| config.load().map(Arc::new))
            .transpose()
            .map_err(ReloadError::ClientAuth)?;
        Ok(Loaded {
            certificates,
            client_auth,
        })
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let auth = self.client_auth.iter();
        let auth = auth.flat_map(|auth| std::iter::once(&auth.ca).chain(&auth.crls));
        let certificates = self.certificates.iter().flat_map(|certificate| {
            let beside = [&certificate.ocsp, &certificate.scts];
            std::iter::once(&certificate.file).chain(beside.into_iter().flatten())
        });
        certificates.chain(auth).map(PathBuf::as_path)
    }
}

/// A chain has to be good. What is shown beside it is left out, with a warning, if it does not fit: a chain that
/// was renewed must not wait for its OCSP response.
fn read(file: &CertificateFile) -> Result<OwnChain, CertificateFileError> {
    let plain = certificates::read_server_certificate(&file.file)?;
    let mut own = OwnChain::bare(Arc::new(plain));
    own.ocsp = file.ocsp.as_ref().and_then(|path| {
        certificates::read_ocsp(path, &own)
            .map_err(|cause| warn!(%cause, "no OCSP response is stapled"))
            .ok()
            .flatten()
            .map(Arc::new)
    });
    own.scts = file.scts.as_ref().and_then(|path| {
        certificates::read_scts(path, &own)
            .map_err(|cause| warn!(%cause, "no certificate transparency timestamps are sent"))
            .ok()
            .map(Arc::new)
    });
    Ok(own)
}

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

/// Why a site's files are not taken.
#[derive(Debug)]
pub(crate) enum ReloadError {
    Certificate(CertificateFileError),
    ClientAuth(ClientAuthError),
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(cause) => cause.fmt(f),
            Self::ClientAuth(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for ReloadError {}
