//! Sites, and the choice among them by the name that a client asks for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use keyward_config::{HostName, NamePattern};
use keyward_crypto::hash::HashAlgorithm;
use keyward_keyop::OperationKind;
use keyward_tls::{CertificateAnswer, ClientAuthentication, Credential, Policy};

use crate::catalog::Operations;
use crate::certificates;
use crate::config::SiteConfig;
use crate::http::HttpService;
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
    default: bool,
    policy: Arc<Policy>,
    alpn: Vec<Vec<u8>>,
    session_context: Vec<u8>,
    from_catalog: bool,
    certificates: RwLock<Arc<[Candidate]>>,
}

/// What is behind a site.
pub(crate) enum Service {
    /// Requests are forwarded.
    Http(Arc<HttpService>),
    /// Bytes are.
    Tcp(Connector),
}

/// A chain, the names that it is for, and what the key server does with its key.
#[derive(Clone)]
struct Candidate {
    certificate: Arc<Credential>,
    names: Vec<NamePattern>,
    /// `None` until the catalog tells.
    operations: Option<Vec<OperationKind>>,
}

/// What a handshake looks for in a chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) server_name: Option<&'a str>,
    pub(crate) operation: OperationKind,
}

impl Site {
    pub(crate) fn new(config: &SiteConfig, service: Service) -> Self {
        let certificates = config
            .certificates
            .iter()
            .map(|file| file.certificate.clone());
        Self {
            names: config.names.clone(),
            service,
            default: config.default,
            policy: config.policy.clone(),
            alpn: config.alpn.clone(),
            session_context: session_context(config),
            from_catalog: config.certificates.is_empty(),
            certificates: RwLock::new(candidates(certificates)),
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
    pub(crate) fn take_catalog(&self, chains: &[Arc<Credential>], operations: &Operations) {
        let mut slot = self
            .certificates
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut ours = if self.from_catalog {
            let mut ours = candidates(chains.iter().cloned()).to_vec();
            ours.retain(|candidate| self.names.is_empty() || self.fits(candidate));
            ours
        } else {
            slot.to_vec()
        };
        for candidate in &mut ours {
            let allowed = operations.get(&candidate.certificate.key());
            candidate.operations = Some(allowed.cloned().unwrap_or_default());
            // A catalog comes with each connection to a key server.
            candidate.certificate.verify_next_signature();
        }
        *slot = ours.into();
    }

    /// The chains in use.
    pub(crate) fn certificates(&self) -> Vec<Arc<Credential>> {
        self.candidates()
            .iter()
            .map(|candidate| candidate.certificate.clone())
            .collect()
    }

    /// What the engine needs for a client, or `None` as long as the catalog with this site's chains
    /// has not come.
    pub(crate) fn answer(&self, wanted: Wanted<'_>) -> Option<CertificateAnswer> {
        let all = self.candidates();
        if all.is_empty() {
            return None;
        }
        // The sort is stable: what fits as well stays in the order of preference.
        let mut ordered: Vec<&Candidate> = all.iter().collect();
        ordered.sort_by_key(|candidate| (!candidate.can(wanted), !candidate.is_for(wanted)));
        Some(CertificateAnswer {
            candidates: ordered
                .into_iter()
                .map(|candidate| candidate.certificate.clone())
                .collect(),
            policy: self.policy.clone(),
            alpn: self.alpn.clone(),
            session_context: self.session_context.clone(),
            client_authentication: ClientAuthentication::Off,
        })
    }

    fn candidates(&self) -> Arc<[Candidate]> {
        self.certificates
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn fits(&self, candidate: &Candidate) -> bool {
        let covered = |ours: &NamePattern| candidate.names.iter().any(|name| name.covers(ours));
        self.names.iter().any(covered)
    }
}

impl Candidate {
    /// Whether the key server does what the handshake needs. An RSA key that decrypts, for old
    /// clients, need not be one that signs.
    fn can(&self, wanted: Wanted<'_>) -> bool {
        self.operations
            .as_ref()
            .is_none_or(|allowed| allowed.contains(&wanted.operation))
    }

    /// Whether it is for the very name: a site of several names may have a chain for each.
    fn is_for(&self, wanted: Wanted<'_>) -> bool {
        wanted
            .server_name
            .is_none_or(|wanted| self.names.iter().any(|name| name.matches(wanted)))
    }
}

fn candidates(certificates: impl Iterator<Item = Arc<Credential>>) -> Arc<[Candidate]> {
    let mut candidates: Vec<_> = certificates
        .map(|certificate| Candidate {
            names: certificate
                .chain()
                .first()
                .map(certificates::names)
                .unwrap_or_default(),
            certificate,
            operations: None,
        })
        .collect();
    candidates.sort_by_key(|candidate| certificates::preference(&candidate.certificate));
    candidates.into()
}

/// Sessions of another site, or of another policy, are not resumed: what was agreed there need not
/// be allowed here.
fn session_context(config: &SiteConfig) -> Vec<u8> {
    let mut hash = HashAlgorithm::Sha256.start();
    for name in &config.names {
        hash.update(name.to_string().as_bytes());
        hash.update(b"\n");
    }
    hash.update(config.upstream.to_string().as_bytes());
    hash.update(format!("\n{:?}", config.policy).as_bytes());
    hash.finish().to_vec()
}
