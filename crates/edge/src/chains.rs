//! A site's certificate chains, and the order in which a handshake is offered them.

use std::sync::Arc;

use keyward_config::NamePattern;
use keyward_keyop::OperationKind;
use keyward_tls::Credential;

use crate::catalog::Operations;
use crate::certificates;

/// A site's chains, in the order of preference.
#[derive(Clone, Default)]
pub(crate) struct Chains(Vec<Candidate>);

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

impl Chains {
    pub(crate) fn new(certificates: impl IntoIterator<Item = Arc<Credential>>) -> Self {
        let mut candidates: Vec<_> = certificates.into_iter().map(Candidate::new).collect();
        candidates.sort_by_key(|candidate| certificates::preference(&candidate.certificate));
        Self(candidates)
    }

    /// With what the key server does with their keys.
    #[must_use]
    pub(crate) fn with_operations(mut self, operations: &Operations) -> Self {
        for candidate in &mut self.0 {
            let allowed = operations.get(&candidate.certificate.key());
            candidate.operations = Some(allowed.cloned().unwrap_or_default());
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Has the next signature of each key server's key verified: another key server may answer from here on.
    pub(crate) fn verify_next_signatures(&self) {
        for candidate in &self.0 {
            candidate.certificate.verify_next_signature();
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.0.iter().map(|candidate| &candidate.certificate)
    }

    /// What fits the handshake best comes first.
    pub(crate) fn ordered(&self, wanted: Wanted<'_>) -> Vec<Arc<Credential>> {
        let mut ordered: Vec<&Candidate> = self.0.iter().collect();
        // The sort is stable: what fits as well stays in the order of preference.
        ordered.sort_by_key(|candidate| (!candidate.can(wanted), !candidate.is_for(wanted)));
        ordered
            .into_iter()
            .map(|candidate| candidate.certificate.clone())
            .collect()
    }
}

impl Candidate {
    fn new(certificate: Arc<Credential>) -> Self {
        Self {
            names: certificate
                .chain()
                .first()
                .map(certificates::names)
                .unwrap_or_default(),
            certificate,
            operations: None,
        }
    }

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
