//! Sites, and the choice among them by the name that a client asks for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use keyward_config::{HostName, NamePattern};
use keyward_crypto::hash::HashAlgorithm;
use keyward_keyop::{KeyId, OperationKind};
use keyward_tls::{CertificateAnswer, ClientAuthentication, Credential, Policy, UnixTime};

use crate::catalog::Operations;
use crate::certificates;
use crate::chains::{Chains, Wanted};
use crate::client_auth::ClientAuth;
use crate::config::{EarlyDataConfig, SiteConfig, UpstreamAddress};
use crate::delegation::{self, Delegation};
use crate::http::HttpService;
use crate::own_chain::{Dressed, OwnChain};
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
    /// How long delegated credentials are good for, if it has any.
    pub(crate) delegated: Option<Duration>,
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

/// What clients are shown and asked for.
struct Presented {
    /// The chains with all that belongs to them.
    own: Vec<OwnChain>,
    /// The edge's delegated credentials, each for one of the chains.
    delegations: Vec<Arc<Delegation>>,
    /// The chains with what of it is good at the moment.
    dressed: Vec<Dressed>,
    /// The same in the order of preference.
    chains: Arc<Chains>,
    client_auth: Option<Arc<ClientAuth>>,
    session_context: Vec<u8>,
    /// The catalog's word about keys.
    operations: Option<Arc<Operations>>,
}

impl Presented {
    /// Brings what is shown up to date; whether that changed anything.
    fn update(&mut self, now: UnixTime) -> bool {
        self.delegations
            .retain(|delegation| delegation.is_current(now));
        let mut dressed = Vec::with_capacity(self.own.len());
        for own in &self.own {
            let leaf = own.plain.chain().first();
            let delegation = self
                .delegations
                .iter()
                .find(|delegation| leaf.is_some_and(|leaf| delegation.leaf == leaf.as_ref()));
            // With all that belongs to it, or with nothing: each piece was tried when it came.
            let one = own
                .dress(delegation, &self.dressed, now)
                .or_else(|_| OwnChain::bare(own.plain.clone()).dress(None, &self.dressed, now));
            dressed.extend(one.ok());
        }
        let same = |one: &Dressed, other: &Dressed| Arc::ptr_eq(&one.credential, &other.credential);
        let changed = self.dressed.len() != dressed.len()
            || self
                .dressed
                .iter()
                .zip(&dressed)
                .any(|(one, other)| !same(one, other));
        self.dressed = dressed;
        if changed {
            self.arrange();
        }
        changed
    }

    /// Makes the order of preference anew.
    fn arrange(&mut self) {
        let credentials = self
            .dressed
            .iter()
            .map(|dressed| dressed.credential.clone());
        let mut chains = Chains::new(credentials);
        if let Some(operations) = &self.operations {
            chains = chains.with_operations(operations);
        }
        self.chains = Arc::new(chains);
    }
}

