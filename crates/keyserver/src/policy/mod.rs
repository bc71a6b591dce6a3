//! Which edge may do what with which key for which name. What no rule allows is refused.

mod explain;
mod rates;
mod rule;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use keyward_crypto::signature::KeyKind;
use keyward_keyop::{KeyId, KeyRules, Names, OperationKind, Role};
use keyward_protocol::RefusalReason;

use crate::config::{Config, EdgeConfig, KeySelector, KeysConfig, NameSelector, PeerAddress};
use crate::edge_identity::EdgeIdentity;
use crate::metrics::EdgeOperations;
use crate::store::{KeySet, StoredKey};
use crate::work::Work;

use rates::{EdgeRates, KeyRate};
use rule::{Asked, EdgeMatch, Rule, nearness};

pub use explain::{Explanation, Question};

/// The rules of a configuration, resolved against the keys that there are.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<Arc<Rule>>,
    switches: HashMap<KeyId, Switches>,
    key_rates: Arc<HashMap<KeyId, KeyRate>>,
}

/// What the operator says of one key.
#[derive(Clone, Copy, Debug, Default)]
struct Switches {
    rsa_key_transport: bool,
    /// What decrypts signs for TLS 1.3 as well.
    also_signs: bool,
    client: bool,
    legacy: bool,
    transcript_hash: bool,
    raw_digest: bool,
    raw_rsa_decryption: bool,
}

impl Switches {
    /// Whether the key decrypts for somebody, and was not said to sign all the same.
    fn decrypts_only(self) -> bool {
        let decrypts = self.rsa_key_transport || self.raw_rsa_decryption;
        decrypts && !self.also_signs
    }
}

impl Policy {
    /// Resolves the rules. Names of keys that do not exist match nothing; [`Config::check`] reports them.
    pub fn new(config: &Config, keys: &KeySet) -> Self {
        let keys = keys.keys();
        let rules = config.edges.iter().enumerate();
        let rules = rules.map(|(index, edge)| Arc::new(rule(index, edge, keys)));
        Self {
            rules: rules.collect(),
            switches: switches(&config.keys, keys),
            key_rates: Arc::new(key_rates(&config.keys, keys)),
        }
    }

    /// All that the edge with this identity may do where it is, or which class of rule refuses it: no rule is about this
    /// edge, or none about it where it is.
    ///
    /// # Errors
    /// [`RefusalReason::Edge`] or [`RefusalReason::Network`].
    pub fn edge(
        &self,
        identity: &EdgeIdentity,
        from: PeerAddress,
    ) -> Result<EdgeGrant, RefusalReason> {
        let mut rules = Vec::new();
        let mut nearest = RefusalReason::Edge;
        for rule in &self.rules {
            match rule.is_about(identity, Some(from)) {
                Ok(()) => {
                    rule.tidy();
                    rules.push(Arc::clone(rule));
                }
                Err(reason) if nearness(reason) > nearness(nearest) => nearest = reason,
                Err(_) => {}
            }
        }
        if rules.is_empty() {
            return Err(nearest);
        }
        Ok(EdgeGrant {
            label: identity.to_string(),
            identity: identity.clone(),
            rules,
            key_rates: Arc::clone(&self.key_rates),
            operations: Arc::default(),
        })
    }

    /// What the operation's own checks need to know about the key.
    pub(crate) fn key_rules<'a>(
        &self,
        key: &'a StoredKey,
        operation: OperationKind,
        now: SystemTime,
    ) -> KeyRules<'a> {
        let switches = self.switches.get(&key.id()).copied().unwrap_or_default();
        // RFC 8446 Appendix E.8: if TLS 1.3 servers "also support static RSA in the context of previous versions of TLS, then
        // it may be possible to impersonate the server for TLS 1.3 connections". TLS 1.2 clients meet the key in both roles,
        // and a key without a certificate serves nobody.
        let signs_all_the_same = matches!(
            operation,
            OperationKind::Tls12ServerKeyExchange | OperationKind::CertificateRequest
        );
        let since_1970 = now.duration_since(UNIX_EPOCH);
        KeyRules {
            rsa_decryption: switches.rsa_key_transport,
            rsa_signing: signs_all_the_same || !switches.decrypts_only(),
            legacy: switches.legacy,
            client: switches.client,
            transcript_hash: switches.transcript_hash,
            raw_digest: switches.raw_digest,
            raw_rsa_decryption: switches.raw_rsa_decryption,
            now: since_1970.map_or(0, |since| since.as_secs()),
            ..KeyRules::signing(key.public_key())
        }
    }

    /// The operations that the key is good for, whoever asks.
    pub(crate) fn key_operations(&self, key: &StoredKey) -> Vec<OperationKind> {
        let is_rsa = matches!(key.public_key().kind(), KeyKind::Rsa { .. });
        OperationKind::ALL
            .into_iter()
            .filter(|operation| {
                let rules = self.key_rules(key, *operation, UNIX_EPOCH);
                let its_role = operation
                    .role()
                    .is_none_or(|role| rules.client == (role == Role::Client));
                let signs = !is_rsa || rules.rsa_signing;
                its_role
                    && match operation {
                        OperationKind::Tls12RsaMasterSecret => {
                            is_rsa && rules.rsa_decryption && key.decrypts()
                        }
                        OperationKind::DelegatedCredential => {
                            signs && !rules.rsa_decryption && !rules.raw_rsa_decryption
                        }
                        OperationKind::RawDigest => signs && rules.raw_digest && key.is_here(),
                        OperationKind::RawRsaDecryption => {
                            is_rsa && rules.raw_rsa_decryption && key.is_here()
                        }
                        OperationKind::Tls13TranscriptHash => signs && rules.transcript_hash,
                        _ => signs,
                    }
            })
            .collect()
    }
}

