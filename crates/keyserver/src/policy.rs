//! Which edge may do what with which key for which name. What no rule allows is refused.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use keyward_config::HostName;
use keyward_crypto::signature::KeyKind;
use keyward_keyop::{KeyId, KeyRules, OperationKind};
use keyward_protocol::RefusalReason;

use crate::config::{Config, EdgeConfig, KeySelector, KeysConfig, NameSelector};
use crate::edge_identity::EdgeIdentity;
use crate::store::{KeyStore, StoredKey};

/// The rules of a configuration, resolved against the keys that there are.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<(EdgeMatch, Arc<Rule>)>,
    rsa: HashMap<KeyId, RsaKeyTransport>,
}

/// What an RSA key that is enabled for RSA key transport may do besides. A key without an entry only signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RsaKeyTransport {
    Only,
    AlsoSigns,
}

#[derive(Debug)]
struct EdgeMatch {
    name: Option<HostName>,
    spki_sha256: Option<KeyId>,
}

impl EdgeMatch {
    /// Both must fit where both are given. A rule that gives neither is for nobody.
    fn fits(&self, identity: &EdgeIdentity) -> bool {
        let named = |name: &HostName| identity.names.iter().any(|known| known == name.as_str());
        let name = self.name.as_ref().map(named);
        let pin = self.spki_sha256.map(|pin| pin == identity.spki_sha256);
        match (name, pin) {
            (None, None) => false,
            (name, pin) => name.unwrap_or(true) && pin.unwrap_or(true),
        }
    }
}

#[derive(Debug)]
struct Rule {
    /// `None` is every key.
    keys: Option<HashSet<KeyId>>,
    operations: Vec<OperationKind>,
    names: Vec<NameSelector>,
    allow_no_sni: bool,
}

impl Rule {
    fn key(&self, key: KeyId) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.contains(&key))
    }

    fn name(&self, name: Option<&str>) -> bool {
        match name {
            Some(name) => self.names.iter().any(|pattern| pattern.matches(name)),
            None => self.allow_no_sni,
        }
    }
}

impl Policy {
    /// Resolves the rules. Names of keys that do not exist match nothing; [`Config::check`] reports them.
    pub fn new(config: &Config, store: &dyn KeyStore) -> Self {
        let keys = store.keys();
        let rules = config
            .edges
            .iter()
            .map(|edge| (edge_match(edge), Arc::new(rule(edge, &keys))))
            .collect();
        Self {
            rules,
            rsa: rsa_key_transport(&config.keys, &keys),
        }
    }

    /// All that the edge with this identity may do, or `None` if no rule is about it.
    pub fn edge(&self, identity: &EdgeIdentity) -> Option<EdgeGrant> {
        let rules: Vec<Arc<Rule>> = self
            .rules
            .iter()
            .filter(|(edge, _)| edge.fits(identity))
            .map(|(_, rule)| Arc::clone(rule))
            .collect();
        (!rules.is_empty()).then(|| EdgeGrant {
            label: identity.to_string(),
            rules,
        })
    }

    /// What the operation's own checks need to know about the key.
    pub(crate) fn key_rules<'a>(
        &self,
        key: &'a StoredKey,
        operation: OperationKind,
    ) -> KeyRules<'a> {
        let transport = self.rsa.get(&key.id());
        KeyRules {
            public_key: key.public_key(),
            rsa_decryption: transport.is_some(),
            // RFC 8446 Appendix E.8: if TLS 1.3 servers "also support static RSA in the context of previous versions of TLS, then
            // it may be possible to impersonate the server for TLS 1.3 connections". TLS 1.2 clients meet the key in both roles.
            rsa_signing: operation == OperationKind::Tls12ServerKeyExchange
                || transport != Some(&RsaKeyTransport::Only),
            legacy: false,
            client: false,
        }
    }

    /// The operations that the key is good for, whoever asks.
    pub(crate) fn key_operations(&self, key: &StoredKey) -> Vec<OperationKind> {
        let is_rsa = matches!(key.public_key().kind(), KeyKind::Rsa { .. });
        OperationKind::ALL
            .into_iter()
            .filter(|operation| {
                let rules = self.key_rules(key, *operation);
                match operation {
                    OperationKind::Tls12RsaMasterSecret => is_rsa && rules.rsa_decryption,
                    _ if operation.is_of_client() != rules.client => false,
                    _ => !is_rsa || rules.rsa_signing,
                }
            })
            .collect()
    }
}

