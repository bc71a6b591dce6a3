//! Sites, and the choice among them by the name that a client asks for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use keyward_config::{HostName, NamePattern};
use keyward_crypto::hash::HashAlgorithm;
use keyward_tls::{CertificateAnswer, ClientAuthentication, Credential, Policy};

use crate::catalog::Operations;
use crate::chains::{Chains, Wanted};
use crate::client_auth::ClientAuth;
use crate::config::{EarlyDataConfig, SiteConfig};
use crate::http::HttpService;
use crate::site_files::{Loaded, ReloadError, SiteFiles};
use crate::upstream::Connector;

/// All sites of an edge.
pub(crate) struct Sites {
    all: Vec<Arc<Site>>,
    exact: HashMap<HostName, usize>,
    /// By what follows `*.`.
    wildcard: HashMap<HostName, usize>,
    default: Option<usize>,
}

impl Sites {
    /// The configuration has made sure that no name is there twice, and at most one default.
    pub(crate) fn new(all: Vec<Arc<Site>>) -> Self {
        let mut exact = HashMap::new();
        let mut wildcard = HashMap::new();
        for (index, site) in all.iter().enumerate() {
            for name in &site.names {
                match name {
                    NamePattern::Exact(name) => exact.insert(name.clone(), index),
                    NamePattern::Wildcard(parent) => wildcard.insert(parent.clone(), index),
                };
            }
        }
        Self {
            default: all.iter().position(|site| site.default),
            all,
            exact,
            wildcard,
        }
    }

    /// The site for a name in lower case, without a dot at the end: an exact one first, then a wildcard, then the default.
    pub(crate) fn find(&self, name: Option<&str>) -> Option<&Arc<Site>> {
        let by_name = name.and_then(|name| {
            let wildcard =
                || NamePattern::parent_of(name).and_then(|parent| self.wildcard.get(parent));
            self.exact.get(name).or_else(wildcard)
        });
        by_name
            .copied()
            .or(self.default)
            .map(|index| &self.all[index])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.all.iter()
    }
}

/// One site.
pub(crate) struct Site {
    pub(crate) names: Vec<NamePattern>,
    pub(crate) service: Service,
    pub(crate) early_data: Option<EarlyDataConfig>,
    default: bool,
    policy: Arc<Policy>,
    alpn: Vec<Vec<u8>>,
    /// What of the session context does not change while the edge runs.
    identity: Vec<u8>,
    from_catalog: bool,
    files: SiteFiles,
    presented: RwLock<Presented>,
}

/// What is behind a site.
pub(crate) enum Service {
    /// Requests are forwarded.
    Http(Arc<HttpService>),
    /// Bytes are.
    Tcp(Connector),
}

/// What clients are shown and asked for: replaced as a whole when the files or the catalog change.
struct Presented {
    chains: Arc<Chains>,
    client_auth: Option<Arc<ClientAuth>>,
    session_context: Vec<u8>,
    /// The catalog's word about keys, for chains that come later.
    operations: Option<Arc<Operations>>,
}

impl Site {
    pub(crate) fn new(config: &SiteConfig, service: Service) -> Self {
        let certificates = config
            .certificates
            .iter()
            .map(|file| file.certificate.clone());
        let client_auth = config.client_auth.as_ref().map(|auth| auth.loaded.clone());
        let identity = identity(config);
        Self {
            names: config.names.clone(),
            service,
            early_data: config.early_data.clone(),
            default: config.default,
            policy: config.policy.clone(),
            alpn: config.alpn.clone(),
            from_catalog: config.certificates.is_empty(),
            files: SiteFiles::new(config),
            presented: RwLock::new(Presented {
                chains: Arc::new(Chains::new(certificates)),
                session_context: session_context(&identity, client_auth.as_deref()),
                client_auth,
                operations: None,
            }),
            identity,
        }
    }