fn rule(index: usize, edge: &EdgeConfig, keys: &[Arc<StoredKey>]) -> Rule {
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
        index,
        edge: EdgeMatch {
            name: edge.name.clone(),
            spiffe: edge.spiffe.clone(),
            spki_sha256: edge.spki_sha256,
        },
        from: edge.from.clone(),
        keys: if all { None } else { Some(chosen()) },
        operations: edge.operations.clone(),
        names: edge.names.clone(),
        allow_no_sni: edge.allow_no_sni,
        administrator: edge.administrator,
        rates: edge.rate.map(EdgeRates::new),
    }
}

fn key_rates(config: &KeysConfig, keys: &[Arc<StoredKey>]) -> HashMap<KeyId, KeyRate> {
    let mut rates = HashMap::new();
    for (name, rate) in &config.rates {
        for key in keys.iter().filter(|key| key.is_called(name)) {
            rates.insert(key.id(), KeyRate::new(*rate));
        }
    }
    rates
}

fn switches(config: &KeysConfig, keys: &[Arc<StoredKey>]) -> HashMap<KeyId, Switches> {
    let named = |names: &[String], key: &StoredKey| names.iter().any(|name| key.is_called(name));
    keys.iter()
        .map(|key| {
            let switches = Switches {
                rsa_key_transport: named(&config.allow_rsa_key_transport, key),
                also_signs: named(&config.rsa_key_transport_also_signs, key),
                client: named(&config.client, key),
                legacy: named(&config.allow_legacy, key),
                transcript_hash: named(&config.allow_transcript_hash, key),
                raw_digest: named(&config.allow_raw_digest, key),
                raw_rsa_decryption: named(&config.allow_raw_rsa_decryption, key),
            };
            (key.id(), switches)
        })
        .collect()
}

/// What one edge may do: all rules about it, where it is.
#[derive(Debug)]
pub struct EdgeGrant {
    label: String,
    identity: EdgeIdentity,
    rules: Vec<Arc<Rule>>,
    key_rates: Arc<HashMap<KeyId, KeyRate>>,
    /// Where its requests are counted.
    operations: Arc<EdgeOperations>,
}

/// That a request was admitted: which rule's token it has, if it needed one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    paid: Option<usize>,
}

impl EdgeGrant {
    /// How logs call the edge.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What its first rule calls it, for counting: rules are few, edges need not be.
    pub(crate) fn called(&self) -> String {
        self.rules
            .first()
            .map(|rule| rule.edge.called())
            .unwrap_or_default()
    }

    /// To be counted there from now on.
    #[must_use]
    pub(crate) fn counted(self, operations: Arc<EdgeOperations>) -> Self {
        Self { operations, ..self }
    }

    /// Where its requests are counted.
    pub(crate) fn operations(&self) -> &Arc<EdgeOperations> {
        &self.operations
    }

    /// What can be said before a handshake is looked at: whether some rule allows this operation with this key, for whatever
    /// name, and whether edge and key are within their rates.
    pub(crate) fn admit(&self, operation: &Work) -> Result<Admitted, Refusal> {
        let asked = Asked {
            key: operation.key(),
            operation: operation.kind(),
            names: None,
        };
        let allowing = self.allowing(&asked)?;
        let paid = self.pay(&allowing, operation)?;
        match self.key_rates.get(&asked.key) {
            Some(key) if !key.take() => Err(Refusal {
                reason: RefusalReason::Rate,
                cause: format!(
                    "all edges together exceed the rate of key {}: {}",
                    asked.key, key.rate
                ),
            }),
            _ => Ok(Admitted { paid }),
        }
    }

    /// Takes a token of one of these rules. If only some of them can be meant, for their names, the handshake's first
    /// message says which: an edge that floods one of its names does not use up the rate of the others.
    fn pay(&self, allowing: &[&Rule], operation: &Work) -> Result<Option<usize>, Refusal> {
        if allowing.iter().any(|rule| rule.rates.is_none()) {
            return Ok(None);
        }
        let mut meant = Vec::new();
        if allowing.len() > 1
            && let Some(names) = operation.claimed_names()
        {
            let asked = Asked {
                key: operation.key(),
                operation: operation.kind(),
                names: Some(&names),
            };
            meant.extend(allowing.iter().filter(|rule| rule.judge(&asked).is_ok()));
        }
        let meant = if meant.is_empty() { allowing } else { &meant };
        self.take(meant).map(|rule| Some(rule.index))
    }