impl Site {
    pub(crate) fn new(config: &SiteConfig, service: Service) -> Self {
        let client_auth = config.client_auth.as_ref().map(|auth| auth.loaded.clone());
        let identity = identity(config);
        let mut presented = Presented {
            own: config
                .certificates
                .iter()
                .map(|file| file.own.clone())
                .collect(),
            delegations: Vec::new(),
            dressed: Vec::new(),
            chains: Arc::default(),
            session_context: session_context(&identity, client_auth.as_deref()),
            client_auth,
            operations: None,
        };
        presented.update(UnixTime::now());
        Self {
            names: config.names.clone(),
            service,
            early_data: config.early_data.clone(),
            delegated: config.delegated_credential,
            default: config.default,
            policy: config.policy.clone(),
            alpn: config.alpn.clone(),
            from_catalog: config.certificates.is_empty(),
            files: SiteFiles::new(config),
            presented: RwLock::new(presented),
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

    /// The names for whose sessions other edges may have the ticket keys. A site that takes early data shares none: each edge
    /// knows only the early data that came to itself, so the same could be sent once to each. Nor does one that asks for
    /// clients' certificates: a session says who the client is, and whoever has the key can write what he likes.
    pub(crate) fn shared_names(&self) -> Option<&[NamePattern]> {
        (self.early_data.is_none() && self.client_auth().is_none()).then_some(&self.names[..])
    }

    /// Takes what a new catalog has for this site: what may be done with its keys, and chains, if
    /// they are to come from there.
    pub(crate) fn take_catalog(&self, chains: &[Arc<Credential>], operations: &Arc<Operations>) {
        let mut presented = self.write();
        if self.from_catalog {
            let ours = chains.iter().filter(|chain| self.is_for_us(chain));
            presented.own = ours.cloned().map(OwnChain::bare).collect();
        }
        presented.operations = Some(operations.clone());
        // A key server that would sign none any more wants none in use either.
        let own = std::mem::take(&mut presented.own);
        presented.delegations.retain(|delegation| {
            own.iter().any(|own| {
                own.plain.chain()[0].as_ref() == delegation.leaf && may_delegate(own, operations)
            })
        });
        presented.own = own;
        presented.update(UnixTime::now());
        presented.arrange();
        presented.chains.verify_next_signatures();
    }

    /// Whether a chain is for any of the site's names; all are for a site without.
    fn is_for_us(&self, chain: &Credential) -> bool {
        let names = chain.chain().first().map(certificates::names);
        let names = names.unwrap_or_default();
        let covered = |ours: &NamePattern| names.iter().any(|name| name.covers(ours));
        self.names.is_empty() || self.names.iter().any(covered)
    }

    /// Takes what was good out when it is not any more: an OCSP response, a delegated credential.
    pub(crate) fn tidy(&self, now: UnixTime) {
        self.write().update(now);
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
            presented.own = loaded.certificates;
            changed = presented.update(UnixTime::now());
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

    /// The chains for which a delegated credential is wanted now.
    pub(crate) fn to_delegate(&self, now: UnixTime) -> Vec<Arc<Credential>> {
        let Some(lifetime) = self.delegated else {
            return Vec::new();
        };
        let presented = self.read();
        let operations = presented.operations.as_ref();
        let allowed =
            |own: &OwnChain| operations.is_some_and(|operations| may_delegate(own, operations));
        let wants = |own: &&OwnChain| {
            let delegation = presented
                .delegations
                .iter()
                .find(|delegation| delegation.leaf == own.plain.chain()[0].as_ref());
            allowed(own)
                && delegation::is_wanted(&own.plain, delegation.map(Arc::as_ref), lifetime, now)
        };
        let wanting = presented.own.iter().filter(wants);
        wanting.map(|own| own.plain.clone()).collect()
    }

    /// Shows a delegated credential from now on; the keys of those that it replaces.
    pub(crate) fn take_delegation(&self, delegation: Delegation) -> Result<Vec<KeyId>, String> {
        let mut presented = self.write();
        let own = presented
            .own
            .iter()
            .find(|own| own.plain.chain()[0].as_ref() == delegation.leaf.as_slice());
        let own = own.ok_or("its certificate has been replaced meanwhile")?;
        // Whatever the key server said, clients must take it.
        let delegation = Arc::new(delegation);
        own.dress(Some(&delegation), &[], UnixTime::now())
            .map_err(|error| error.to_string())?;
        let mut replaced = Vec::new();
        presented.delegations.retain(|before| {
            let stays = before.leaf != delegation.leaf;
            if !stays {
                replaced.push(before.key);
            }
            stays
        });
        presented.delegations.push(delegation);
        presented.update(UnixTime::now());
        Ok(replaced)
    }

    /// The chains in use.
    pub(crate) fn certificates(&self) -> Vec<Arc<Credential>> {
        self.read().chains.all().cloned().collect()
    }

    /// Whether the key server does anything with a chain's key for this edge; `None` as long as it has told nothing.
    pub(crate) fn is_usable(&self, chain: &Credential) -> Option<bool> {
        let presented = self.read();
        let operations = presented.operations.as_ref()?;
        let allowed = operations.get(&chain.key());
        Some(allowed.is_some_and(|allowed| !allowed.is_empty()))
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

/// Whether the key server signs delegated credentials with a chain's key, for this edge.
fn may_delegate(own: &OwnChain, operations: &Operations) -> bool {
    let some = operations.get(&own.plain.key());
    some.is_some_and(|some| some.contains(&OperationKind::DelegatedCredential))
}

/// Sessions of another site, or of another policy, are not resumed: what was agreed there need not
/// be allowed here.
fn identity(config: &SiteConfig) -> Vec<u8> {
    let mut hash = HashAlgorithm::Sha256.start();
    for name in &config.names {
        hash.update(name.to_string().as_bytes());
        hash.update(b"\n");
    }
    // What is behind the edge may differ from edge to edge; bytes and requests are different things.
    hash.update(match config.upstream {
        UpstreamAddress::Tcp(_) => b"tcp",
        UpstreamAddress::Http(_) | UpstreamAddress::Https(_) => b"http",
    });
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