    /// The site's names, for the log.
    pub(crate) fn title(&self) -> String {
        if self.names.is_empty() {
            return "(default)".to_owned();
        }
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        names.join(" ")
    }

    /// Takes what a new catalog has for this site: what may be done with its keys, and chains, if
    /// they are to come from there.
    pub(crate) fn take_catalog(&self, chains: &[Arc<Credential>], operations: &Arc<Operations>) {
        let mut presented = self.write();
        let ours = if self.from_catalog {
            Chains::new(chains.iter().cloned()).for_names(&self.names)
        } else {
            (*presented.chains).clone()
        };
        presented.chains = Arc::new(ours.with_operations(operations));
        presented.operations = Some(operations.clone());
    }

    /// Reads the site's files again if any of them has changed; whether it has. Waits for the disk.
    ///
    /// # Errors
    ///
    /// One of them cannot be used: then the site goes on with all that it had.
    pub(crate) fn reload(&self) -> Result<bool, ReloadError> {
        let Some(loaded) = self.files.load_if_changed()? else {
            return Ok(false);
        };
        Ok(self.take_files(loaded))
    }

    fn take_files(&self, loaded: Loaded) -> bool {
        let mut presented = self.write();
        let mut changed = false;
        if !self.from_catalog {
            let before: Vec<_> = presented.chains.all().cloned().collect();
            let (now, new) = loaded.certificates_beside(&before);
            if new {
                let mut chains = Chains::new(now);
                if let Some(operations) = &presented.operations {
                    chains = chains.with_operations(operations);
                }
                presented.chains = Arc::new(chains);
                changed = true;
            }
        }
        let digest =
            |auth: &Option<Arc<ClientAuth>>| auth.as_ref().map(|auth| auth.digest().to_vec());
        if digest(&presented.client_auth) != digest(&loaded.client_auth) {
            presented.session_context =
                session_context(&self.identity, loaded.client_auth.as_deref());
            presented.client_auth = loaded.client_auth;
            changed = true;
        }
        changed
    }

    /// The chains in use.
    pub(crate) fn certificates(&self) -> Vec<Arc<Credential>> {
        self.read().chains.all().cloned().collect()
    }

    /// By what clients' certificates are judged, if clients are asked for any.
    pub(crate) fn client_auth(&self) -> Option<Arc<ClientAuth>> {
        self.read().client_auth.clone()
    }

    /// What the engine needs for a client, or `None` as long as the catalog with this site's chains
    /// has not come.
    pub(crate) fn answer(&self, wanted: Wanted<'_>) -> Option<CertificateAnswer> {
        let presented = self.read();
        if presented.chains.is_empty() {
            return None;
        }
        let asked = presented.client_auth.as_ref();
        Some(CertificateAnswer {
            candidates: presented.chains.ordered(wanted),
            policy: self.policy.clone(),
            alpn: self.alpn.clone(),
            session_context: presented.session_context.clone(),
            max_early_data: self.early_data.as_ref().map_or(0, |limit| limit.max_bytes),
            client_authentication: asked.map_or(ClientAuthentication::Off, |auth| auth.asked()),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Presented> {
        self.presented
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Presented> {
        self.presented
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sessions of another site, or of another policy, are not resumed: what was agreed there need not
/// be allowed here.
fn identity(config: &SiteConfig) -> Vec<u8> {
    let mut hash = HashAlgorithm::Sha256.start();
    for name in &config.names {
        hash.update(name.to_string().as_bytes());
        hash.update(b"\n");
    }
    hash.update(config.upstream.to_string().as_bytes());
    hash.update(format!("\n{:?}", config.policy).as_bytes());
    hash.finish().to_vec()
}

/// Nor is one in which the client was asked in another way.
fn session_context(identity: &[u8], client_auth: Option<&ClientAuth>) -> Vec<u8> {
    let mut hash = HashAlgorithm::Sha256.start();
    hash.update(identity);
    hash.update(client_auth.map_or(b"", ClientAuth::session_digest));
    hash.finish().to_vec()
}