    fn take<'a>(&self, rules: &[&'a Rule]) -> Result<&'a Rule, Refusal> {
        let paying = rules.iter().find(|rule| rule.take(&self.identity));
        paying.copied().ok_or_else(|| {
            let rates = rules.iter().filter_map(|rule| rule.rates.as_ref());
            let rates: Vec<String> = rates.map(|rates| rates.rate.to_string()).collect();
            Refusal {
                reason: RefusalReason::Rate,
                cause: format!(
                    "this edge exceeds the rate of its rule: {}",
                    rates.join(", ")
                ),
            }
        })
    }

    /// Whether some rule allows it for these names: the final word. Several names need one rule that has them all.
    pub(crate) fn allows_names(
        &self,
        key: KeyId,
        operation: OperationKind,
        names: &Names,
        admitted: Admitted,
    ) -> Result<(), Refusal> {
        let asked = Asked {
            key,
            operation,
            names: Some(names),
        };
        let allowing = self.allowing(&asked)?;
        let is_paid = |rule: &&Rule| rule.rates.is_none() || Some(rule.index) == admitted.paid;
        if allowing.iter().any(is_paid) {
            return Ok(());
        }
        self.take(&allowing).map(|_| ())
    }

    /// The rules that allow this, or what the nearest to it does not allow.
    fn allowing(&self, asked: &Asked<'_>) -> Result<Vec<&Rule>, Refusal> {
        let mut allowing = Vec::new();
        let mut nearest = RefusalReason::Key;
        for rule in &self.rules {
            match rule.judge(asked) {
                Ok(()) => allowing.push(&**rule),
                Err(reason) if nearness(reason) > nearness(nearest) => nearest = reason,
                Err(_) => {}
            }
        }
        if allowing.is_empty() {
            return Err(refusal(nearest, asked));
        }
        Ok(allowing)
    }

    /// The sets of names for which the edge gets session ticket keys: each that a rule gives it for handshakes of servers.
    pub(crate) fn tenants(&self) -> Vec<Vec<String>> {
        let handshakes = [
            OperationKind::Tls13ServerCertificateVerify,
            OperationKind::Tls12ServerKeyExchange,
            OperationKind::Tls12RsaMasterSecret,
        ];
        let mut tenants: Vec<Vec<String>> = self
            .rules
            .iter()
            .filter(|rule| {
                handshakes
                    .iter()
                    .any(|operation| rule.operations.contains(operation))
            })
            .map(|rule| {
                let mut names: Vec<String> =
                    rule.names.iter().map(NameSelector::to_string).collect();
                names.sort_unstable();
                names.dedup();
                names
            })
            .filter(|names| !names.is_empty())
            .collect();
        tenants.sort_unstable();
        tenants.dedup();
        tenants
    }

    /// The rules about this key, for the catalog.
    pub(crate) fn describe(&self, key: KeyId) -> Option<KeyGrant> {
        let mut grant = KeyGrant::default();
        for rule in self.rules.iter().filter(|rule| rule.key(key)) {
            let operations = rule.operations.iter().copied();
            grant
                .operations
                .extend(operations.filter(|operation| rule.operation(*operation)));
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

/// In words, what no rule allows.
fn refusal(reason: RefusalReason, asked: &Asked<'_>) -> Refusal {
    let Asked {
        key,
        operation,
        names,
    } = asked;
    let cause = match (reason, names) {
        (RefusalReason::Edge, _) => "no [[edge]] rule is about this edge".to_owned(),
        (RefusalReason::Network, _) => {
            "no rule about this edge allows where it connects from".to_owned()
        }
        (RefusalReason::Operation, _) if *operation == OperationKind::CertificateRequest => {
            format!("no rule with `administrator = true` allows {operation} with key {key}")
        }
        (RefusalReason::Operation, _) => {
            format!("no rule allows this edge {operation} with key {key}")
        }
        (RefusalReason::Name, Some(Names::ServerName(Some(name)))) => {
            format!("no rule allows this edge the name {name}")
        }
        (RefusalReason::Name, Some(Names::ServerName(None))) => {
            "the client sent no server name, and no rule has `allow_no_sni = true`".to_owned()
        }
        (RefusalReason::Name, Some(Names::Each(names))) => {
            format!("no rule allows this edge all of {}", names.join(", "))
        }
        (RefusalReason::Name, _) => {
            "the operation shows no name, and no rule has `names = [\"*\"]` and \
                                     `allow_no_sni = true`"
                .to_owned()
        }
        _ => format!("no rule allows this edge key {key}"),
    };
    Refusal { reason, cause }
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
