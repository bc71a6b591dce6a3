//! One rule: about whom it is, and what it allows. [`Rule::judge`] is the decision.

use std::collections::HashSet;

use keyward_config::HostName;
use keyward_keyop::{KeyId, Names, OperationKind};
use keyward_protocol::RefusalReason;

use super::rates::EdgeRates;
use crate::config::{NameSelector, Network, PeerAddress, SpiffeSelector};
use crate::edge_identity::EdgeIdentity;

#[derive(Debug)]
pub(super) struct Rule {
    /// Its place among the rules of the configuration, from 0.
    pub(super) index: usize,
    pub(super) edge: EdgeMatch,
    /// Empty is everywhere.
    pub(super) from: Vec<Network>,
    /// `None` is every key.
    pub(super) keys: Option<HashSet<KeyId>>,
    pub(super) operations: Vec<OperationKind>,
    pub(super) names: Vec<NameSelector>,
    pub(super) allow_no_sni: bool,
    pub(super) administrator: bool,
    pub(super) rates: Option<EdgeRates>,
}

/// Which edges. All that is given must fit.
#[derive(Debug)]
pub(super) struct EdgeMatch {
    pub(super) name: Option<HostName>,
    pub(super) spiffe: Option<SpiffeSelector>,
    pub(super) spki_sha256: Option<KeyId>,
}

impl EdgeMatch {
    /// A rule that says nothing about the edge is for nobody.
    fn fits(&self, identity: &EdgeIdentity) -> bool {
        let named = |name: &HostName| identity.names.iter().any(|known| known == name.as_str());
        let name = self.name.as_ref().map(named);
        let spiffe = self.spiffe.as_ref().map(|selector| {
            let id = identity.spiffe.as_ref();
            id.is_some_and(|id| selector.matches(id))
        });
        let pin = self.spki_sha256.map(|pin| pin == identity.spki_sha256);
        let mut demands = [name, spiffe, pin].into_iter().flatten().peekable();
        demands.peek().is_some() && demands.all(|fits| fits)
    }

    /// What the rule calls the edges that it is about: as many names as there are rules, however many edges.
    pub(super) fn called(&self) -> String {
        match self {
            Self {
                name: Some(name), ..
            } => name.to_string(),
            Self {
                spiffe: Some(spiffe),
                ..
            } => spiffe.to_string(),
            Self {
                spki_sha256: Some(pin),
                ..
            } => format!("spki {pin}"),
            _ => "nobody".to_owned(),
        }
    }

    /// Which of the edges that it is about this is. Only a path stands for more than one.
    fn known_as<'a>(&self, identity: &'a EdgeIdentity) -> &'a str {
        match (&self.spiffe, &identity.spiffe) {
            (Some(SpiffeSelector::Below(_)), Some(id)) => id.as_str(),
            _ => "",
        }
    }
}

/// What is asked of a rule, as far as it is known yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) key: KeyId,
    pub(super) operation: OperationKind,
    /// `None` before the handshake is looked at.
    pub(super) names: Option<&'a Names>,
}

impl Rule {
    /// Whether it is about this edge, where it is. Without a place, wherever it is.
    pub(super) fn is_about(
        &self,
        identity: &EdgeIdentity,
        from: Option<PeerAddress>,
    ) -> Result<(), RefusalReason> {
        if !self.edge.fits(identity) {
            return Err(RefusalReason::Edge);
        }
        let inside = |from| self.from.iter().any(|network| network.contains(from));
        if !self.from.is_empty() && !from.is_none_or(inside) {
            return Err(RefusalReason::Network);
        }
        Ok(())
    }

    /// Forgets edges that are long gone.
    pub(super) fn tidy(&self) {
        if let Some(rates) = &self.rates {
            rates.tidy();
        }
    }

    /// Whether it allows this to an edge that it is about; if not, the first thing that it does not.
    pub(super) fn judge(&self, asked: &Asked<'_>) -> Result<(), RefusalReason> {
        if !self.key(asked.key) {
            return Err(RefusalReason::Key);
        }
        if !self.operation(asked.operation) {
            return Err(RefusalReason::Operation);
        }
        if asked.names.is_some_and(|names| !self.names(names)) {
            return Err(RefusalReason::Name);
        }
        Ok(())
    }

    /// Takes one of the edge's tokens. A rule without a rate has no end of them.
    pub(super) fn take(&self, identity: &EdgeIdentity) -> bool {
        let rates = self.rates.as_ref();
        rates.is_none_or(|rates| rates.take(self.edge.known_as(identity)))
    }

    /// A request for a certificate is signed for administrators alone, whatever a rule for an edge lists.
    pub(super) fn operation(&self, operation: OperationKind) -> bool {
        self.operations.contains(&operation)
            && (self.administrator || operation != OperationKind::CertificateRequest)
    }

    pub(super) fn key(&self, key: KeyId) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.contains(&key))
    }

    fn names(&self, names: &Names) -> bool {
        match names {
            Names::ServerName(Some(name)) => self.names.iter().any(|rule| rule.matches(name)),
            Names::ServerName(None) => self.allow_no_sni,
            Names::Each(names) => names
                .iter()
                .all(|name| self.names.iter().any(|rule| rule.covers(name))),
            Names::Any => self.allow_no_sni && self.names.contains(&NameSelector::All),
        }
    }
}

/// How far a request got with a rule that refused it: the further, the nearer the rule was to allowing it.
pub(super) fn nearness(reason: RefusalReason) -> u8 {
    match reason {
        RefusalReason::Edge => 0,
        RefusalReason::Network => 1,
        RefusalReason::Key => 2,
        RefusalReason::Operation => 3,
        RefusalReason::Name => 4,
        _ => 5,
    }
}
