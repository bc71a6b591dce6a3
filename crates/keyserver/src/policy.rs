//! Which edge may do what with which key for which name. What no rule allows is refused.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use keyward_config::HostName;
use keyward_crypto::signature::KeyKind;
use keyward_keyop::{KeyId, KeyRules, Names, OperationKind, Role};
use keyward_protocol::RefusalReason;

use crate::config::{Config, EdgeConfig, KeySelector, KeysConfig, NameSelector};
use crate::edge_identity::EdgeIdentity;
use crate::store::{KeyStore, StoredKey};

/// The rules of a configuration, resolved against the keys that there are.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<(EdgeMatch, Arc<Rule>)>,
    switches: HashMap<KeyId, Switches>,
}

/// What the operator says of one key.
#[derive(Clone, Copy, Debug, Default)]
struct Switches {
    rsa_key_transport: Option<RsaKeyTransport>,
    client: bool,
    legacy: bool,
    transcript_hash: bool,
}

/// What an RSA key that is enabled for RSA key transport may do besides.
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
    administrator: bool,
}

impl Rule {
    /// A request for a certificate is signed for administrators alone, whatever a rule for an edge lists.
    fn operation(&self, operation: OperationKind) -> bool {
        self.operations.contains(&operation)
            && (self.administrator || operation != OperationKind::CertificateRequest)
    }

    fn key(&self, key: KeyId) -> bool {
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
            switches: switches(&config.keys, &keys),
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
            rsa_decryption: switches.rsa_key_transport.is_some(),
            rsa_signing: signs_all_the_same
                || switches.rsa_key_transport != Some(RsaKeyTransport::Only),
            legacy: switches.legacy,
            client: switches.client,
            transcript_hash: switches.transcript_hash,
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
                        OperationKind::Tls12RsaMasterSecret => is_rsa && rules.rsa_decryption,
                        OperationKind::DelegatedCredential => signs && !rules.rsa_decryption,
                        OperationKind::Tls13TranscriptHash => signs && rules.transcript_hash,
                        _ => signs,
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
        administrator: edge.administrator,
    }
}

fn switches(config: &KeysConfig, keys: &[Arc<StoredKey>]) -> HashMap<KeyId, Switches> {
    let named = |names: &[String], key: &StoredKey| names.iter().any(|name| key.is_called(name));
    keys.iter()
        .map(|key| {
            let transport = named(&config.allow_rsa_key_transport, key);
            let also_signs = named(&config.rsa_key_transport_also_signs, key);
            let switches = Switches {
                rsa_key_transport: transport.then_some(if also_signs {
                    RsaKeyTransport::AlsoSigns
                } else {
                    RsaKeyTransport::Only
                }),
                client: named(&config.client, key),
                legacy: named(&config.allow_legacy, key),
                transcript_hash: named(&config.allow_transcript_hash, key),
            };
            (key.id(), switches)
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
            if rule.operation(operation) {
                return Ok(());
            }
            reason = RefusalReason::Operation;
        }
        Err(Refusal {
            reason,
            cause: match reason {
                RefusalReason::Operation if operation == OperationKind::CertificateRequest => {
                    format!("no rule with `administrator = true` allows {operation} with key {key}")
                }
                RefusalReason::Operation => {
                    format!("no rule allows this edge {operation} with key {key}")
                }
                _ => format!("no rule allows this edge key {key}"),
            },
        })
    }

    /// Whether some rule allows it for these names: the final word. Several names need one rule that has them all.
    pub fn allows_names(
        &self,
        key: KeyId,
        operation: OperationKind,
        names: &Names,
    ) -> Result<(), Refusal> {
        self.allows(key, operation)?;
        let allowed = self
            .rules
            .iter()
            .any(|rule| rule.key(key) && rule.operation(operation) && rule.names(names));
        if allowed {
            return Ok(());
        }
        Err(Refusal {
            reason: RefusalReason::Name,
            cause: match names {
                Names::ServerName(Some(name)) => {
                    format!("no rule allows this edge the name {name}")
                }
                Names::ServerName(None) => {
                    "the client sent no server name, and no rule has `allow_no_sni = true`"
                        .to_owned()
                }
                Names::Each(names) => {
                    format!("no rule allows this edge all of {}", names.join(", "))
                }
                Names::Any => "the operation shows no name, and no rule has `names = [\"*\"]` and \
                               `allow_no_sni = true`"
                    .to_owned(),
            },
        })
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