fn edge_match(edge: &EdgeConfig) -> EdgeMatch {
    EdgeMatch {
        name: edge.name.clone(),
        spki_sha256: edge.spki_sha256,
    }
}

fn rule(edge: &EdgeConfig, keys: &[Arc<StoredKey>]) -> Rule {
    let all = edge.keys.contains(&KeySelector::All);
    let chosen = || {
        keys.iter()
            .filter(|key| {
                edge.keys.iter().any(
                    |selector| matches!(selector, KeySelector::Named(name) if key.is_called(name)),
                )
            })
            .map(|key| key.id())
            .collect()
    };
    Rule {
        keys: if all { None } else { Some(chosen()) },
        operations: edge.operations.clone(),
        names: edge.names.clone(),
        allow_no_sni: edge.allow_no_sni,
    }
}

fn rsa_key_transport(
    config: &KeysConfig,
    keys: &[Arc<StoredKey>],
) -> HashMap<KeyId, RsaKeyTransport> {
    let named = |names: &[String], key: &StoredKey| names.iter().any(|name| key.is_called(name));
    keys.iter()
        .filter(|key| named(&config.allow_rsa_key_transport, key))
        .map(|key| {
            let also = named(&config.rsa_key_transport_also_signs, key);
            let use_ = if also {
                RsaKeyTransport::AlsoSigns
            } else {
                RsaKeyTransport::Only
            };
            (key.id(), use_)
        })
        .collect()
}

/// What one edge may do: all rules about it.
#[derive(Debug)]
pub struct EdgeGrant {
    label: String,
    rules: Vec<Arc<Rule>>,
}

impl EdgeGrant {
    /// How logs call the edge.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether some rule allows this operation with this key, for whatever name: what can be said before the work.
    pub fn allows(&self, key: KeyId, operation: OperationKind) -> Result<(), Refusal> {
        let mut reason = RefusalReason::Key;
        for rule in self.rules.iter().filter(|rule| rule.key(key)) {
            if rule.operations.contains(&operation) {
                return Ok(());
            }
            reason = RefusalReason::Operation;
        }
        Err(Refusal {
            reason,
            cause: match reason {
                RefusalReason::Operation => {
                    format!("no rule allows this edge {operation} with key {key}")
                }
                _ => format!("no rule allows this edge key {key}"),
            },
        })
    }

    /// Whether some rule allows it for this server name: the final word.
    pub fn allows_name(
        &self,
        key: KeyId,
        operation: OperationKind,
        server_name: Option<&str>,
    ) -> Result<(), Refusal> {
        self.allows(key, operation)?;
        let allowed = self.rules.iter().any(|rule| {
            rule.key(key) && rule.operations.contains(&operation) && rule.name(server_name)
        });
        if allowed {
            return Ok(());
        }
        Err(Refusal {
            reason: RefusalReason::Name,
            cause: match server_name {
                Some(name) => format!("no rule allows this edge the name {name}"),
                None => "the client sent no server name, and no rule has `allow_no_sni = true`"
                    .to_owned(),
            },
        })
    }

    /// The rules about this key, for the catalog.
    pub(crate) fn describe(&self, key: KeyId) -> Option<KeyGrant> {
        let mut grant = KeyGrant::default();
        for rule in self.rules.iter().filter(|rule| rule.key(key)) {
            grant.operations.extend(&rule.operations);
            grant
                .names
                .extend(rule.names.iter().map(NameSelector::to_string));
            grant.allow_no_sni |= rule.allow_no_sni;
        }
        grant.names.sort_unstable();
        grant.names.dedup();
        (!grant.operations.is_empty()).then_some(grant)
    }
}

/// The union of the rules about one key.
#[derive(Debug, Default)]
pub(crate) struct KeyGrant {
    pub(crate) operations: HashSet<OperationKind>,
    pub(crate) names: Vec<String>,
    pub(crate) allow_no_sni: bool,
}

/// A refusal: its class, which the edge is told, and its cause, which the log has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the edge.
    pub reason: RefusalReason,
    /// For the operator.
    pub cause: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}
